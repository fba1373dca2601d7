"""The two servers that are compared, each with the interface of the tests' Server."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import requests
from support import processes
from support.server import Server

from . import ROOT

STOCK_WORKERS = 2


def ours(build):
    return _server(build / "gallery").start()


def faulty(build):
    """The tests' app whose callbacks trap."""
    return _server(build / "fault-app").start()


def _server(program):
    server = Server(program.name)
    server.program = program
    return server


class Stock(Server):
    """gunicorn with stock Dash."""

    name = "stock Dash"

    def __init__(self):
        super().__init__("stock")
        self.program = Path(sys.executable).with_name("gunicorn")

    def start(self, timeout=60):
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [self.program, "--workers", str(STOCK_WORKERS), "--worker-class", "gthread", "--threads", "8",
                 "--bind", f"127.0.0.1:{self.port}", "--log-level", "warning", "app:server"],
                cwd=ROOT / "Benchmarks/stock",
                env=os.environ | {"STOCK_FOLDER": str(self.folder), "STOCK_LAUNCH_ID": str(uuid4())},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.wait_healthy(timeout)
        self.set_up_every_worker()
        return self

    def stop(self, timeout=10):
        """Jobs that hang keep gunicorn from ending; what does not end in time is killed, which is no error here."""
        everything = self.processes()
        try:
            super().stop(timeout)
        except AssertionError:
            for pid in filter(processes.is_alive, everything):
                os.kill(pid, signal.SIGKILL)

    def set_up_every_worker(self):
        """Stock Dash sets an app up at its first request; two at once may meet a half of it."""
        for page in ("echo", "empty", "cancel", "caching"):
            for _ in range(5 * STOCK_WORKERS):
                requests.get(f"{self.url}/{page}/_dash-dependencies", timeout=30)


def stock():
    return Stock().start()
