"""Measures the gallery of dash-swift against the same pages in stock Dash, and writes results.md: `make bench`.

With --against it compares two builds of dash-swift in alternating runs, and writes no file.
"""

import argparse
import os
import platform
import statistics
import time
from functools import partial

from measure import ROOT, load, pairs, rest, scale, servers
from measure.latency import Latency
from measure.pairs import Row, step

MB = 1024 * 1024
# Figures that --figures accepts.
FIGURES = ["memory", "idle", "browser", "echo", "jobs", "restart", "scale"]
PAIRED_ROWS = [
    Row("regular callbacks, 16 connections", "echo", "/s", 0, "higher"),
    Row("their latency, p99", "echo p99", "ms", 1, "lower"),
    Row("server CPU per callback", "echo CPU", "µs", 0, "lower"),
    Row("empty jobs, 16 connections", "jobs", "/s", 0, "higher"),
    Row("their latency, median", "jobs p50", "ms", 1, "lower"),
    Row("their latency, p99", "jobs p99", "ms", 1, "lower"),
    Row("CPU of the server and its workers per job", "jobs CPU", "µs", 0, "lower"),
    Row("not completed in the first response", "jobs pending", "", 0, "lower"),
    Row("regular callback in the browser", "browser echo", "ms", 1, "lower"),
    Row("empty background job in the browser", "browser empty", "ms", 1, "lower"),
    Row("cached background job in the browser", "browser cached", "ms", 1, "lower"),
    Row("cancel in the browser", "browser cancel", "ms", 1, "lower"),
    Row("idle memory, proportional (PSS)", "memory", "MB", 1, "lower"),
    Row("memory (PSS) after load", "loaded memory", "MB", 1, "lower"),
    Row("CPU per idle minute", "idle", "s", 2, "lower"),
    Row("trap in a callback → next response", "restart", "ms", 0, "lower"),
    Row("start with 100 callbacks → their list", "start", "ms", 0, "lower"),
    Row("layout of 10,000 components, built once", "layout", "ms", 1, "lower"),
    Row("the same, built per page load", "made layout", "ms", 1, "lower"),
]


def milliseconds(samples):
    return statistics.median(samples)


def measure_ours(quick, build):
    seconds, figures = (3 if quick else 8), {}
    server = servers.ours(build)
    try:
        time.sleep(2)
        step("dash-swift: memory and CPU when idle")
        figures["memory"] = rest.memory(server)
        figures["idle"] = rest.idle_cpu(server, 5 if quick else 60)
        figures |= latencies("dash-swift", server.url, 10 if quick else 50)
        step("dash-swift: regular callbacks over 16 connections")
        figures["echo rate"] = load.echo(server.url, seconds, server)
        step("dash-swift: empty jobs over 16 connections")
        figures["jobs"] = load.empty_jobs(server.url, seconds, server)
    finally:
        server.stop()
    step("dash-swift: restart after a trap in a regular callback")
    return figures | {"restart": milliseconds([measure_restart(build) for _ in range(5)])} | large_ours(quick, build)


def large_ours(quick, build):
    step("dash-swift: start with 100 callbacks, layouts of 10,000 components")
    figures = scale.measure(partial(scale.Large, build=build), 3 if quick else 9, 10 if quick else 50)
    step("dash-swift: type-check of 100 callbacks")
    figures["type-check"], figures["type-check of nothing"] = scale.type_check(1 if quick else 3)
    return figures


def large_stock(quick):
    step("stock Dash: start with 100 callbacks, layouts of 10,000 components")
    return scale.measure(scale.StockLarge, 2 if quick else 5, 3 if quick else 15)


def measure_restart(build):
    server = servers.faulty(build)
    try:
        return rest.restart(server)
    finally:
        server.stop()


def measure_build(build, chosen, quick):
    """The chosen figures of one build, by name; shorter runs than against stock Dash, because they are repeated."""
    found = {}
    if chosen - {"restart", "scale"}:
        server = servers.ours(build)
        try:
            time.sleep(1)
            found |= served_figures(server, chosen, 2 if quick else 5)
        finally:
            server.stop()
    if "restart" in chosen:
        found["restart"] = milliseconds([measure_restart(build) for _ in range(3)])
    if "scale" in chosen:
        found |= scale.measure(partial(scale.Large, build=build), 3, 10)
    return found


def served_figures(server, chosen, seconds):
    found = {}
    if "memory" in chosen:
        found["memory"] = rest.memory(server)[0] / MB
    if "idle" in chosen:
        found["idle"] = rest.idle_cpu(server, 5)
    if "browser" in chosen:
        times = latencies("browser", server.url, 10)
        found |= {f"browser {page}": value for page, value in times.items() if page != "lost"}
    if "echo" in chosen:
        measured = load.echo(server.url, seconds, server)
        found |= {"echo": measured.rate, "echo p99": measured.slowest, "echo CPU": measured.cpu}
    if "jobs" in chosen:
        measured = load.empty_jobs(server.url, seconds, server)
        found |= {"jobs": measured.rate, "jobs p50": measured.median, "jobs p99": measured.slowest, "jobs CPU": measured.cpu,
                  "jobs pending": measured.pending}
    if "memory" in chosen and chosen & {"echo", "jobs"}:
        found["loaded memory"] = rest.memory(server)[0] / MB
    return found


def measure_stock(quick):
    figures = {}
    server = servers.stock()
    try:
        time.sleep(2)
        step("stock Dash: memory and CPU when idle")
        figures["memory"] = rest.memory(server)
        figures["idle"] = rest.idle_cpu(server, 5 if quick else 60)
        figures |= latencies("stock Dash", server.url, 5 if quick else 15)
        step("stock Dash: regular callbacks, then empty jobs, over 16 connections")
        figures["echo rate"] = load.echo(server.url, 3 if quick else 8, server)
        finished, started, took = load.polled_jobs(server.url, 1 if quick else 6, 60)
        figures["jobs"] = load.Load(finished / took, 0, started - finished, 0, 0, 0)
        figures["jobs started"] = started
    finally:
        server.stop()
    return figures | large_stock(quick)


def latencies(name, base, samples):
    browser, figures = Latency(base, samples), {}
    try:
        for page in ("echo", "empty", "cached", "cancel"):
            step(f"{name}: {page} in the browser")
            figures[page] = milliseconds(getattr(browser, page)())
        return figures | {"lost": browser.lost}
    finally:
        browser.close()


def rows(ours, stock):
    """(measurement, ours, stock, ratio) as strings."""

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

    yield row("regular callback: input → text", "ms", of(ours, "echo"), of(stock, "echo"))
    yield row("empty background job: click → text", "ms", of(ours, "empty"), of(stock, "empty"))
    yield row("cached background job: click → text", "ms", of(ours, "cached"), of(stock, "cached"))
    yield row("cancel: click → button enabled", "ms", of(ours, "cancel"), of(stock, "cancel"))
    yield row("regular callbacks, 16 connections", "/s", rate(ours, "echo rate"), rate(stock, "echo rate"), "higher", 0)
    yield row("empty jobs, 16 connections", "/s", rate(ours, "jobs"), rate(stock, "jobs"), "higher", 1)
    yield row("idle memory, private, all processes", "MB", part(ours, "memory", 1), part(stock, "memory", 1))
    yield row("idle memory, proportional (PSS)", "MB", part(ours, "memory", 0), part(stock, "memory", 0))
    yield row("trap in a callback → next response", "ms", of(ours, "restart"), None, digits=0)
    yield row("CPU per idle minute", "s", of(ours, "idle"), of(stock, "idle"), digits=2)
    yield row("start with 100 callbacks → their list", "ms", of(ours, "start"), of(stock, "start"), digits=0)
    yield row("layout of 10,000 components, built once", "ms", of(ours, "layout"), of(stock, "layout"))
    yield row("the same, built per page load", "ms", of(ours, "made layout"), of(stock, "made layout"))
    yield row("type-check of 100 callbacks", "s", of(ours, "type-check"), None, digits=2)


def notes(ours, stock):
    if ours:
        yield ("Goals: start under 100 ms, layout under 20 ms, type-check under 2 s. "
               f"The layout has {ours['layout size'] / 1e6:.1f} MB; a file that only imports Dash "
               f"takes {ours['type-check of nothing']:.2f} s to type-check.")
    if ours and "echo" in ours:
        extra = max(ours["empty"], ours["cached"]) - ours["echo"]
        yield f"An empty or cached job takes {extra:.1f} ms longer than a regular callback on the same server (goal: at most 8 ms)."
        yield (f"dash-swift, empty jobs: {ours['jobs'].failed} failed, {ours['jobs'].pending} not completed in the first "
               f"response; median {ours['jobs'].median:.1f} ms, p99 {ours['jobs'].slowest:.1f} ms.")
        yield f"dash-swift, regular callbacks: {ours['echo rate'].failed} failed; p99 {ours['echo rate'].slowest:.1f} ms."
    for name, figures in (("dash-swift", ours), ("stock Dash", stock)):
        if figures and figures.get("lost"):
            yield f"{name}: {figures['lost']} clicks in the browser got no result."
    if stock and "jobs" in stock:
        yield (f"Stock Dash, empty jobs: {stock['jobs'].failed} of {stock['jobs started']} returned no result; "
               "its disk cache manager forks a process per job.")
    yield ("Latencies are medians in headless Chromium, by the page's clock. Stock Dash: version 4.4.1, gunicorn with 2 workers "
           "of 8 threads, disk cache manager, default poll interval.")
    yield f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, {time.strftime('%Y-%m-%d')}; both in one run."


def report(ours, stock):
    measured = [row for row in rows(ours, stock) if row[1:3] != ("–", "–")]
    table = [("", "dash-swift", "stock Dash 4.4.1", "ratio"), *measured]
    widths = [max(len(row[column]) for row in table) for column in range(4)]
    for row in table:
        print("  ".join(cell.ljust(width) if not index else cell.rjust(width)
                        for index, (cell, width) in enumerate(zip(row, widths))))
    lines = ["# Benchmarks against stock Dash", "", "Generated by `make bench`.", ""]
    lines += ["| measurement | dash-swift | stock Dash 4.4.1 | ratio |", "|---|--:|--:|--:|"]
    lines += ["| " + " | ".join(row) + " |" for row in table[1:]]
    lines += [""] + [f"- {note}" for note in notes(ours, stock)]
    print("\n".join(lines[-len(list(notes(ours, stock))):]))
    return "\n".join(lines) + "\n"


def parsed_options():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true", help="fewer samples and shorter load; writes no file")
    options.add_argument("--only-stock", action="store_true")
    options.add_argument("--only-ours", action="store_true")
    options.add_argument("--only-scale", action="store_true", help="large apps only; writes no file")
    pairs.add_options(options, FIGURES, default=set(FIGURES) - {"idle"})
    return options.parse_args()


def print_pairs(chosen):
    """Compares two builds of dash-swift."""
    runs = [partial(measure_build, build, chosen.figures, chosen.quick) for build in (chosen.build, chosen.against)]
    lines = pairs.table(PAIRED_ROWS, *pairs.measure(*runs, chosen.pairs))
    print(f"A: {chosen.build}; B: {chosen.against}; medians of {chosen.pairs} pairs.\n", *lines, sep="\n")


def main():
    chosen = parsed_options()
    if chosen.against:
        print_pairs(chosen)
        return
    ours = stock = None
    if not chosen.only_stock:
        ours = (large_ours if chosen.only_scale else measure_ours)(chosen.quick, chosen.build)
    if not chosen.only_ours:
        stock = (large_stock if chosen.only_scale else measure_stock)(chosen.quick)
    text = report(ours, stock)
    if ours and stock and not (chosen.quick or chosen.only_scale):
        (ROOT / "Benchmarks/results.md").write_text(text)


main()
