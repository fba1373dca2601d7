"""Memory, CPU at rest, and the time a server is away that trapped."""

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


def restart(server):
    """Milliseconds from the request whose callback traps to the next process's first answer; the backtrace among them.

    For the first trap of a server: from the second in a row on, the supervisor makes a pause before it starts another.
    """
    client, trapped = Client(f"{server.url}/trap-in-server/"), server.serving_pid()
    began = time.monotonic()
    try:
        client.post(client.body({"run.n_clicks": 1}))
    except requests.ConnectionError:  # the trap took the connection along
        pass
    while not server.is_healthy():
        time.sleep(0.002)
    took = (time.monotonic() - began) * 1000
    assert server.serving_pid() != trapped, "the callback did not end the serving process"
    return took
