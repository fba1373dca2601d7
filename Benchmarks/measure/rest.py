"""Memory, CPU at rest, and the time a server is away that trapped."""

import statistics
import time

import requests
from support import processes
from support.client import Client


def memory(server):
    """Bytes: proportional and private, of the server and its workers; a supervisor counts too."""
    return processes.memory(server.processes())


def idle_cpu(server, seconds):
    """CPU seconds per minute of all processes while nobody asks anything."""
    everything = server.processes()
    before = processes.cpu_seconds(everything)
    time.sleep(seconds)
    return (processes.cpu_seconds(everything) - before) * 60 / seconds


def restarts(server, repeats=5):
    """Milliseconds from the request whose callback traps to the next process's first answer; the backtrace among them."""
    client, times = Client(f"{server.url}/trap-in-server/"), []
    for number in range(repeats):
        began = time.monotonic()
        try:
            client.post(client.body({"run.n_clicks": number + 1}))
        except requests.ConnectionError:  # the trap took the connection along
            pass
        while not server.is_healthy():
            time.sleep(0.002)
        times.append((time.monotonic() - began) * 1000)
        time.sleep(1)  # the workers of the new process are there too
    return statistics.median(times)
