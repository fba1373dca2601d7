"""Child processes, read from /proc."""

import os
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def _stat(pid):
    """The fields of /proc/PID/stat after the name: 0 state, 1 parent, 11 user ticks, 12 system ticks."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def is_alive(pid):
    """Whether the process runs; a process that has exited but is not reaped does not."""
    stat = _stat(pid)
    return stat is not None and stat[0] not in "ZX"


def children(pid):
    """The living children of a process."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            stat = _stat(entry)
            if stat and int(stat[1]) == pid and stat[0] not in "ZX":
                found.append(int(entry))
    return found


def tree(pid):
    """The process and all its descendants."""
    found = [pid]
    for child in children(pid):
        found += tree(child)
    return found


def of_session(session):
    """The living processes of a session, with any parent."""
    stats = ((int(entry), _stat(entry)) for entry in os.listdir("/proc") if entry.isdigit())
    return [pid for pid, stat in stats if stat and int(stat[3]) == session and stat[0] not in "ZX"]


def cpu_seconds(pids):
    """The CPU time used by the processes so far."""
    stats = [stat for stat in map(_stat, pids) if stat]
    return sum(int(stat[11]) + int(stat[12]) for stat in stats) / TICKS


def memory(pids):
    """Bytes of proportional memory (shared pages divided among processes) and of private memory."""
    pss = private = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                pss += int(line.split()[1]) * 1024
            elif line.startswith(("Private_Clean:", "Private_Dirty:")):
                private += int(line.split()[1]) * 1024
    return pss, private
