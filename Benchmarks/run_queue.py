"""Measures workers of dash-swift and of Python Celery on Redis and RabbitMQ, and writes results-queue.md.

With --against it compares two builds of dash-swift in alternating runs, and writes no file.
"""

import argparse
import os
import platform
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from measure import ROOT, pairs
from measure import queue as measure
from measure.pairs import Row, step
from lab.servers import RabbitMQ, Redis  # after `measure`, which adds its folder to the path

MB = 1024 * 1024
RERUN_LIMIT = {"dash-swift": 60, "Celery": 10}
TITLES = {"redis": "Redis", "rabbitmq": "RabbitMQ, results in Redis"}
# Figures that --figures accepts. The first two start their own worker.
FIGURES = ["tasks", "filled", "latency", "memory", "jobs", "recovery"]

ROWS = [
    Row("finished no-op tasks, prefilled queue", "finished", "/s", 0, "higher"),
    Row("sent → result, Celery's client, median", "p50", "ms", 2, "lower"),
    Row("sent → result, p99", "p99", "ms", 2, "lower"),
    Row("memory (PSS), all processes", "memory", "MB", 1, "lower"),
    Row("memory (PSS), one task process", "child", "MB", 1, "lower"),
    Row("killed child → failure reported", "dead child", "ms", 0, "lower"),
    Row("killed worker → task runs again", "rerun", "ms", 0, "lower"),
]
JOB_ROWS = [
    Row("jobs started by a manager, 16 callers", "started", "/s", 0, "higher"),
    Row("finished jobs with records, prefilled queue", "filled", "/s", 0, "higher"),
    Row("finished jobs with records, 1 caller", "finished 1", "/s", 0, "higher"),
    Row("job started → result, 1 caller, median", "p50 1", "ms", 2, "lower"),
    Row("job started → result, 1 caller, p99", "p99 1", "ms", 2, "lower"),
    Row("finished jobs with records, 16 callers", "finished 16", "/s", 0, "higher"),
    Row("CPU of all processes per job, 16 callers", "cpu 16", "µs", 0, "lower"),
    Row("job started → result, 16 callers, median", "p50 16", "ms", 2, "lower"),
    Row("job started → result, 16 callers, p99", "p99 16", "ms", 2, "lower"),
]


@dataclass
class Place:
    """The broker's address (None if Redis is the broker), the address of Redis, and their server processes."""

    broker: str
    results: str
    servers: tuple

    def addresses(self, database):
        """Addresses of broker and results. With Redis as broker, both are one database, as with REDIS_URL."""
        return self.broker or f"{self.results}/{database}", f"{self.results}/{database}"


def our_side(place, folder, build, database=1):
    command = [str(build / "celery-fixture"), "-n", "{node}", "-Q", "swift", "-c", str(measure.CONCURRENCY),
               "--prefetch-multiplier", "4", "--loglevel", "warning"]
    return measure.Side("dash-swift", *place.addresses(database), folder, "swift", "fixture", command,
                        build / "queue-client", place.servers)


def celery_side(place, folder):
    command = [sys.executable, "-m", "celery", "-A", "tasks", "worker", "-n", "{node}", "-Q", "stock", "-c",
               str(measure.CONCURRENCY), "-l", "WARNING"]
    return measure.Side("Celery", *place.addresses(2), folder, "stock", "stock", command)


def figures(side, count, chosen):
    """The chosen figures of one side, by name."""
    found = {}
    if "tasks" in chosen:
        step(f"{side.name}: a queue of {count} tasks")
        found["finished"] = measure.finished_per_second(side, count)
    if "filled" in chosen and side.client:
        step(f"{side.name}: a queue of {count} jobs with records")
        found["filled"] = measure.jobs_finished_per_second(side, count)
    if chosen - {"tasks", "filled"}:
        side.empty()
        found |= running_figures(side, count, chosen)
    return found


def running_figures(side, count, chosen):
    """The figures of a running worker."""
    found, workers = {}, [side.ready_worker()]
    try:
        if "latency" in chosen:
            step(f"{side.name}: latency of tasks")
            found["p50"], found["p99"] = measure.latency(side, max(200, count // 20))
        if "memory" in chosen:
            total, child = measure.memory(workers[0])
            found["memory"], found["child"] = total / MB, child / MB
        if "jobs" in chosen and side.client:
            found |= job_figures(side, workers[0], count)
        if "recovery" in chosen:
            step(f"{side.name}: recovery after a killed child and a killed worker")
            found["dead child"] = measure.dead_child(side)
            workers.append(side.ready_worker())
            found["rerun"] = measure.rerun(side, workers, RERUN_LIMIT[side.name])
    finally:
        for worker in workers:
            worker.stop()
    return found


def job_figures(side, worker, count):
    """Jobs as the web server starts them: jobs started, and jobs finished with 1 and with 16 callers."""
    step(f"{side.name}: jobs started by a manager, and their results")
    found = {"started": measure.jobs(side, "started", count // 2)["rate"]}
    for callers in (1, 16):
        said = measure.jobs_finished(side, worker, count // 2 if callers > 1 else max(500, count // 10), callers)
        found |= {f"finished {callers}": said["rate"]} | {f"{name} {callers}": said[name] for name in ("p50", "p99", "cpu")}
    return found


def table(ours, theirs):
    """The table against Celery."""
    lines = ["| measurement | dash-swift | Celery 5.7.0 | ratio |", "|---|--:|--:|--:|"]
    for row in ROWS + JOB_ROWS:
        if row.name not in ours:
            continue
        mine, other = ours[row.name], theirs.get(row.name)
        ratio = row.ratio(mine, other)
        missing = "not within 10 s" if row.name in theirs else "–"
        lines.append(f"| {row.what} | {row.text(mine, 'not within 60 s')} | {row.text(other, missing)} | "
                     f"{f'{ratio:.1f} ×' if ratio else '–'} |")
    return lines


def beside_celery(place, folder, options):
    count = options.count or (2000 if options.quick else 20_000)
    ours = figures(our_side(place, folder, options.build), count, options.figures)
    theirs = {}
    if not options.skip_celery:
        theirs = figures(celery_side(place, folder), max(500, count // 4), options.figures)
    return table(ours, theirs)


def against(place, folder, options):
    count = options.count or (2000 if options.quick else 8000)
    sides = [our_side(place, folder, build, database) for database, build in ((1, options.build), (3, options.against))]
    runs = [partial(figures, side, count, options.figures) for side in sides]
    return pairs.table(ROWS + JOB_ROWS, *pairs.measure(*runs, options.pairs))


def places(folder, only):
    """The places by name. The servers of one are stopped before the next starts."""
    store = Redis(folder)
    results = store.url(0).removesuffix("/0")
    try:
        if only in (None, "redis"):
            yield "redis", Place(None, results, (store,))
        if only in (None, "rabbitmq"):
            broker = RabbitMQ(folder).wait_ready()
            try:
                yield "rabbitmq", Place(broker.url, results, (store, broker))
            finally:
                broker.stop()
    finally:
        store.stop()


def parsed_options():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true", help="fewer tasks; writes no file")
    options.add_argument("--only", choices=list(TITLES), help="one broker only; writes no file")
    options.add_argument("--skip-celery", action="store_true", help="dash-swift only; writes no file")
    options.add_argument("--count", type=int, help="number of tasks in the prefilled queue; other counts are derived from it")
    pairs.add_options(options, FIGURES)
    return options.parse_args()


def main():
    options = parsed_options()
    folder = Path(tempfile.mkdtemp(prefix="queue-bench-"))
    lines = ["# Comparison of two builds" if options.against else "# Benchmarks against Celery", ""]
    if options.against:
        lines += [f"A: {options.build}; B: {options.against}; medians of {options.pairs} pairs.", ""]
    else:
        lines += ["Generated by `make bench-queue`.", ""]
    run = against if options.against else beside_celery
    for name, place in places(folder, options.only):
        step(TITLES[name])
        lines += [f"## {TITLES[name]}", "", *run(place, folder, options), ""]
    lines.append(f"- Workers have {measure.CONCURRENCY} task processes and a prefetch multiplier of four; Celery uses prefork. "
                 "PSS divides shared pages among the processes that use them.")
    lines.append(f"- {os.cpu_count()} cores, {platform.system()} {platform.machine()}, {time.strftime('%Y-%m-%d')}; one run.")
    text = "\n".join(lines) + "\n"
    print(text)
    is_whole = options.figures == set(FIGURES) and not (options.quick or options.only or options.count)
    if is_whole and not (options.against or options.skip_celery):
        (ROOT / "Benchmarks/results-queue.md").write_text(text)


main()
