"""Options of Celery's worker command that are about what others see of a worker."""

import pytest
from lab.workers import STAND_IN


@pytest.mark.skipif(STAND_IN, reason="Celery's worker without heartbeats does not tell that it is there either")
def test_without_heartbeat_a_worker_tells_that_it_is_there_and_no_more(place, swift):
    still = place.swift_worker("still", queue="still", options=["--without-heartbeat"])
    place.events.wait_for("worker-online", hostname=still.node)
    place.events.forget()
    for _ in range(3):  # the time of three heartbeats, as the other worker has it
        place.events.wait_for("worker-heartbeat", hostname=swift.node)
        heard = [event["type"] for event in place.events.seen if event["hostname"] == still.node]
        assert "worker-heartbeat" not in heard
        place.events.forget()
    sent = place.send("fixture.add", 1, 1, queue="still")
    assert sent.get(timeout=20) == 2
    assert place.events.wait_for("task-succeeded", uuid=sent.id)["hostname"] == still.node
    assert still.stop() == 0
    place.events.wait_for("worker-offline", hostname=still.node)


@pytest.mark.skipif(STAND_IN, reason="Celery's own worker says it in other words")
def test_two_workers_of_one_name_are_warned_of(place):
    first = place.swift_worker("twin", queue="twin")
    assert "Another worker" not in first.output()
    second = place.swift_worker("twin", queue="twin")
    second.wait_until(lambda: f"Another worker that runs has the name “{second.node}” too" in second.output(), "the warning")
    assert (second.stop(), first.stop()) == (0, 0)
