"""Options of Celery's worker command that affect how other programs see a worker."""

import pytest
from lab.workers import STAND_IN


@pytest.mark.skipif(STAND_IN, reason="Celery's worker without heartbeats does not send worker-online either")
def test_without_heartbeat_a_worker_sends_worker_online_and_no_heartbeats(place, swift):
    still = place.swift_worker("still", queue="still", options=["--without-heartbeat"])
    place.events.wait_for("worker-online", hostname=still.node)
    place.events.forget()
    for _ in range(3):  # three heartbeats of the other worker
        place.events.wait_for("worker-heartbeat", hostname=swift.node)
        heard = [event["type"] for event in place.events.seen if event["hostname"] == still.node]
        assert "worker-heartbeat" not in heard
        place.events.forget()
    sent = place.send("fixture.add", 1, 1, queue="still")
    assert sent.get(timeout=20) == 2
    assert place.events.wait_for("task-succeeded", uuid=sent.id)["hostname"] == still.node
    assert still.stop() == 0
    place.events.wait_for("worker-offline", hostname=still.node)


@pytest.mark.skipif(STAND_IN, reason="Celery's own worker logs another message")
def test_a_worker_warns_of_another_one_with_its_name(place):
    first = place.swift_worker("twin", queue="twin")
    assert "Another running worker" not in first.output()
    second = place.swift_worker("twin", queue="twin")
    second.wait_until(lambda: f"Another running worker is named “{second.node}” too" in second.output(), "the warning")
    assert (second.stop(), first.stop()) == (0, 0)
