"""HTTP load: regular callbacks and empty jobs over 16 connections."""

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
# Threads of wrk: one, because it shares the cores with the server.
THREADS = 1
# Pages that start jobs in turn, each with its own session.
PAGES = 400


@dataclass
class Load:
    """Responses with a value per second, responses without one yet, failures, and latencies in ms."""

    rate: float
    pending: int
    failed: int
    median: float
    slowest: float  # the 99th percentile
    cpu: float  # microseconds of the server and its workers per request; more reliable than the rate on a shared machine


def request_line(base, page, values, expected):
    """Loads a page in a new session, and returns its line for the script of wrk."""
    client = Client(f"{base}/{page}/")
    cookie = "; ".join(f"{name}={value}" for name, value in client.session.cookies.items())
    client.session.close()
    path = f"/{page}/_dash-update-component?endId={client.config.get('end_id', '')}"
    return "\t".join([expected, path, cookie, json.dumps(client.body(values))])


def wrk(base, lines, seconds, server):
    """Sends the requests of the lines in turn. An unexpected response or an error fails the run."""
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
        raise AssertionError(f"{base}: {wrong} unexpected responses, {errors} errors, {finished} expected; {example}")
    return Load(finished / (micros / 1e6), pending, 0, median / 1000, slowest / 1000, spent * 1e6 / (finished + pending))


def echo(base, seconds, server):
    return wrk(base, [request_line(base, "echo", {"input_id.value": f"hello {number}"}, f"You said hello {number}")
                      for number in range(CONNECTIONS)], seconds, server)


def empty_jobs(base, seconds, server):
    return wrk(base, [request_line(base, "empty", {"button_id.n_clicks": number}, f"Clicked {number} times")
                      for number in range(1, PAGES + 1)], seconds, server)


def polled_jobs(base, jobs_each, limit):
    """Empty jobs on a server that must be polled: 16 clients run jobs one after another and poll as the renderer does."""
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
            except Exception:  # a lost job is counted
                outcomes.append(False)

    threads = [threading.Thread(target=client_runs, args=(number,)) for number in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(outcomes), len(outcomes), time.monotonic() - started
