"""A Swift worker next to Celery's own programs: a starting Python worker, monitors, purge."""

from lab import tools
from lab.place import new_id
from support.waiting import wait_until


def test_a_starting_python_worker_mingles_and_learns_revoked_tasks(place, swift):
    revoked = new_id()
    place.ask(swift, "revoke", task_id=revoked)
    neighbour = place.python_worker("neighbour", queue="neighbour")
    wait_until(lambda: "mingle: sync" in neighbour.output(), 10, "the greeting")
    assert "mingle: sync complete" in neighbour.output()
    assert revoked in place.ask(neighbour, "revoked")
    # It also receives the Swift worker's heartbeats (gossip), and logs no warning about them.
    place.events.forget()
    place.events.wait_for("worker-heartbeat", hostname=swift.node)
    assert neighbour.stop() == 0
    assert "Traceback" not in neighbour.output() and "WARNING" not in neighbour.output(), neighbour.tail()


def test_events_dump_shows_a_task(place, swift):
    dump = tools.start(place, f"dump-{place.name}", "events", "--dump")
    try:
        dump.wait_until(lambda: f"{swift.node} [" in dump.output(), "a sign of the worker")
        task = place.send("fixture.add", 1, 2)
        shown = [f"task {kind}: fixture.add({task.id}) args=(1, 2)" for kind in ("received", "started", "succeeded")]
        dump.wait_until(lambda: all(line in dump.output() for line in shown), "all events of the task")
    finally:
        dump.stop()


def test_purge_empties_a_queue(place, swift):
    for number in range(3):
        place.send("fixture.echo", number, queue="unattended", priority=number * 3)
    code, output = tools.run_alone(place, "purge", "-f", "-Q", "unattended")
    assert code == 0 and "3 messages" in output
    assert place.send("fixture.add", 1, 1).get(timeout=20) == 2


def test_a_starting_swift_worker_learns_revoked_tasks(place, swift, python):
    known = {new_id(): worker for worker in (swift, python)}
    for task_id, worker in known.items():
        place.ask(worker, "revoke", task_id=task_id)
    late = place.swift_worker("late", queue="late")
    assert set(known) <= set(place.ask(late, "revoked"))
    for task_id in known:
        place.send("fixture.add", 1, 2, queue="late", task_id=task_id, countdown=1)
        place.events.wait_for("task-revoked", uuid=task_id, hostname=late.node)
    assert late.stop() == 0
