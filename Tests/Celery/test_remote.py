"""A Swift program has a task run by a Python worker, and hears how it goes."""

import json

import pytest
from lab.process import Program
from lab.workers import STAND_IN
from support.server import program

pytestmark = pytest.mark.skipif(STAND_IN, reason="there is no stand-in for the Swift program that sends")


def send(place, task, *arguments, options=()):
    """What the program heard, news for news."""
    sender = Program(
        f"send-{task}", [program("celery-fixture"), "send", task, place.PYTHON_QUEUE, json.dumps(arguments), *place.swift_options, *options],
        place.folder, {"CELERY_BROKER_URL": place.broker, "CELERY_RESULT_BACKEND": place.backend})
    try:
        assert sender.wait(40) == 0, sender.tail()
        return [json.loads(line) for line in sender.output().splitlines() if line.startswith("{")]
    finally:
        sender.stop()
        sender.log.unlink()


def test_a_python_worker_runs_what_swift_sends_and_its_progress_is_heard(place, python):
    *before, last = send(place, "py.progress", 5)
    steps = [news["progress"]["done"] for news in before if news["progress"]]
    assert steps and steps == sorted(steps) and set(steps) <= {1, 2, 3, 4, 5}
    assert (last["state"], last["result"]) == ("succeeded", 5)
    assert place.app.AsyncResult(last["id"]).get(timeout=10) == 5
    started = place.events.wait_for("task-started", uuid=last["id"])
    assert started["hostname"] == python.node


def test_its_failure_is_heard(place, python):
    last = send(place, "py.add", 1, "two")[-1]
    assert last["state"] == "failed"
    assert "unsupported operand" in last["failure"]


def test_a_cancel_terminates_it(place, python):
    last = send(place, "py.progress", 10_000, options=["--cancel"])[-1]
    assert last["state"] == "cancelled"
    event = place.events.wait_for("task-revoked", uuid=last["id"])
    assert event["terminated"] is True and event["signum"] == 15
