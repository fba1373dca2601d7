"""Large apps: start with 100 callbacks, layout of 10,000 components, type-check of 100 callbacks."""

import http.client
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from support.server import Server

from . import ROOT

SOURCE = ROOT / "Benchmarks/LargeApp/Callbacks.swift"
BUILD = Path(os.environ.get("BENCH_BUILD", ROOT / ".build/release"))
COMPONENTS, CALLBACKS = 10_000, 100


class Large(Server):
    """The large-app of dash-swift."""

    def __init__(self, part, build):
        super().__init__("large-app")
        self.program = build / "large-app"
        self.part = {"LARGE_APP_PART": part}

    def command(self):
        return [self.program, "--host", "127.0.0.1", "--port", str(self.port)]

    def environment_and_folder(self):
        suites = {"DASH_SUITES": str(ROOT / ".dash/suites")}
        return suites | os.environ | {"DASH_DATA_DIR": str(self.data)}, self.folder

    def start_timed(self, path):
        """Milliseconds from the start of the program to its first response, and the response."""
        environment, folder = self.environment_and_folder()
        with self.log.open("ab") as log:
            began = time.monotonic()
            self.process = subprocess.Popen(self.command(), env=environment | self.part, cwd=folder, stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, start_new_session=True)
        while (answer := self._get(path)) is None:
            assert self.process.poll() is None, f"the program exited:\n{self.log_tail()}"
            assert time.monotonic() - began < 60, f"no response within 60 s:\n{self.log_tail()}"
            time.sleep(0.001)
        return (time.monotonic() - began) * 1000, answer

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)

    def layout(self, page, samples):
        """Milliseconds from the request of a layout to its last byte, over one connection, and its size in bytes."""
        connection, times = http.client.HTTPConnection("127.0.0.1", self.port), []
        for _ in range(samples + 3):
            began = time.monotonic()
            connection.request("GET", f"/{page}/_dash-layout")
            body = connection.getresponse().read()
            times.append((time.monotonic() - began) * 1000)
        connection.close()
        assert body.count(b'"namespace"') == COMPONENTS + 1
        return statistics.median(times[3:]), len(body)

    def _get(self, path):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.read() if answer.status == 200 else None
        except (OSError, http.client.HTTPException):
            return None


class StockLarge(Large):
    """The same app in stock Dash, on one worker of gunicorn."""

    def __init__(self, part):
        super().__init__(part, Path(sys.executable).parent)
        self.program = Path(sys.executable).with_name("gunicorn")

    def command(self):
        return [self.program, "--workers", "1", "--worker-class", "gthread", "--threads", "8",
                "--bind", f"127.0.0.1:{self.port}", "--log-level", "warning", "large:server"]

    def environment_and_folder(self):
        return os.environ | {"STOCK_FOLDER": str(self.folder)}, ROOT / "Benchmarks/stock"


def measure(server_type, starts, samples):
    """The figures of `Large` or `StockLarge`."""
    start = statistics.median(_start(server_type) for _ in range(starts))
    server = server_type("layouts")
    try:
        server.start_timed("/layout/_dash-layout")
        fixed, size = server.layout("layout", samples)
        made, _ = server.layout("layout-of-each-load", samples)
    finally:
        server.end()
    return {"start": start, "layout": fixed, "made layout": made, "layout size": size}


def _start(server_type):
    """Milliseconds from the start of the program to the complete response of `_dash-dependencies`."""
    server = server_type("callbacks")
    try:
        took, dependencies = server.start_timed("/callbacks/_dash-dependencies")
    finally:
        server.end()
    # Each background callback adds one for its cancel button.
    assert len(json.loads(dependencies)) == CALLBACKS + CALLBACKS // 5
    return took


def type_check(runs):
    """Seconds to type-check the source of 100 callbacks, and a file that only imports Dash."""
    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder) / "Empty.swift"
        empty.write_text("import Dash\nlet app = DashApp()\n")
        command = [*compiler(), "-typecheck", "-swift-version", "6"]
        return _seconds(command + [str(SOURCE)], runs), _seconds(command + [str(empty)], runs)


def compiler():
    """The compiler command of the build, with the flags for module lookup."""
    manifest = BUILD.parent / f"{BUILD.name}.yaml"
    line = next(line for line in manifest.read_text().splitlines()
                if '"-module-name","large_app"' in line and '"-emit-module"' in line)
    program, *rest = json.loads(line[line.index("["):])
    words, command = iter(rest), [program]
    for word in words:
        if word in ("-I", "-Xcc", "-module-cache-path", "-sdk", "-target"):
            command += [word, next(words)]
    return command


def _seconds(command, runs):
    times = []
    for _ in range(runs + 1):  # the first fills the caches
        began = time.monotonic()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.monotonic() - began)
    return statistics.median(times[1:])
