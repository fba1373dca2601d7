"""The server stops while a job runs, and the page continues."""

import sqlite3
import time

import pytest

from support import processes
from support.client import Client
from support.proxy import Proxy
from support.waiting import wait_until


# The page's retry delays double from 50 ms, so these take about three seconds.
LOST = 6
BAR = "return document.getElementById('progress_bar').getAttribute('value')"


def test_a_server_restart_does_not_stop_the_page(own_server, open_page):
    server = own_server("gallery")
    proxy = Proxy(server.port)
    page = open_page(f"{proxy.url}/progress/")
    page.record("bar", BAR)
    page.click("button_id")
    wait_until(lambda: "1" in page.recorded("bar"), 10, "the first step")
    server.stop()
    wait_until(lambda: proxy.refused >= LOST, 20, "polls without a server")
    server.start()
    page.wait_for_text("paragraph_id", "Clicked 1 times", timeout=30)
    page.wait_enabled("button_id")
    assert not page.is_enabled("cancel_button_id")
    page.console_errors()  # includes polls without a server
    proxy.close()


@pytest.mark.parametrize("fault", ["refuse", "lose_answers"])
def test_lost_connections_or_responses_do_not_lose_steps_F20(gallery, open_page, fault):
    proxy = Proxy(gallery.port)
    page = open_page(f"{proxy.url}/progress/")
    page.record("bar", BAR)
    page.click("button_id")
    wait_until(lambda: "1" in page.recorded("bar"), 5, "the first step")
    getattr(proxy, fault)()
    wait_until(lambda: proxy.refused + proxy.lost_answers >= LOST, 20, "lost polls or responses")
    proxy.mend()
    page.wait_for_text("paragraph_id", "Clicked 1 times", timeout=30)
    page.wait_enabled("button_id")
    assert page.recorded("bar")[-1] == "5", "the last value is always shown"
    page.console_errors()  # includes lost requests
    proxy.close()


def test_the_page_of_a_killed_server_shows_a_notice_and_finished_results_remain_F6(own_server, open_page):
    server = own_server("fault-app")
    finished = Client(f"{server.url}/own/")
    body = finished.body({"run.n_clicks": 1})
    start = finished.post(body).json()
    result = wait_until(lambda: finished.post(body, job=start["job"], cacheKey=start.get("cacheKey")).json().get("response"),
                        10, "a result")
    page = open_page(f"{server.url}/long/")
    page.click("run")
    wait_for_first_step(server, page, "long")
    workers = server.kill()
    wait_until(lambda: not any(map(processes.is_alive, workers)), 2, "exit of the workers")
    server.start()
    page.wait_enabled("run", timeout=20)
    wait_until(page.notices, 5, "a notice that the job was lost")
    assert page.text("text") == "nothing yet"
    again = finished.post(body, job=start["job"], cacheKey=start.get("cacheKey"))
    assert again.json()["response"] == result
    server.stop()
    assert_stores_are_whole(server)
    page.console_errors()  # includes polls without a server


def test_a_job_with_retries_on_a_killed_server_completes_F6(own_server, open_page):
    server = own_server("fault-app")
    page = open_page(f"{server.url}/retried/")
    page.click("run")
    wait_for_first_step(server, page, "retried")
    server.kill()
    server.start()
    page.wait_for_text("text", "done 1", timeout=30)
    page.wait_enabled("run")
    steps = (server.folder.parent / "retried").read_text().split()
    assert steps.count("1") == 2 and steps.count("12") == 1, "started twice, completed once"
    assert page.notices() == []
    page.console_errors()  # includes polls without a server


def test_the_server_stops_its_workers_and_their_child_processes_F26(own_server):
    server = own_server("fault-app")
    client = Client(f"{server.url}/stubborn/")
    client.post(client.body({"run.n_clicks": 1}))
    notes = server.folder.parent / "stubborn"
    wait_until(lambda: notes.exists() and len(notes.read_text().split()) == 2, 10, "the job and its child")
    started = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - started < 15
    assert not any(processes.is_alive(int(pid)) for pid in notes.read_text().split())


def wait_for_first_step(server, page, name):
    wait_until(page.answered_requests, 10, "the job's handle in the page")
    notes = server.folder.parent / name
    wait_until(lambda: notes.exists() and notes.read_text(), 10, "the job's first step")


def assert_stores_are_whole(server):
    stores = [path for path in server.data.rglob("*") if path.is_file() and path.open("rb").read(6) == b"SQLite"]
    assert stores
    for path in stores:
        with sqlite3.connect(path) as store:
            assert store.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
