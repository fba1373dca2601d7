"""The events of simulated pages, and the runs noted by jobs."""

import json
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Event:
    """An event of a page. `job` is the page's own name for a job that it started.

    - `started`: it sent a start, with `order` as the value of the job's input.
    - `acknowledged`: the start was answered.
    - `progress`: it received `step` of `run`.
    - `ended`: it received the outcome: `value`, `cancelled`, `failed` or `forgotten`; `text` is the value or reason.
    - `cancels`: it requested a cancellation, or replaced the job.
    - `cancelled`: the cancellation was answered.
    - `peeked`: it polled a job of another page, and received the status `text`.
    """

    at: float
    page: str
    what: str
    job: str
    order: str = ""
    run: str = ""
    step: int = -1
    outcome: str = ""
    text: str = ""


@dataclass(frozen=True)
class Run:
    """One run of a job's code, as noted by the job. `end` is 0 for a run that did not finish."""

    id: str
    order: str
    begin: float
    end: float = 0


class History:
    """The events of one page, in memory and in a file."""

    def __init__(self, page, folder):
        self.page = page
        self.events = []
        self._file = (Path(folder) / f"{page}.jsonl").open("a")
        self._lock = threading.Lock()

    def note(self, what, job, **facts):
        event = Event(time.time(), self.page, what, job, **facts)
        with self._lock:
            self.events.append(event)
            self._file.write(json.dumps(asdict(event)) + "\n")
            self._file.flush()

    def close(self):
        self._file.close()


def read_runs(path):
    """Reads the runs noted by jobs: lines of `begin` or `end`, run, time, order."""
    runs = {}
    for line in Path(path).read_text().splitlines() if Path(path).exists() else []:
        fields = line.split()
        if len(fields) != 4:  # truncated by a kill
            continue
        what, name, at, order = fields
        if what == "begin":
            runs[name] = Run(name, order, float(at))
        elif name in runs:
            runs[name] = Run(name, order, runs[name].begin, float(at))
    return list(runs.values())
