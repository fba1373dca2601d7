"""Flower, unmodified, with a Swift worker."""

import sys

import pytest
import requests
from lab.place import new_id
from lab.process import Program
from lab.workers import FOLDER
from support.server import free_port
from support.waiting import wait_until


class Flower(Program):
    def __init__(self, place):
        self.url = f"http://127.0.0.1:{free_port()}"
        command = [
            sys.executable, "-m", "celery", "-b", place.broker, "--result-backend", place.backend, "flower",
            f"--port={self.url.split(':')[-1]}", "--address=127.0.0.1"]
        super().__init__(f"flower-{place.name}", command, place.folder, {"FLOWER_UNAUTHENTICATED_API": "true"}, FOLDER)
        self.wait_until(self._answers, "Flower answering")

    def _answers(self):
        try:
            return requests.get(f"{self.url}/healthcheck", timeout=5).ok
        except requests.RequestException:
            return False

    def page(self, path):
        response = requests.get(self.url + path, timeout=10)
        assert response.status_code == 200, f"{path}: {response.status_code}\n{self.tail()}"
        return response.text

    def api(self, path, **parameters):
        response = requests.get(f"{self.url}/api/{path}", parameters, timeout=20)
        assert response.status_code == 200, f"{path}: {response.status_code}\n{self.tail()}"
        return response.json()

    def task(self, task):
        """Flower's information about a task, or an empty dictionary."""
        response = requests.get(f"{self.url}/api/task/info/{task}", timeout=10)
        return response.json() if response.ok else {}


@pytest.fixture(scope="module")
def flower(place, swift):
    flower = Flower(place)
    # Flower inspects all workers at its start, and shows their replies from then on.
    wait_until(lambda: swift.node in flower.api("workers", refresh=1), 20, "Flower knowing the worker")
    wait_until(lambda: flower.api("workers", status=1).get(swift.node), 20, "the worker being online")
    yield flower
    flower.stop()


def test_the_list_of_workers(place, swift, flower):
    assert flower.api("workers", status=1)[swift.node] is True
    assert swift.node in flower.page("/workers")


def test_the_page_of_a_worker(place, swift, flower):
    page = " ".join(flower.page(f"/worker/{swift.node}").lower().replace("-", " ").replace("_", " ").split())
    for part in ("max concurrency", "prefetch count", "fixture.add", f">{place.SWIFT_QUEUE}<"):
        assert part in page, part
    known = flower.api("workers", workername=swift.node)[swift.node]
    assert {"stats", "active_queues", "registered", "conf", "timestamp"} <= set(known)


def test_the_list_and_the_page_of_tasks(place, swift, flower):
    task = place.send("fixture.add", 20, 22)
    assert task.get(timeout=20) == 42
    known = wait_until(lambda: flower.task(task.id).get("state") == "SUCCESS" and flower.task(task.id), 20, "SUCCESS")
    assert (known["name"], known["args"], known["result"]) == ("fixture.add", "(20, 22)", "42")
    assert known["worker"] == swift.node
    assert "fixture.add" in flower.page(f"/task/{task.id}")
    flower.page("/tasks")
    assert task.id in flower.api("tasks", limit=20)


def test_the_terminate_button(place, swift, flower):
    task = new_id()
    place.send("fixture.sleep", 600, task_id=task)
    wait_until(lambda: flower.task(task).get("state") == "STARTED", 20, "STARTED")
    answer = requests.post(f"{flower.url}/api/task/revoke/{task}", data={"terminate": True}, timeout=10)
    assert answer.ok, answer.text
    wait_until(lambda: flower.task(task).get("state") == "REVOKED", 20, "REVOKED")
    assert place.app.AsyncResult(task).state == "REVOKED"


def test_the_pool_and_queue_buttons(place, swift, flower):
    def press(path, **data):
        answer = requests.post(f"{flower.url}/api/worker/{path}/{swift.node}", data=data, timeout=20)
        assert answer.ok, answer.text
        return answer.json()["message"]

    assert "add consumer flowers" in press("queue/add-consumer", queue="flowers")
    assert place.send("fixture.add", 1, 1, queue="flowers").get(timeout=20) == 2
    press("queue/cancel-consumer", queue="flowers")
    press("pool/grow", n=1)
    wait_until(lambda: swift.pool_size() == 3, 10, "the larger pool")
    press("pool/shrink", n=1)
    wait_until(lambda: swift.pool_size() == 2, 10, "the smaller pool")


def test_the_page_of_the_broker(place, swift, flower):
    page = flower.page("/broker")
    # Flower reads RabbitMQ's queues from the management plugin, which the server of these tests does not run.
    assert place.SWIFT_QUEUE in page or place.name == "rabbitmq"
