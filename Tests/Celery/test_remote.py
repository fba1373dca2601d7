"""A Swift program runs a task on a Python worker and follows its progress."""

import json

import pytest
from lab.process import Program
from lab.workers import STAND_IN
from support.server import program

pytestmark = pytest.mark.skipif(STAND_IN, reason="the sending Swift program has no stand-in")


def send(place, task, *arguments, options=()):
    """The updates that the program received."""
    sender = Program(
        f"send-{task}", [program("celery-fixture"), "send", task, place.PYTHON_QUEUE, json.dumps(arguments), *place.swift_options, *options],
        place.folder, {"CELERY_BROKER_URL": place.broker, "CELERY_RESULT_BACKEND": place.backend})
    try:
        assert sender.wait(40) == 0, sender.tail()
        return [json.loads(line) for line in sender.output().splitlines() if line.startswith("{")]
    finally:
        sender.stop()
        sender.log.unlink()


def test_a_python_worker_runs_a_task_from_swift_and_reports_progress(place, python):
    *before, last = send(place, "py.progress", 5)
    steps = [news["progress"]["done"] for news in before if news["progress"]]
    assert steps and steps == sorted(steps) and set(steps) <= {1, 2, 3, 4, 5}
    assert (last["state"], last["result"]) == ("succeeded", 5)
    assert place.app.AsyncResult(last["id"]).get(timeout=10) == 5
    started = place.events.wait_for("task-started", uuid=last["id"])
    assert started["hostname"] == python.node


def test_its_failure_is_reported(place, python):
    last = send(place, "py.add", 1, "two")[-1]
    assert last["state"] == "failed"
    assert "unsupported operand" in last["failure"]


def test_a_cancel_terminates_it(place, python):
    last = send(place, "py.progress", 10_000, options=["--cancel"])[-1]
    assert last["state"] == "cancelled"
    event = place.events.wait_for("task-revoked", uuid=last["id"])
    assert event["terminated"] is True and event["signum"] == 15
