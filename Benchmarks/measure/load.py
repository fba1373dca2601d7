"""HTTP load: ordinary callbacks and empty jobs over 16 connections."""

import json
import os
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass

from support import processes
from support.client import Client

from . import ROOT

CONNECTIONS = 16
# Threads of wrk, which shares the cores with the server: the server should have them.
THREADS = 1
# Loaded pages that start jobs in turn; each has a session of its own, as that many visitors have.
PAGES = 400


@dataclass
class Load:
    """Answers a second that held a value, those that held none yet, failures, and latencies in ms."""

    rate: float
    pending: int
    failed: int
    median: float
    slowest: float  # the 99th of 100
    cpu: float  # microseconds of the server and its workers for each; says more than the rate where others use the machine


def request_line(base, page, values, expected):
    """A page load of its own, in a session of its own, as one line for wrk's script."""
    client = Client(f"{base}/{page}/")
    cookie = "; ".join(f"{name}={value}" for name, value in client.session.cookies.items())
    client.session.close()
    path = f"/{page}/_dash-update-component?endId={client.config.get('end_id', '')}"
    return "\t".join([expected, path, cookie, json.dumps(client.body(values))])


def wrk(base, lines, seconds, server):
    """Sends the lines' requests in turn. An answer that is not the expected one, or an error, fails the run."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(lines))
        file.flush()
        everything = server.processes()
        before = processes.cpu_seconds(everything)
        said = subprocess.run(
            ["wrk", "-t", str(THREADS), "-c", str(CONNECTIONS), "-d", f"{seconds}s", "--timeout", "10s",
             "-s", ROOT / "Benchmarks/requests.lua", base],
            env=os.environ | {"BENCH_REQUESTS": file.name, "BENCH_THREADS": str(THREADS)},
            capture_output=True, text=True, check=True).stdout.splitlines()
    spent = processes.cpu_seconds(everything) - before
    result = next(line for line in said if line.startswith("RESULT")).split()[1:]
    finished, pending, wrong, errors, micros, median, slowest = map(int, result)
    if wrong or errors or not finished:
        example = next(line for line in said if line.startswith("EXAMPLE"))
        raise AssertionError(f"{wrong} unexpected answers, {errors} errors, {finished} good answers of {base}; {example}")
    return Load(finished / (micros / 1e6), pending, 0, median / 1000, slowest / 1000, spent * 1e6 / (finished + pending))


def echo(base, seconds, server):
    return wrk(base, [request_line(base, "echo", {"input_id.value": f"hello {number}"}, f"You said hello {number}")
                      for number in range(CONNECTIONS)], seconds, server)


def empty_jobs(base, seconds, server):
    return wrk(base, [request_line(base, "empty", {"button_id.n_clicks": number}, f"Clicked {number} times")
                      for number in range(1, PAGES + 1)], seconds, server)


def polled_jobs(base, jobs_each, limit):
    """The same for a server that must be polled: 16 clients, each some jobs after another, as the renderer asks."""
    outcomes, started = [], time.monotonic()

    def client_runs(number):
        client = Client(f"{base}/empty/")
        for job in range(jobs_each):
            if time.monotonic() - started > limit:
                outcomes.append(False)
                continue
            try:
                count = number * 1000 + job
                outcome = client.run({"button_id.n_clicks": count}, limit=20)
                outcomes.append(outcome.values.get("paragraph_id.children") == f"Clicked {count} times")
            except Exception:  # a lost job is a figure here, not an error
                outcomes.append(False)

    threads = [threading.Thread(target=client_runs, args=(number,)) for number in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(outcomes), len(outcomes), time.monotonic() - started
