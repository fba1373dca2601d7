"""Private Redis and RabbitMQ servers on free ports of 127.0.0.1."""

import os
import shutil
import signal
import socket
from pathlib import Path

import pytest
from support import processes
from support.server import free_port

from .process import Program


def needed(*names):
    """The paths of programs. If one is missing, the test is skipped, or fails in CI."""
    found = [shutil.which(name, path=f"/usr/lib/rabbitmq/bin:{os.environ['PATH']}:/usr/sbin") for name in names]
    missing = [name for name, path in zip(names, found) if path is None]
    if missing:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{', '.join(missing)} is not installed")
    return found


def answers(port, greeting, expected):
    """Whether the server at a port gives the expected reply to a greeting."""
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as connection:
            connection.sendall(greeting)
            return connection.recv(64).startswith(expected)
    except OSError:
        return False


class Redis(Program):
    """Loses its data at a restart unless it is `durable`: then no answered write is lost."""

    def __init__(self, folder, durable=False):
        [program] = needed("redis-server")
        self.port = free_port()
        keeping = ["--appendonly", "yes", "--appendfsync", "always"] if durable else []
        super().__init__("redis", [program, "--port", self.port, "--bind", "127.0.0.1", "--save", "", *keeping], folder)
        self.wait_ready()

    def wait_ready(self):
        self.wait_until(lambda: answers(self.port, b"PING\r\n", b"+PONG"), "Redis answering")
        return self

    def url(self, database=0):
        return f"redis://127.0.0.1:{self.port}/{database}"


class RabbitMQ(Program):
    """A separate node with its own name, ports and port mapper."""

    def __init__(self, folder):
        program, _ = needed("rabbitmq-server", "erl")
        folder = Path(folder) / "rabbitmq"
        folder.mkdir()
        self.port, distribution, self.mapper = free_port(), free_port(), free_port()
        for name in ("enabled_plugins", "rabbitmq-env.conf"):
            (folder / name).write_text("[].\n" if name == "enabled_plugins" else "")
        environment = {
            "HOME": str(folder),
            "RABBITMQ_NODENAME": f"test{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(distribution),
            "ERL_EPMD_PORT": str(self.mapper),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "rabbitmq-env.conf"),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq"),
            "RABBITMQ_PID_FILE": str(folder / "pid"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        }
        super().__init__("rabbitmq", [program], folder, environment)

    def wait_ready(self):
        # The reply to an unknown protocol version is the server's own.
        self.wait_until(lambda: answers(self.port, b"AMQP\x00\x00\x00\x00", b"AMQP"), "RabbitMQ answering", 60)
        return self

    @property
    def url(self):
        return f"amqp://guest:guest@127.0.0.1:{self.port}//"

    def stop(self, timeout=20):
        code = super().stop(timeout)
        for pid in self._mappers():
            os.kill(pid, signal.SIGKILL)
        return code

    def _mappers(self):
        """The process ids of Erlang's port mapper, which the server started."""
        wanted = f"ERL_EPMD_PORT={self.mapper}".encode()
        for entry in filter(str.isdigit, os.listdir("/proc")):
            try:
                if wanted in Path(f"/proc/{entry}/environ").read_bytes().split(b"\0") and processes.is_alive(int(entry)):
                    yield int(entry)
            except OSError:  # ended, or of another user
                continue
