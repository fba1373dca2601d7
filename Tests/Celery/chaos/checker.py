"""Reads histories and reports violations. Deterministic: uses no clock and no network.

The guarantees: no acknowledged job is lost; each has one outcome, which is the value of a run of its own order, a
cancellation by its page, or an allowed failure; no job sees the run of another; progress never goes back.
"""

from collections import defaultdict


def check(events, runs, is_allowed=lambda reason: False):
    """The violations, as sentences.

    - `events`: the events of all pages, in order for each page.
    - `runs`: the runs, as noted by the jobs.
    - `is_allowed`: whether a failure may have a reason.
    """
    noted = {run.id: run for run in runs}
    jobs = defaultdict(list)
    for event in events:
        jobs[event.job].append(event)
    found = [sentence for job, reports in jobs.items() for sentence in _of_job(job, reports, noted, is_allowed)]
    return found + _shared_runs(events) + _peeks(events)


def _of_job(job, events, noted, is_allowed):
    order = next((event.order for event in events if event.what == "started"), None)
    yield from _outcomes(job, events, is_allowed)
    yield from _values(job, order, events, noted)
    yield from _progress(job, events)
    yield from _cancels(job, events, noted)


def _outcomes(job, events, is_allowed):
    ends = [(event.outcome, event.text) for event in events if event.what == "ended"]
    if any(event.what == "acknowledged" for event in events) and not ends:
        yield f"{job} was acknowledged and lost: it has no outcome"
    if len(set(ends)) > 1:
        yield f"{job} has {len(set(ends))} outcomes: {sorted(set(ends))}"
    for outcome, text in set(ends):
        if outcome == "forgotten":
            yield f"{job} was acknowledged and is unknown now"
        if outcome == "failed" and not is_allowed(text):
            yield f"{job} failed: {text}"


def _values(job, order, events, noted):
    for run, asked in {_parts(event.text) for event in events if event.outcome == "value"}:
        if asked != order:
            yield f"{job} was started with {order} and got the value of {asked}"
        elif run not in noted or noted[run].order != order:
            yield f"{job} got a value of the run {run}, which never began"


def _progress(job, events):
    seen, has_ended = [], False
    for event in events:
        if event.what == "ended":
            has_ended = True
            if event.outcome == "value" and _parts(event.text)[0] in [run for run, _ in seen[:-1]]:
                yield f"{job} got the value of a superseded run"
        if event.what != "progress":
            continue
        if has_ended:
            yield f"{job} was shown progress after its end"
        if seen and seen[-1][0] == event.run:
            if event.step < seen[-1][1]:
                yield f"the progress of {job} went back from {seen[-1][1]} to {event.step}"
            seen[-1] = (event.run, event.step)
        elif event.run in [run for run, _ in seen]:
            yield f"{job} was shown progress of a superseded run"
        else:
            seen.append((event.run, event.step))


def _cancels(job, events, noted):
    asked = any(event.what == "cancels" for event in events)
    answered = min((event.at for event in events if event.what == "cancelled"), default=None)
    for event in events:
        if event.outcome == "cancelled" and not asked:
            yield f"{job} was cancelled without a request"
        if event.outcome == "value" and answered is not None:
            run = noted.get(_parts(event.text)[0])
            # A run notes its end before its result is stored: one that ended before the answer may have won.
            if run and run.end > answered:
                yield f"{job} continued to a value after its cancel was acknowledged"


def _shared_runs(events):
    owners = defaultdict(set)
    for event in events:
        run = event.run or (_parts(event.text)[0] if event.outcome == "value" else "")
        if run:
            owners[run].add(event.job)
    return [f"the run {run} was reported to {sorted(jobs)}" for run, jobs in owners.items() if len(jobs) > 1]


def _peeks(events):
    return [f"{event.page} polled {event.job} of another page, and was answered {event.text}"
            for event in events if event.what == "peeked" and event.text != "403"]


def _parts(value):
    """The run and the order of a value."""
    order, _, run = value.partition(" ")
    return run, order
