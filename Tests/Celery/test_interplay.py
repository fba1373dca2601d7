"""Tasks between Python and Swift, in both directions."""

import pytest
from celery import chain, chord, group, signature
from celery.exceptions import ChordError, TaskRevokedError
from lab.place import new_id


def swift_task(place, name, *args, **options):
    return signature(name, args=args, app=place.app, queue=place.SWIFT_QUEUE, **options)


def python_task(place, name, *args, **options):
    return signature(name, args=args, app=place.app, queue=place.PYTHON_QUEUE, **options)


def test_python_calls_swift_by_name(place, swift):
    assert place.send("fixture.add", 2, 3).get(timeout=20) == 5
    value = {"ü": [1, None, 2.5, True, "\U0001f600"]}
    assert place.send("fixture.echo", value, "two").get(timeout=20) == [value, "two"]


def test_a_failure_is_raised_in_python(place, swift):
    task = place.send("fixture.fail", "no paper")
    with pytest.raises(Exception, match="no paper"):
        task.get(timeout=20)
    assert task.state == "FAILURE"
    assert "no paper" in task.traceback
    event = place.events.wait_for("task-failed", uuid=task.id)
    assert "no paper" in event["exception"]


def test_a_failed_task_is_retried_by_its_callbacks_policy(place, swift, tmp_path):
    marks = tmp_path / "marks"
    task = place.send("fixture.flaky", str(marks))
    assert task.get(timeout=30) == 3
    assert len(marks.read_text().splitlines()) == 3
    event = place.events.wait_for("task-retried", uuid=task.id)
    assert "attempt 1" in event["exception"]


def test_events_of_a_task_have_celerys_fields(place, swift):
    task = place.send("fixture.add", 1, 2)
    task.get(timeout=20)
    done = place.events.wait_for("task-succeeded", uuid=task.id)
    received, started, _ = place.events.of(task.id)
    assert (received["name"], received["args"], received["kwargs"]) == ("fixture.add", "(1, 2)", "{}")
    assert (received["root_id"], received["parent_id"], received["retries"]) == (task.id, None, 0)
    assert started["hostname"] == swift.node and started["pid"] == swift.pid
    assert done["result"] == "3" and done["runtime"] >= 0
    assert received["clock"] < started["clock"] < done["clock"]


def test_an_unknown_task_fails_with_a_reason(place, swift):
    task = place.send("fixture.none")
    with pytest.raises(Exception, match="fixture.none"):
        task.get(timeout=20)
    place.events.wait_for("task-failed", uuid=task.id)


def test_an_expired_task_is_not_run(place, swift):
    task = place.send("fixture.echo", 1, expires=-1)
    with pytest.raises(TaskRevokedError, match="expired"):
        task.get(timeout=20)
    assert place.events.wait_for("task-revoked", uuid=task.id)["expired"] is True


def test_a_task_waits_for_its_countdown(place, swift):
    task = place.send("fixture.echo", "later", countdown=1)
    sent = place.events.wait_for("task-received", uuid=task.id)["timestamp"]
    assert task.get(timeout=20) == ["later"]
    assert place.events.wait_for("task-started", uuid=task.id)["timestamp"] > sent + 0.8


def test_a_chain_from_python_to_swift_to_python(place, swift, python):
    steps = chain(
        python_task(place, "py.add", 1, 2), swift_task(place, "fixture.add", 10), python_task(place, "py.tree"))
    last = steps.apply_async()
    assert last.get(timeout=20) == {"value": 13, "root": last.parent.parent.id, "parent": last.parent.id}


def test_a_chain_stops_at_a_failure_in_swift(place, swift, python):
    last = chain(swift_task(place, "fixture.fail", "stop"), python_task(place, "py.add", 1)).apply_async()
    with pytest.raises(Exception, match="stop"):
        last.get(timeout=20, propagate=True)
    assert last.parent.state == "FAILURE"


def test_a_group_of_both_languages(place, swift, python):
    tasks = group(
        swift_task(place, "fixture.add", 1, 1), python_task(place, "py.add", 2, 2),
        swift_task(place, "fixture.add", 3, 3))
    assert tasks.apply_async().get(timeout=20) == [2, 4, 6]


def test_a_chord_of_swift_tasks_is_summed_up_in_python(place, swift, python):
    header = [swift_task(place, "fixture.add", number, number) for number in range(4)]
    body = chord(header, app=place.app)(python_task(place, "py.tree"))
    answer = body.get(timeout=20)
    members = {member.id for member in body.parent.results}
    assert answer["value"] == [0, 2, 4, 6]
    assert answer["parent"] in members and answer["root"] in members


def test_a_chord_of_both_languages_completes_in_swift(place, swift, python):
    header = [swift_task(place, "fixture.add", 1, 1), python_task(place, "py.add", 2, 2)]
    body = chord(header, app=place.app)(swift_task(place, "fixture.sum"))
    assert body.get(timeout=20) == 6


def test_a_chord_with_a_failure_in_swift_fails(place, swift, python):
    header = [swift_task(place, "fixture.fail", "torn"), python_task(place, "py.add", 2, 2)]
    body = chord(header, app=place.app)(python_task(place, "py.total"))
    with pytest.raises(ChordError, match="torn"):
        place.app.AsyncResult(body.id).get(timeout=20)


def test_links_are_called_after_a_swift_task(place, swift, python):
    good, bad = new_id(), new_id()
    note = python_task(place, "py.note")
    ended = place.send(
        "fixture.add", 1, 2, link=note.clone(task_id=good), link_error=note.clone(task_id=bad))
    assert place.app.AsyncResult(good).get(timeout=20) == [3]
    assert ended.get(timeout=20) == 3
    assert place.app.AsyncResult(bad).state == "PENDING"


def test_error_links_are_called_after_a_failed_swift_task(place, swift, python):
    bad = new_id()
    failed = place.send("fixture.fail", "why", link_error=python_task(place, "py.note").clone(task_id=bad))
    with pytest.raises(Exception, match="why"):
        failed.get(timeout=20)
    assert place.app.AsyncResult(bad).get(timeout=20) == [failed.id]


def test_a_python_task_sends_a_swift_task(place, swift, python):
    parent = place.send("py.call", "fixture.add", 4, 5, queue=place.PYTHON_QUEUE)
    child = place.app.AsyncResult(parent.get(timeout=20))
    assert child.get(timeout=20) == 9
    received = place.events.wait_for("task-received", uuid=child.id)
    assert (received["root_id"], received["parent_id"]) == (parent.id, parent.id)
