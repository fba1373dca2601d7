"""Memory, idle CPU, and the restart time after a trap."""

import time

import requests
from support import processes
from support.client import Client


def memory(server):
    """Proportional and private memory in bytes, of the supervisor, the server and its workers."""
    return processes.memory(server.processes())


def idle_cpu(server, seconds):
    """CPU seconds per minute of all processes without requests."""
    everything = server.processes()
    before = processes.cpu_seconds(everything)
    time.sleep(seconds)
    return (processes.cpu_seconds(everything) - before) * 60 / seconds


def restart(server):
    """Milliseconds from the request whose callback traps to the first response of the next process, including the backtrace.

    Valid for the first trap of a server: after further traps in a row the supervisor waits before a restart.
    """
    client, trapped = Client(f"{server.url}/trap-in-server/"), server.serving_pid()
    began = time.monotonic()
    try:
        client.post(client.body({"run.n_clicks": 1}))
    except requests.ConnectionError:  # the trap closes the connection
        pass
    while not server.is_healthy():
        time.sleep(0.002)
    took = (time.monotonic() - began) * 1000
    assert server.serving_pid() != trapped, "the callback did not terminate the serving process"
    return took
