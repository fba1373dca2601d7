"""The two servers under comparison, with the interface of `Server` in the browser tests."""

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
    """The test app with callbacks that trap."""
    return _server(build / "fault-app").start()


def _server(program):
    server = Server(program.name)
    server.program = program
    return server


class Stock(Server):
    """Stock Dash on gunicorn."""

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
        """Kills processes that do not exit in time: hanging jobs block the shutdown of gunicorn."""
        everything = self.processes()
        try:
            super().stop(timeout)
        except AssertionError:
            for pid in filter(processes.is_alive, everything):
                os.kill(pid, signal.SIGKILL)

    def set_up_every_worker(self):
        """Stock Dash initializes an app on its first request; concurrent first requests may see a partial state."""
        for page in ("echo", "empty", "cancel", "caching"):
            for _ in range(5 * STOCK_WORKERS):
                requests.get(f"{self.url}/{page}/_dash-dependencies", timeout=30)


def stock():
    return Stock().start()
