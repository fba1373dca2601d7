"""`celery control` of a Swift worker, and its effects."""

import pytest
from celery.exceptions import SoftTimeLimitExceeded, TaskRevokedError, TimeLimitExceeded
from lab import tools
from lab.place import new_id
from lab.workers import STAND_IN
from support import processes
from support.waiting import wait_until


@pytest.fixture
def running(place, swift):
    """`running(seconds)` sends a task and waits until it runs. Tasks that still run after the test are terminated."""
    sent = []

    def send(seconds=600):
        sent.append(place.send("fixture.sleep", seconds))
        place.events.wait_for("task-started", uuid=sent[-1].id)
        return sent[-1]

    yield send
    left = [task.id for task in sent if not task.ready()]
    if left:
        place.app.control.revoke(left, terminate=True)
    for task in left:
        place.events.wait_for("task-revoked", uuid=task)


def process_of(place, swift, task):
    return place.ask(swift, "query_task", ids=[task])[task][1]["worker_pid"]


@pytest.mark.parametrize("signal, number", [("SIGTERM", 15), ("SIGKILL", 9)])
def test_a_running_task_is_terminated_from_python(place, swift, running, signal, number):
    task = running()
    process = process_of(place, swift, task.id)
    place.app.control.revoke(task.id, terminate=True, signal=signal)
    with pytest.raises(TaskRevokedError, match="terminated"):
        task.get(timeout=20)
    event = place.events.wait_for("task-revoked", uuid=task.id)
    assert (event["terminated"], event["signum"], event["expired"]) == (True, number, False)
    wait_until(lambda: place.ask(swift, "active") == [], 10, "no task running")
    if number == 9 and not STAND_IN:
        # SIGTERM cancels a Swift task and its process continues with others; SIGKILL kills the process.
        wait_until(lambda: not processes.is_alive(process), 10, "the end of the task's process")
    assert [event["type"] for event in place.events.of(task.id)] == ["task-received", "task-started", "task-revoked"]
    assert place.send("fixture.add", 1, 1).get(timeout=20) == 2


def test_a_running_task_is_terminated_from_the_command_line(place, swift, running):
    task = running()
    assert tools.control(place, swift, "terminate", "SIGTERM", task.id) == {"ok": f"terminate: {task.id}"}
    with pytest.raises(TaskRevokedError):
        task.get(timeout=20)


def test_a_revoke_without_terminate_lets_a_running_task_finish(place, swift, running):
    task = running(1)
    answer = tools.control(place, swift, "revoke", task.id)
    assert answer == {"ok": f"tasks {{'{task.id}'}} flagged as revoked"}
    assert task.get(timeout=20) == "slept"


def test_a_waiting_task_is_revoked(place, swift, running):
    blockers = [running(), running()]
    task = place.send("fixture.echo", "never")
    answer = tools.control(place, swift, "revoke", task.id)
    assert answer == {"ok": f"tasks {{'{task.id}'}} flagged as revoked"}
    with pytest.raises(TaskRevokedError, match="revoked"):
        task.get(timeout=20)
    place.app.control.revoke([blocker.id for blocker in blockers], terminate=True)
    event = place.events.wait_for("task-revoked", uuid=task.id)
    assert (event["terminated"], event["signum"], event["expired"]) == (False, None, False)
    assert not any(event["type"] == "task-started" for event in place.events.of(task.id))


def test_a_task_with_a_countdown_is_revoked(place, swift):
    task = place.send("fixture.echo", "never", countdown=600)
    place.ask(swift, "revoke", task_id=task.id)
    with pytest.raises(TaskRevokedError, match="revoked"):
        task.get(timeout=20)


def test_heartbeats_continue_while_all_processes_are_busy(place, swift, running):
    running(), running()
    place.events.forget()
    beats = [place.events.wait_for("worker-heartbeat", hostname=swift.node, active=2)]
    place.events.forget()
    beats.append(place.events.wait_for("worker-heartbeat", hostname=swift.node, active=2))
    assert beats[0]["freq"] == 2.0 and beats[1]["timestamp"] - beats[0]["timestamp"] < 2 * beats[0]["freq"]
    assert beats[0]["sw_sys"] and len(beats[0]["loadavg"]) == 3


def test_terminating_an_unknown_task_is_not_an_error(place, swift):
    assert place.ask(swift, "revoke", task_id=new_id(), terminate=1, signal="SIGTERM") == {
        "ok": "terminate: tasks unknown"}


def test_rate_limit(place, swift):
    answer = tools.control(place, swift, "rate_limit", "fixture.echo", "2/s")
    assert answer == {"ok": "new rate limit set successfully"}
    assert "fixture.echo [rate_limit=2/s]" in tools.inspect(place, swift, "registered")
    tasks = [place.send("fixture.echo", number) for number in range(3)]
    assert [task.get(timeout=20) for task in tasks] == [[0], [1], [2]]
    started = sorted(place.events.wait_for("task-started", uuid=task.id)["timestamp"] for task in tasks)
    assert all(later - earlier > 0.4 for earlier, later in zip(started, started[1:]))
    assert place.ask(swift, "rate_limit", task_name="fixture.echo", rate_limit=0) == {
        "ok": "rate limit disabled successfully"}
    assert place.ask(swift, "rate_limit", task_name="nope", rate_limit="1/s") == {"error": "unknown task"}


@pytest.mark.skipif(STAND_IN, reason="Celery's worker applies a new limit only when it restarts its consumer")
def test_time_limits(place, swift):
    answer = tools.control(place, swift, "time_limit", "fixture.sleep", 1, 300)
    assert answer == {"ok": "time limits set successfully"}
    soft = place.send("fixture.sleep", 600)
    with pytest.raises(SoftTimeLimitExceeded):
        soft.get(timeout=20)
    assert place.ask(swift, "time_limit", task_name="fixture.sleep", hard=1)["ok"]
    hard = place.send("fixture.sleep", 600)
    with pytest.raises(TimeLimitExceeded):
        hard.get(timeout=20)
    assert place.ask(swift, "time_limit", task_name="fixture.sleep", soft=None, hard=None)["ok"]


def test_the_pool_grows_and_shrinks(place, swift, running):
    assert tools.control(place, swift, "pool_grow", 1) == {"ok": "pool will grow"}
    tasks = [running() for _ in range(3)]
    assert len(place.ask(swift, "active")) == 3
    place.app.control.revoke([task.id for task in tasks], terminate=True)
    for task in tasks:
        place.events.wait_for("task-revoked", uuid=task.id)
    assert tools.control(place, swift, "pool_shrink", 1) == {"ok": "pool will shrink"}
    wait_until(lambda: swift.pool_size() == 2, 10, "the smaller pool")


def test_queues_are_added_and_cancelled(place, swift):
    assert tools.control(place, swift, "add_consumer", "extra") == {"ok": "add consumer extra"}
    wait_until(lambda: len(place.ask(swift, "active_queues")) == 2, 10, "the second queue")
    assert place.send("fixture.echo", "there", queue="extra").get(timeout=20) == ["there"]
    assert tools.control(place, swift, "cancel_consumer", "extra") == {"ok": "no longer consuming from extra"}
    wait_until(lambda: len(place.ask(swift, "active_queues")) == 1, 10, "one queue")
    left = place.send("fixture.echo", "unread", queue="extra")
    assert place.send("fixture.add", 1, 1).get(timeout=20) == 2
    assert left.state == "PENDING"
    assert "1 message" in tools.run(place, "purge", "-f", "-Q", "extra")[1]


def test_events_are_enabled_and_disabled(place):
    worker = place.swift_worker("quiet", queue="quiet", events=False)
    place.events.wait_for("worker-online", hostname=worker.node)
    silent = place.send("fixture.add", 1, 1, queue="quiet")
    assert silent.get(timeout=20) == 2
    assert tools.control(place, worker, "enable_events") == {"ok": "task events enabled"}
    assert tools.control(place, worker, "enable_events") == {"ok": "task events already enabled"}
    heard = place.send("fixture.add", 1, 1, queue="quiet")
    place.events.wait_for("task-succeeded", uuid=heard.id)
    assert [event["type"] for event in place.events.of(heard.id)] == [
        "task-received", "task-started", "task-succeeded"]
    assert place.events.of(silent.id) == []
    assert tools.control(place, worker, "disable_events") == {"ok": "task events disabled"}
    assert worker.stop() == 0


def test_shutdown_lets_a_running_task_finish(place):
    worker = place.swift_worker("leaving", queue="leaving")
    task = place.send("fixture.sleep", 1, queue="leaving")
    place.events.wait_for("task-started", uuid=task.id)
    assert tools.run(place, "control", "-d", worker.node, "-t", 0.5, "shutdown")[0] != 2
    assert task.get(timeout=20) == "slept"
    assert worker.wait() == 0
    place.events.wait_for("worker-offline", hostname=worker.node)
