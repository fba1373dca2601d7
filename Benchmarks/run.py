"""Measures dash-swift's gallery and stock Dash's same pages in one run, and writes results.md: `make bench`.

Options: --quick (fewer samples), --only-stock, --only-ours, --only-scale (large apps alone; writes no file).
"""

import argparse
import os
import platform
import statistics
import sys
import time

from measure import ROOT, load, rest, scale, servers
from measure.latency import Latency

MB = 1024 * 1024


BEGAN = time.monotonic()


def step(what):
    """Says what is measured now: the whole run takes minutes."""
    print(f"[{time.monotonic() - BEGAN:5.0f} s] {what}", file=sys.stderr, flush=True)


def milliseconds(samples):
    return statistics.median(samples)


def measure_ours(quick):
    seconds, figures = (3 if quick else 8), {}
    server = servers.ours()
    try:
        time.sleep(2)
        step("dash-swift: memory, and the CPU of doing nothing")
        figures["memory"] = rest.memory(server)
        figures["idle"] = rest.idle_cpu(server, 5 if quick else 60)
        figures |= latencies("dash-swift", server.url, 10 if quick else 50)
        step("dash-swift: ordinary callbacks over 16 connections")
        figures["echo rate"] = load.echo(server.url, seconds)
        step("dash-swift: empty jobs over 16 connections")
        figures["jobs"] = load.empty_jobs(server.url, seconds)
    finally:
        server.stop()
    step("dash-swift: back after a trap in a regular callback")
    return figures | {"restart": milliseconds([measure_restart() for _ in range(5)])} | large_ours(quick)


def large_ours(quick):
    step("dash-swift: start of 100 callbacks, layouts of 10,000 components")
    figures = scale.measure(scale.Large, 3 if quick else 9, 10 if quick else 50)
    step("dash-swift: the compiler's time for 100 callbacks")
    figures["type-check"], figures["type-check of nothing"] = scale.type_check(1 if quick else 3)
    return figures


def large_stock(quick):
    step("stock Dash: start of 100 callbacks, layouts of 10,000 components")
    return scale.measure(scale.StockLarge, 2 if quick else 5, 3 if quick else 15)


def measure_restart():
    server = servers.faulty()
    try:
        return rest.restart(server)
    finally:
        server.stop()


def measure_stock(quick):
    figures = {}
    server = servers.stock()
    try:
        time.sleep(2)
        step("stock Dash: memory, and the CPU of doing nothing")
        figures["memory"] = rest.memory(server)
        figures["idle"] = rest.idle_cpu(server, 5 if quick else 60)
        figures |= latencies("stock Dash", server.url, 5 if quick else 15)
        step("stock Dash: ordinary callbacks, then empty jobs, over 16 connections")
        figures["echo rate"] = load.echo(server.url, 3 if quick else 8)
        finished, started, took = load.polled_jobs(server.url, 1 if quick else 6, 60)
        figures["jobs"] = load.Load(finished / took, 0, started - finished, 0, 0)
        figures["jobs started"] = started
    finally:
        server.stop()
    return figures | large_stock(quick)


def latencies(name, base, samples):
    browser, figures = Latency(base, samples), {}
    try:
        for page in ("echo", "empty", "cached", "cancel"):
            step(f"{name}: {page}, in the browser")
            figures[page] = milliseconds(getattr(browser, page)())
        return figures | {"lost": browser.lost}
    finally:
        browser.close()


def rows(ours, stock):
    """(what, ours, stock, ratio) as texts."""

    def row(what, unit, mine, theirs, better="lower", digits=1):
        def text(value):
            return "–" if value is None else f"{value:,.{digits}f} {unit}"

        ratio = "–"
        if mine and theirs:
            ratio = f"{(theirs / mine if better == 'lower' else mine / theirs):.1f} ×"
        return what, text(mine), text(theirs), ratio

    def of(figures, name):
        return figures.get(name) if figures else None

    def part(figures, name, index):
        value = of(figures, name)
        return value[index] / MB if value else None

    def rate(figures, name):
        value = of(figures, name)
        return value.rate if value else None

    yield row("ordinary callback: input → text", "ms", of(ours, "echo"), of(stock, "echo"))
    yield row("empty background job: click → text", "ms", of(ours, "empty"), of(stock, "empty"))
    yield row("cached background job: click → text", "ms", of(ours, "cached"), of(stock, "cached"))
    yield row("cancel: click → button free", "ms", of(ours, "cancel"), of(stock, "cancel"))
    yield row("ordinary callbacks, 16 connections", "/s", rate(ours, "echo rate"), rate(stock, "echo rate"), "higher", 0)
    yield row("empty jobs, 16 connections", "/s", rate(ours, "jobs"), rate(stock, "jobs"), "higher", 1)
    yield row("idle memory, private, all processes", "MB", part(ours, "memory", 1), part(stock, "memory", 1))
    yield row("idle memory, proportional (PSS)", "MB", part(ours, "memory", 0), part(stock, "memory", 0))
    yield row("trap in a callback → served again", "ms", of(ours, "restart"), None, digits=0)
    yield row("CPU of an idle minute", "s", of(ours, "idle"), of(stock, "idle"), digits=2)
    yield row("start of 100 callbacks → their list", "ms", of(ours, "start"), of(stock, "start"), digits=0)
    yield row("layout of 10,000 components, fixed", "ms", of(ours, "layout"), of(stock, "layout"))
    yield row("the same made for each load", "ms", of(ours, "made layout"), of(stock, "made layout"))
    yield row("type-check of 100 callbacks", "s", of(ours, "type-check"), None, digits=2)


def notes(ours, stock):
    if ours:
        yield (f"Goals: start under 100 ms, layout under 20 ms, type-check under 2 s. The layout has {ours['layout size'] / 1e6:.1f} MB; "
               f"of the type-check {ours['type-check of nothing']:.2f} s are for a file that only imports Dash.")
    if ours and "echo" in ours:
        extra = max(ours["empty"], ours["cached"]) - ours["echo"]
        yield f"An empty or cached job takes {extra:.1f} ms more than an ordinary callback of the same server (goal: at most 8)."
        yield (f"dash-swift, empty jobs: {ours['jobs'].failed} failed, {ours['jobs'].pending} answered later than the first "
               f"request; median {ours['jobs'].median:.1f} ms, 99 of 100 within {ours['jobs'].slowest:.1f} ms.")
        yield f"dash-swift, ordinary callbacks: 99 of 100 within {ours['echo rate'].slowest:.1f} ms, {ours['echo rate'].failed} failed."
    for name, figures in (("dash-swift", ours), ("stock Dash", stock)):
        if figures and figures.get("lost"):
            yield f"{name}: {figures['lost']} clicks in the browser never got their result."
    if stock and "jobs" in stock:
        yield (f"Stock Dash's empty jobs: {stock['jobs'].failed} of {stock['jobs started']} gave no result; "
               "its disk cache manager forks a process for each.")
    yield ("Latencies are medians by the page's own clock in headless Chromium. Stock: Dash 4.4.1, gunicorn with 2 workers of 8 "
           "threads, disk cache manager, its default poll interval.")
    yield f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, {time.strftime('%Y-%m-%d')}; both in one run."


def report(ours, stock):
    measured = [row for row in rows(ours, stock) if row[1:3] != ("–", "–")]
    table = [("", "dash-swift", "stock Dash 4.4.1", "ratio"), *measured]
    widths = [max(len(row[column]) for row in table) for column in range(4)]
    for row in table:
        print("  ".join(cell.ljust(width) if not index else cell.rjust(width)
                        for index, (cell, width) in enumerate(zip(row, widths))))
    lines = ["# Measured beside stock Dash", "", "Written by `make bench`.", ""]
    lines += ["| what | dash-swift | stock Dash 4.4.1 | ratio |", "|---|--:|--:|--:|"]
    lines += ["| " + " | ".join(row) + " |" for row in table[1:]]
    lines += [""] + [f"- {note}" for note in notes(ours, stock)]
    print("\n".join(lines[-len(list(notes(ours, stock))):]))
    return "\n".join(lines) + "\n"


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--quick", action="store_true", help="fewer samples, shorter loads; writes no file")
    options.add_argument("--only-stock", action="store_true")
    options.add_argument("--only-ours", action="store_true")
    options.add_argument("--only-scale", action="store_true", help="large apps alone; writes no file")
    chosen = options.parse_args()
    ours = None if chosen.only_stock else (large_ours if chosen.only_scale else measure_ours)(chosen.quick)
    stock = None if chosen.only_ours else (large_stock if chosen.only_scale else measure_stock)(chosen.quick)
    text = report(ours, stock)
    if ours and stock and not (chosen.quick or chosen.only_scale):
        (ROOT / "Benchmarks/results.md").write_text(text)


main()
