"""A server program under test, with its own port and data folder."""

import contextlib
import os
import random
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

import requests

from . import processes
from .waiting import wait_until

ROOT = Path(__file__).resolve().parents[3]


def free_port():
    """A port that is not in use, outside the range from which the system gives ports to clients.

    A server that a test stops and starts again finds its port free.
    """
    while True:
        port = random.randrange(12_000, 20_000)
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port


def program(name):
    """The executable: from the environment variable of its name (GALLERY, FAULT_APP), otherwise the debug build."""
    return Path(os.environ.get(name.upper().replace("-", "_"), ROOT / ".build/debug" / name)).resolve()


class Server:
    """A server in its own session, stopped by its process ids."""

    def __init__(self, name, folder=None, arguments=(), environment=None):
        self.program = program(name)
        self.folder = Path(folder or tempfile.mkdtemp(prefix="dash-test-"))
        self.port = free_port()
        self.arguments = list(arguments)
        self.environment = dict(environment or {})
        self.log = self.folder / "server.log"
        self.process = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def data(self):
        return self.folder / "data"

    @property
    def pid(self):
        return self.process.pid

    def start(self, timeout=60):
        self.launch()
        self.wait_healthy(timeout)
        return self

    def launch(self):
        """Starts it without waiting for a response."""
        environment = {"DASH_SUITES": str(ROOT / ".dash/suites")} | os.environ | {"DASH_DATA_DIR": str(self.data)}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [self.program, "--host", "127.0.0.1", "--port", str(self.port), *self.arguments],
                env=environment | self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,
            )

    def is_healthy(self):
        try:
            return requests.get(f"{self.url}/_health", timeout=5).status_code == 200
        except requests.RequestException:
            return False

    def wait_healthy(self, timeout=60):
        def healthy_or_ended():
            if self.process.poll() is not None:
                raise AssertionError(f"{self.program.name} exited with {self.process.returncode}:\n{self.log_tail()}")
            return self.is_healthy()

        wait_until(healthy_or_ended, timeout, f"{self.program.name} responding to /_health")

    def log_tail(self, lines=40):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def processes(self):
        """The supervisor, the server and the workers."""
        return processes.tree(self.pid)

    def serving_pid(self):
        """The serving process: the supervisor's child, or the program itself without a supervisor."""
        for pid in processes.children(self.pid):
            if self.listens(pid):
                return pid
        return self.pid

    def has_read(self, connection):
        """Whether the server has read all data sent through this socket."""
        here, there = connection.getsockname()[1], connection.getpeername()[1]
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
            fields = line.split()
            ports = [int(address.split(":")[1], 16) for address in fields[1:3]]
            if ports == [there, here]:
                return fields[4].split(":")[1] == "0" * 8 and fields[9] != "0"
        return False

    def listens(self, pid):
        """Whether the process has the server's listening socket."""
        sockets = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
        listening = "0A"
        inodes = {f"socket:[{fields[9]}]" for fields in sockets
                  if fields[3] == listening and int(fields[1].split(":")[1], 16) == self.port}
        try:
            descriptors = list(Path(f"/proc/{pid}/fd").iterdir())
            return any(os.path.islink(path) and os.readlink(path) in inodes for path in descriptors)
        except FileNotFoundError:  # the process has exited, or closed a descriptor
            return False

    def stop(self, timeout=30):
        """Sends SIGTERM to the program, and asserts that none of its processes remains."""
        if self.process is None or self.process.poll() is not None:
            return None
        everything = self.processes()
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"did not exit within {timeout} s of SIGTERM:\n{self.log_tail()}") from None
        wait_until(lambda: not any(map(processes.is_alive, everything)), 5, "exit of all processes of the server")
        return code

    def kill(self):
        """Kills the supervisor and the serving process; returns the ids of the workers, which must exit."""
        everything = self.processes()
        serving = self.serving_pid()
        group = {pid for pid in everything if pid in (self.pid, serving)}
        for pid in group:
            os.kill(pid, signal.SIGKILL)
        self.process.wait(10)
        return [pid for pid in everything if pid not in group]
