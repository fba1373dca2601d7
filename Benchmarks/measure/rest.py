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
    """Milliseconds from the end of a serving process that trapped to its successor's first answer."""
    serving = server.serving_pid()
    os.kill(serving, signal.SIGILL)
    while processes.is_alive(serving):
        time.sleep(0.001)
    ended = time.monotonic()
    while True:
        try:
            if requests.get(f"{server.url}/_health", timeout=1).ok:
                return (time.monotonic() - ended) * 1000
        except requests.RequestException:
            time.sleep(0.002)
