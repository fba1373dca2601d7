"""Memory, and CPU at rest."""

import time

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
