"""The check of histories detects each violation, and none in a valid history."""

import pytest
from chaos.checker import check
from chaos.history import Event, Run, read_runs


class History:
    """Builds a history, one second for each event."""

    def __init__(self):
        self.events, self.runs, self.now = [], [], 0

    def note(self, what, job="a", page="p", **facts):
        self.now += 1
        self.events.append(Event(self.now, page, what, job, **facts))
        return self

    def begun(self, job="a", order="o", page="p"):
        return self.note("started", job, page, order=order).note("acknowledged", job, page)

    def ran(self, run, order="o", end=0.0):
        self.runs.append(Run(run, order, self.now, end))
        return self

    def showed(self, run, *steps, job="a"):
        for step in steps:
            self.note("progress", job, run=run, step=step)
        return self

    def value(self, run, job="a", order="o", page="p"):
        return self.note("ended", job, page, outcome="value", text=f"{order} {run}")

    def violations(self, **rules):
        return check(self.events, self.runs, **rules)


def test_a_valid_history_has_no_violation():
    reported = History().begun().ran("r1").showed("r1", 0, 1).ran("r2").showed("r2", 0, 1, 1, 2).value("r2").value("r2")
    reported.begun("b", page="q").ran("r3").value("r3", "b", page="q")
    reported.begun("c").note("cancels", "c").note("cancelled", "c").note("ended", "c", outcome="cancelled")
    reported.note("started", "never answered", order="o").note("peeked", "b", page="p", text="403")
    assert reported.violations() == []


def test_a_run_that_finished_before_its_cancel_was_answered_may_provide_the_value():
    reported = History().begun().ran("r", end=2.5).note("cancels").note("cancelled").value("r")
    assert reported.violations() == []


def test_an_allowed_failure_is_an_outcome():
    reported = History().begun().note("ended", outcome="failed", text="the worker vanished 4 times")
    assert reported.violations(is_allowed=lambda reason: "vanished" in reason) == []


VIOLATIONS = {
    "a lost job": (
        History().begun(), "a was acknowledged and lost"),
    "a forgotten job": (
        History().begun().note("ended", outcome="forgotten"), "is unknown now"),
    "two values": (
        History().begun().ran("r").ran("s").value("r").value("s"), "a has 2 outcomes"),
    "a value after a failure": (
        History().begun().ran("r").note("ended", outcome="failed", text="vanished").value("r"), "a has 2 outcomes"),
    "a failure that is not allowed": (
        History().begun().note("ended", outcome="failed", text="out of luck"), "a failed: out of luck"),
    "a value of another order": (
        History().begun().ran("r", "other").value("r", order="other"), "got the value of other"),
    "a value without a run": (
        History().begun().value("r"), "which never began"),
    "equal orders, one run": (
        History().begun("a").begun("b", page="q").ran("r").value("r", "a").value("r", "b", page="q"), "was reported to ['a', 'b']"),
    "another job's progress": (
        History().begun("a").begun("b").ran("r").ran("s").showed("r", 0, job="b").value("r", "a").value("s", "b"),
        "was reported to ['a', 'b']"),
    "progress that goes back": (
        History().begun().ran("r").showed("r", 0, 2, 1).value("r"), "went back from 2 to 1"),
    "progress of a superseded run": (
        History().begun().ran("r").ran("s").showed("r", 0).showed("s", 0).showed("r", 1).value("s"), "a superseded run"),
    "a value of a superseded run": (
        History().begun().ran("r").ran("s").showed("r", 0).showed("s", 0).value("r"), "a superseded run"),
    "progress after the end": (
        History().begun().ran("r").value("r").showed("r", 1), "progress after its end"),
    "a cancel without a request": (
        History().begun().note("ended", outcome="cancelled"), "without a request"),
    "a cancel without effect": (
        History().begun().note("cancels").note("cancelled").ran("r", end=9).value("r"), "after its cancel was acknowledged"),
    "a poll of another page's job": (
        History().begun().ran("r").value("r").note("peeked", page="q", text="200"), "was answered 200"),
}


@pytest.mark.parametrize("name", VIOLATIONS)
def test_the_check_finds(name):
    reported, sentence = VIOLATIONS[name]
    [found] = reported.violations(is_allowed=lambda reason: reason == "vanished")
    assert sentence in found


def test_notes_of_runs_are_read_without_truncated_lines(tmp_path):
    (tmp_path / "runs").write_text("begin r 1.5 o.3\nbegin s 2 o.3\nend r 3 o.3\nend s 4")
    assert read_runs(tmp_path / "runs") == [Run("r", "o.3", 1.5, 3), Run("s", "o.3", 2)]
    assert read_runs(tmp_path / "none") == []
