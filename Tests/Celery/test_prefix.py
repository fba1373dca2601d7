"""Programs with a prefix for their keys in Redis: Celery's `global_keyprefix`, and the same in Swift."""

import pytest
from celery import chain, signature
from lab.place import Place
from lab.workers import STAND_IN
from test_remote import send

pytestmark = pytest.mark.skipif(STAND_IN, reason="tests the interplay of Swift and Python")


@pytest.fixture(scope="module")
def prefixed(servers, tmp_path_factory):
    url = servers["redis"].url(7)
    place = Place("prefixed", url, url, tmp_path_factory.mktemp("prefixed"), prefix="proj")
    place.swift = place.swift_worker()
    place.python = place.python_worker()
    yield place
    place.close()


def task(place, name, *args, queue):
    return signature(name, args=args, app=place.app, queue=queue)


def test_python_calls_swift_and_swift_python(prefixed):
    steps = chain(
        task(prefixed, "py.add", 1, 2, queue="python"), task(prefixed, "fixture.add", 10, queue="dash"),
        task(prefixed, "py.add", 100, queue="python"))
    assert steps.apply_async().get(timeout=20) == 113


def test_a_site_runs_a_python_task_and_gets_its_result(prefixed):
    last = send(prefixed, "py.progress", 3)[-1]
    assert (last["state"], last["result"]) == ("succeeded", 3)


def test_celerys_tools_see_the_worker(prefixed):
    assert prefixed.ask(prefixed.swift, "ping") == {"ok": "pong"}
    sent = prefixed.send("fixture.echo", "ü")
    assert sent.get(timeout=20) == ["ü"]
    prefixed.events.wait_for("task-succeeded", uuid=sent.id, hostname=prefixed.swift.node)


def test_no_key_without_a_prefix_is_created(prefixed):
    prefixed.send("fixture.add", 1, 1).get(timeout=20)
    keys = [key.decode() for key in prefixed.app.backend.client.keys("*")]
    assert keys and [key for key in keys if not key.startswith(("proj_", "dash:"))] == []


def test_a_worker_with_another_prefix_gets_no_tasks(prefixed, servers, tmp_path):
    url = servers["redis"].url(7)
    other = Place("other", url, url, tmp_path, prefix="else")
    try:
        worker = other.swift_worker("other")
        sent = [prefixed.send("fixture.pid") for _ in range(6)]
        assert {prefixed.swift.pid} != {worker.pid} and all(task.get(timeout=20) for task in sent)
        assert other.ask(worker, "stats")["total"] == {}
    finally:
        other.close()
