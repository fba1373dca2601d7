"""Measures workers of dash-swift and of Python Celery on Redis and RabbitMQ in one run; writes results-queue.md.

Options: --quick (fewer tasks; writes no file), --only redis|rabbitmq.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measure import ROOT
from measure import queue as measure
from lab.servers import RabbitMQ, Redis  # after `measure`, which knows where it lies

MB = 1024 * 1024
RERUN_LIMIT = {"dash-swift": 60, "Celery": 10}
BEGAN = time.monotonic()


def built(name):
    return os.environ.get(name.upper().replace("-", "_"), str(ROOT / ".build/release" / name))


def sides(broker, results, folder):
    swift = [built("celery-fixture"), "-n", "{node}", "-Q", "swift", "-c", str(measure.CONCURRENCY),
             "--prefetch-multiplier", "4", "--loglevel", "warning"]
    python = [sys.executable, "-m", "celery", "-A", "tasks", "worker", "-n", "{node}", "-Q", "stock", "-c",
              str(measure.CONCURRENCY), "-l", "WARNING"]
    # On Redis alone, one database holds messages and results, as REDIS_URL has it.
    return [measure.Side("dash-swift", broker or f"{results}/1", f"{results}/1", folder, "swift", "fixture", swift),
            measure.Side("Celery", broker or f"{results}/2", f"{results}/2", folder, "stock", "stock", python)]


def step(what):
    print(f"[{time.monotonic() - BEGAN:5.0f} s] {what}", file=sys.stderr, flush=True)


def figures(side, count):
    """All figures of one side, by name."""
    found = {}
    step(f"{side.name}: a queue of {count} tasks")
    found["finished"] = measure.finished_per_second(side, count)
    step(f"{side.name}: latency, memory, a dead child, a dead worker")
    worker = side.ready_worker()
    other = None
    try:
        found["p50"], found["p99"] = measure.latency(side, max(200, count // 20))
        total, child = measure.memory(worker)
        found["memory"], found["child"] = total / MB, child / MB
        found["dead child"] = measure.dead_child(side)
        other = side.ready_worker()
        found["rerun"] = measure.rerun(side, [worker, other], RERUN_LIMIT[side.name])
    finally:
        for one in filter(None, (worker, other)):
            one.stop()
    return found


def client_figures(side, count):
    """What our own web servers see: jobs started a second by 16 callers, and the time from start to result."""
    step(f"{side.name}: jobs started by a manager, and their results")
    worker = side.ready_worker()
    try:
        said = subprocess.run(
            [built("queue-client"), str(count)], check=True, capture_output=True, text=True, timeout=300,
            env=os.environ | {"CELERY_BROKER_URL": side.broker, "CELERY_RESULT_BACKEND": side.results})
        return json.loads(said.stdout)
    finally:
        worker.stop()


ROWS = [
    ("finished no-op tasks, queue filled before", "finished", "/s", 0, "higher"),
    ("sent → result, Celery's own client, half", "p50", "ms", 2, "lower"),
    ("sent → result, 99 of 100", "p99", "ms", 2, "lower"),
    ("memory (PSS), all processes", "memory", "MB", 1, "lower"),
    ("memory (PSS), one that runs tasks", "child", "MB", 1, "lower"),
    ("killed child → failure told", "dead child", "ms", 0, "lower"),
    ("killed worker → task runs again", "rerun", "ms", 0, "lower"),
]


def table(broker, ours, theirs, client):
    lines = [f"## {broker}", "", "| what | dash-swift | Celery 5.7.0 | ratio |", "|---|--:|--:|--:|"]
    for what, name, unit, digits, better in ROWS:
        mine, other = ours[name], theirs[name]
        ratio = "–"
        if mine and other:
            ratio = f"{(mine / other if better == 'higher' else other / mine):.1f} ×"
        texts = [f"{value:,.{digits}f} {unit}" if value is not None else "not within 10 s" for value in (mine, other)]
        lines.append(f"| {what} | {texts[0]} | {texts[1]} | {ratio} |")
    lines.append(f"| jobs started by a manager, 16 callers | {client['started']:,.0f} /s | – | – |")
    lines.append(f"| job started → result told, by a manager, half | {client['p50']:.2f} ms | – | – |")
    lines.append(f"| the same, 99 of 100 | {client['p99']:.2f} ms | – | – |")
    return lines + [""]


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--quick", action="store_true")
    options.add_argument("--only", choices=["redis", "rabbitmq"])
    chosen = options.parse_args()
    count = 2000 if chosen.quick else 20_000
    folder = Path(tempfile.mkdtemp(prefix="queue-bench-"))
    store = Redis(folder)
    lines = ["# Measured beside Celery", "", "Written by `make bench-queue`.", ""]
    try:
        for name in ["redis", "rabbitmq"]:
            if chosen.only not in (None, name):
                continue
            broker = RabbitMQ(folder).wait_ready() if name == "rabbitmq" else store
            url = broker.url if name == "rabbitmq" else None
            ours, theirs = sides(url, store.url(0).removesuffix("/0"), folder)
            mine, other = figures(ours, count), figures(theirs, max(500, count // 4))
            client = client_figures(ours, count // 4)
            lines += table("Redis" if name == "redis" else "RabbitMQ, results in Redis", mine, other, client)
            if broker is not store:
                broker.stop()
    finally:
        store.stop()
    lines.append(f"- Both with {measure.CONCURRENCY} processes for tasks and four messages held for each; Celery with prefork. "
                 "PSS divides shared pages among their users.")
    lines.append(f"- {os.cpu_count()} cores, {platform.system()} {platform.machine()}, {time.strftime('%Y-%m-%d')}; one run.")
    text = "\n".join(lines) + "\n"
    print(text)
    if not chosen.quick and not chosen.only:
        (ROOT / "Benchmarks/results-queue.md").write_text(text)


main()
