"""Measurements of workers and brokers, the same for both kinds of worker."""

import json
import os
import resource
import signal
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import redis
from celery import Celery
from kombu import pools
from support import processes
from support.waiting import wait_until

from . import ROOT

sys.path.insert(0, str(ROOT / "Tests/Celery"))
from lab.process import Program  # noqa: E402: a module of the tests

CONCURRENCY = 2
# Warm-up jobs of QueueClient.
WARM_UP = 160


@dataclass
class Side:
    """One kind of worker on one broker."""

    name: str
    broker: str
    results: str
    folder: Path
    queue: str
    prefix: str  # of task names
    command: list
    client: Path = None  # QueueClient, which starts jobs through a manager; None for Celery
    servers: tuple = ()  # Redis and RabbitMQ, whose CPU time is included

    def __post_init__(self):
        self.app = self._sender()
        self.store = redis.Redis.from_url(self.results)
        self.started = 0

    def _sender(self):
        app = Celery(self.name, broker=self.broker, backend=self.results, set_as_current=False)
        app.conf.update(result_expires=3600)
        return app

    def worker(self):
        """Starts a worker."""
        self.started += 1
        environment = {"CELERY_BROKER_URL": self.broker, "CELERY_RESULT_BACKEND": self.results}
        command = [part.format(node=f"{self.name}{self.started}@bench") for part in self.command]
        return Program(f"{self.name}{self.started}", command, self.folder, environment, cwd=ROOT / "Benchmarks/stock")

    def ready_worker(self):
        worker = self.worker()
        self.send("noop").get(timeout=60)
        return worker

    def send(self, task, *args, **options):
        return self.app.send_task(f"{self.prefix}.{task}", args=args, queue=self.queue, **options)

    def results_count(self):
        return self.store.dbsize()

    def empty(self):
        """Removes the data of an earlier run, including the queue with its properties."""
        self.store.flushdb()
        with self.app.connection_for_write() as connection:
            connection.default_channel.queue_delete(self.queue)
        # Pooled connections cache the declaration of the queue.
        pools.reset()
        self.app.close()
        self.app = self._sender()

    def run_client(self, *arguments):
        return subprocess.Popen(
            [str(self.client), *map(str, arguments)], stdout=subprocess.PIPE, text=True,
            env=os.environ | {"CELERY_BROKER_URL": self.broker, "CELERY_RESULT_BACKEND": self.results})


def finished_per_second(side, count):
    """The rate at which a prefilled queue is processed, measured from 10 % to 90 %."""
    side.empty()
    with side.app.producer_pool.acquire(block=True) as producer:
        for _ in range(count):
            side.app.send_task(f"{side.prefix}.noop", queue=side.queue, producer=producer, ignore_result=False)
    begin = side.results_count()
    worker = side.worker()
    try:
        marks = []
        for share in (0.1, 0.9):
            wait_until(lambda: side.results_count() - begin >= share * count, 300, f"{share:.0%} of the tasks", pause=0.02)
            marks.append((time.monotonic(), side.results_count()))
        wait_until(lambda: side.results_count() - begin >= count, 300, "the last tasks")
        (first, some), (last, most) = marks
        return (most - some) / (last - first)
    finally:
        worker.stop()


def jobs(side, *arguments):
    """Results of QueueClient, which measures jobs with records while a worker runs."""
    client = side.run_client(*arguments)
    said, _ = client.communicate(timeout=300)
    assert client.returncode == 0, f"queue-client {arguments} exited with {client.returncode}"
    return json.loads(said)


def jobs_finished(side, worker, count, callers):
    """The same for jobs that callers start and wait for, with the CPU time of all processes per job in microseconds."""

    def spent():
        everything = processes.tree(worker.pid) + [pid for server in side.servers for pid in processes.tree(server.pid)]
        clients = resource.getrusage(resource.RUSAGE_CHILDREN)
        return processes.cpu_seconds(everything) + clients.ru_utime + clients.ru_stime

    before = spent()
    found = jobs(side, "finished", count, callers)
    return found | {"cpu": (spent() - before) * 1e6 / (count + WARM_UP)}


def jobs_finished_per_second(side, count):
    """The rate at which a prefilled queue of jobs with records is processed, measured from 10 % to 90 %."""
    side.empty()
    client = side.run_client("filled", count)
    try:
        assert client.stdout.readline() == "filled\n", "queue-client did not fill the queue"
        worker = side.worker()
        try:
            said, _ = client.communicate(timeout=300)
        finally:
            worker.stop()
    finally:
        client.kill()
    assert client.returncode == 0, f"queue-client filled {count} exited with {client.returncode}"
    return json.loads(said)["rate"]


def latency(side, count):
    """Milliseconds from sending a task to its result, one at a time: median and 99th percentile."""
    times = []
    for _ in range(count):
        began = time.perf_counter()
        side.send("noop").get(timeout=30)
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times), statistics.quantiles(times, n=100)[98]


def memory(worker):
    """Proportional memory in bytes: of all processes, and of one task process."""
    everything = processes.tree(worker.pid)
    total, _ = processes.memory(everything)
    children = [processes.memory([pid])[0] for pid in everything if pid != worker.pid]
    return total, statistics.median(children)


def dead_child(side):
    """Milliseconds from sending a task that kills its process to its state FAILURE."""
    times = []
    for _ in range(3):
        sent = time.monotonic()
        result = side.send("kill", int(signal.SIGKILL))
        wait_until(lambda: result.state == "FAILURE", 60, "the failure", pause=0.001)
        times.append((time.monotonic() - sent) * 1000)
        side.send("noop").get(timeout=30)
    return statistics.median(times)


def rerun(side, workers, limit):
    """Milliseconds from SIGKILL of a worker to the second start of its task on another; None beyond the limit."""
    notes = side.folder / f"{side.name}-{time.monotonic_ns()}"
    result = side.send("mark", str(notes), 600)
    wait_until(lambda: notes.exists() and notes.read_text().count("start") == 1, 30, "the first start")
    runner = _runner_of(side, workers, result.id)
    killed = time.monotonic()
    runner.signal(signal.SIGKILL)
    try:
        wait_until(lambda: notes.read_text().count("start") == 2, limit, "the second start", pause=0.0005)
    except AssertionError:
        return None
    took = (time.monotonic() - killed) * 1000
    # Otherwise the shutdown of the worker waits for the task.
    side.app.control.revoke(result.id, terminate=True, signal="SIGKILL")
    return took


def _runner_of(side, workers, task):
    """The worker that runs a task."""
    active = side.app.control.inspect(timeout=2).active() or {}
    for worker in workers:
        if any(entry["id"] == task for entry in active.get(f"{worker.name}@bench", [])):
            return worker
    raise AssertionError(f"no worker reports {task} as active: {active}")
