"""`celery status` and `celery inspect` of a Swift worker."""

import os

import pytest
from lab import tools
from lab.place import new_id


@pytest.fixture(scope="module")
def busy(place, swift):
    """The id of a task that runs during all tests of the module."""
    task = new_id()
    place.send("fixture.sleep", 600, task_id=task)
    place.events.wait_for("task-started", uuid=task)
    yield task
    place.app.control.revoke(task, terminate=True)
    place.events.wait_for("task-revoked", uuid=task)


def test_status_shows_the_worker_as_online(place, swift):
    code, output = tools.run_alone(place, "status")
    assert code == 0
    assert f"{swift.node}: OK" in output.replace("\x1b[0m", "").replace("->", "").replace("  ", " ")
    assert "online" in output


def test_ping(place, swift):
    assert tools.inspect(place, swift, "ping") == {"ok": "pong"}


def test_ping_by_a_pattern_and_to_an_unknown_worker(place, swift):
    assert place.app.control.broadcast(
        "ping", pattern="swi*", matcher="glob", reply=True, limit=1) == [{swift.node: {"ok": "pong"}}]
    assert place.app.control.ping([f"unknown@{place.name}"], timeout=0.3) == []


def test_active_shows_a_running_task(place, swift, busy):
    [task] = tools.inspect(place, swift, "active")
    assert task["id"] == busy
    assert task["name"] == task["type"] == "fixture.sleep"
    assert task["args"] == [600] and task["kwargs"] == {}
    assert task["hostname"] == swift.node
    assert task["time_start"] > 1.7e9
    assert task["delivery_info"] == {
        "exchange": "", "routing_key": place.SWIFT_QUEUE, "priority": 0, "redelivered": False}
    assert task["worker_pid"] in place.ask(swift, "stats")["pool"]["processes"]
    os.kill(task["worker_pid"], 0)


def test_active_with_arguments_as_text(place, swift, busy):
    [task] = place.ask(swift, "active", safe=True)
    assert (task["args"], task["kwargs"]) == ("(600,)", "{}")


def test_query_task(place, swift, busy):
    found = tools.inspect(place, swift, "query_task", busy, new_id())
    assert list(found) == [busy]
    state, task = found[busy]
    assert state == "active" and task["name"] == "fixture.sleep"


def test_nothing_waits_in_an_idle_worker(place, swift):
    assert tools.inspect(place, swift, "reserved") == []
    # Celery's worker keeps a revoked task until its ETA.
    known = set(tools.inspect(place, swift, "revoked"))
    assert {waiting["request"]["id"] for waiting in tools.inspect(place, swift, "scheduled")} <= known


def test_registered(place, swift):
    names = tools.inspect(place, swift, "registered")
    assert {"fixture.add", "fixture.sleep", "fixture.fail"} <= set(names)
    assert names == sorted(names)


def test_stats(place, swift, busy):
    stats = tools.inspect(place, swift, "stats")
    assert stats["pid"] == swift.pid
    assert int(stats["clock"]) > 0 and stats["uptime"] >= 0
    assert stats["pool"]["max-concurrency"] == 2
    assert stats["broker"]["transport"] == ("redis" if place.name == "redis" else "amqp")
    assert str(stats["broker"]["port"]) in place.broker
    assert stats["prefetch_count"] >= 2
    before = stats["total"].get("fixture.add", 0)
    assert place.send("fixture.add", 1, 2).get(timeout=20) == 3
    place.events.wait_for("task-succeeded")
    assert place.ask(swift, "stats")["total"]["fixture.add"] >= before


def test_active_queues(place, swift):
    [queue] = tools.inspect(place, swift, "active_queues")
    assert queue["name"] == queue["routing_key"] == place.SWIFT_QUEUE
    assert queue["durable"] and not queue["exclusive"] and not queue["auto_delete"] and not queue["no_ack"]


def test_revoked(place, swift):
    task = new_id()
    place.ask(swift, "revoke", task_id=task)
    assert task in tools.inspect(place, swift, "revoked")


def test_conf_without_secrets(place, swift):
    few = tools.inspect(place, swift, "conf")
    assert few["broker_url"].split("@")[-1].rstrip("/0") in place.broker
    assert "guest:guest" not in str(few)
    every = place.ask(swift, "conf", with_defaults=True)
    assert set(few) <= set(every)


def test_report_and_clock(place, swift):
    assert "transport" in tools.inspect(place, swift, "report")["ok"]
    assert tools.inspect(place, swift, "clock")["clock"] > 0


def test_an_unknown_command_is_an_error(place, swift):
    assert "no_such" in place.ask(swift, "no_such")["error"]
