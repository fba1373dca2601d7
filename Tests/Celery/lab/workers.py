"""Workers under test: the Swift worker and Celery's own."""

import os
import sys
from pathlib import Path

from support.server import program

from .process import Program

FOLDER = Path(__file__).resolve().parents[1]

#: Celery's own worker replaces the Swift one, which shows that a test expects only what Celery does.
STAND_IN = os.environ.get("STAND_IN") == "celery"


class Worker(Program):
    def __init__(self, place, node, command, environment=None):
        self.place = place
        self.node = node
        super().__init__(node, command, place.folder, environment, cwd=FOLDER)

    def wait_ready(self):
        """Waits until the worker answers a ping."""
        self.wait_until(lambda: self.place.app.control.ping([self.node], timeout=0.5, limit=1), f"{self.node} answering")
        return self

    def pool_size(self):
        """The number of tasks that it runs at once; for Celery's worker the number of processes."""
        pool = self.place.ask(self, "stats")["pool"]
        return len(pool["processes"]) if STAND_IN else pool["max-concurrency"]


class PythonWorker(Worker):
    def __init__(self, place, node, queue, concurrency=1, events=True, options=(), module="lab.python_tasks"):
        super().__init__(
            place, node,
            [sys.executable, "-m", "celery", "-A", module, "worker", "-n", node, "-Q", queue, "-c", concurrency, "-l", "INFO",
             *(["-E"] if events else []), *options],
            {"LAB_BROKER": place.broker, "LAB_BACKEND": place.backend, "LAB_PREFIX": place.prefix})


def swift(place, node, queue, concurrency, events, options):
    return Worker(
        place, node,
        [program("celery-fixture"), "--hostname", node, "--queues", queue, "--concurrency", concurrency,
         *(["--events"] if events else []), *place.swift_options, *options],
        {"CELERY_BROKER_URL": place.broker, "CELERY_RESULT_BACKEND": place.backend})


class SwiftWorker:
    """Creates a worker of celery-fixture, or its stand-in."""

    def __new__(cls, place, node, queue, concurrency=2, events=True, options=()):
        if STAND_IN:
            return PythonWorker(place, node, queue, concurrency, events, options, module="lab.stand_in")
        return swift(place, node, queue, concurrency, events, options)
