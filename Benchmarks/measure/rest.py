"""Memory, CPU at rest, and the time a killed server is away."""

import os
import signal
import time

import requests

from support import processes


def memory(server):
    """Bytes: proportional and private, of the server and its workers; a supervisor counts too."""
    return processes.memory(server.processes())


def idle_cpu(server, seconds):
    """CPU seconds per minute of all processes while nobody asks anything."""
    everything = server.processes()
    before = processes.cpu_seconds(everything)
    time.sleep(seconds)
    return (processes.cpu_seconds(everything) - before) * 60 / seconds


def restart(server):
    """Milliseconds from a trap of the serving process to its successor's first answer, the backtrace among them.

    A signal from outside is not raised again when the runtime has written its backtrace, as a trap is; so it is sent again.
    """
    serving = server.serving_pid()
    began = time.monotonic()
    while processes.is_alive(serving):
        os.kill(serving, signal.SIGILL)
        time.sleep(0.01)
    while time.monotonic() - began < 30:
        try:
            if requests.get(f"{server.url}/_health", timeout=1).ok and not processes.is_alive(serving):
                return (time.monotonic() - began) * 1000
        except requests.RequestException:
            pass
        time.sleep(0.002)
    raise AssertionError("the server did not come back within 30 s")
