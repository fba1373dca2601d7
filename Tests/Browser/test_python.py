"""The gallery's Python page: a page's job in a Python worker, and a callback called from Python."""

import os
import signal
import subprocess
import sys

import pytest
from celery import Celery
from celery.exceptions import TimeoutError as NotYet

from support import processes
from support.server import ROOT
from support.waiting import wait_until

FOLDER = ROOT / "Examples/gallery/Queue"


@pytest.fixture(scope="module", params=["redis", "rabbitmq"])
def both(request, tmp_path_factory):
    """A fleet of the gallery, a Python worker, and a Celery client."""
    fleet = request.getfixturevalue(f"{request.param}_gallery")
    environment = fleet.queue.environment
    broker = environment.get("CELERY_BROKER_URL") or environment["REDIS_URL"]
    app = Celery(broker=broker, backend=environment.get("CELERY_RESULT_BACKEND") or environment["REDIS_URL"])
    log = tmp_path_factory.mktemp("python") / "worker.log"
    worker = subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", "tasks", "worker", "-Q", "python", "-c", "2", "-n", "python@test"],
        cwd=FOLDER, env=os.environ | environment, stdout=log.open("wb"), stderr=subprocess.STDOUT, start_new_session=True)
    wait_until(lambda: app.control.ping(["python@test"], timeout=0.5), 30, lambda: f"the Python worker\n{log.read_text()}")
    yield fleet, app
    worker.terminate()
    worker.wait(20)
    for pid in processes.of_session(worker.pid):
        os.kill(pid, signal.SIGKILL)


def test_a_python_task_sends_its_progress_and_its_result_to_the_page(both, open_page):
    fleet, _ = both
    page = open_page(f"{fleet.url}/python/")
    page.record("bar", "return document.getElementById('progress_bar').getAttribute('value')")
    page.click("button_id")
    page.wait_for_text("paragraph_id", "Python counted to 5 at click 1")
    page.wait_enabled("button_id")
    assert page.recorded("bar") == ["0", "1", "2", "3", "4", "5"]


def test_a_python_task_is_cancelled_by_the_page_and_its_error_is_shown(both, open_page):
    fleet, app = both
    page = open_page(f"{fleet.url}/python/")
    page.click("button_id")
    page.wait_enabled("cancel_button_id")
    page.click("cancel_button_id")
    page.wait_enabled("button_id", timeout=2)
    wait_until(lambda: not app.control.inspect(["python@test"], timeout=0.5).active()["python@test"], 10, "an idle Python worker")
    assert page.text("paragraph_id") == "Button not clicked"
    page.click("button_id")
    page.wait_for_text("paragraph_id", "Python counted to 5 at click 2")
    page.wait_enabled("button_id")
    page.click("button_id")
    wait_until(lambda: "three is too many" in page.text("paragraph_id"), 10, "Python's error")
    assert page.text("paragraph_id").startswith("Python said: ")


def test_python_calls_a_callback_by_its_name(both):
    _, app = both
    assert app.send_task("gallery.shout", ["hello"], queue="dash").get(timeout=10) == "HELLO!"
    assert app.send_task("gallery.shout", kwargs={"word": "hé"}, queue="dash").get(timeout=10) == "HÉ!"
    with pytest.raises(Exception, match="has no argument “nonsense”; it has word.value"):
        app.send_task("gallery.shout", kwargs={"nonsense": 1}, queue="dash").get(timeout=10)
    assert not isinstance(app.send_task("gallery.nothing", queue="dash").get(timeout=10, propagate=False), NotYet)
