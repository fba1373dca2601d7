"""Two web servers, two workers and a queue: the page continues when any of them stops."""

import subprocess
import threading
import time

from support import processes
from support.client import Client
from support.waiting import wait_until

BAR = "return document.getElementById('progress_bar').getAttribute('value')"
# The connections that Redis rejects in about two seconds, with four programs that retry with growing delays.
LOST = 80
STEPS = ["0", "1", "2", "3", "4", "5"]


def run_progress(page):
    """Starts the progress page's job and waits for its first step."""
    page.record("bar", BAR)
    page.click("button_id")
    page.wait_disabled("button_id")
    wait_until(lambda: "1" in page.recorded("bar"), 20, "the first step")


def through(server, path, client):
    """The same page load, with requests to one server instead of the balancer."""
    other = Client.__new__(Client)
    other.__dict__ = client.__dict__ | {"base": f"{server.url}{path}", "origin": server.url}
    return other


def test_a_page_switches_servers_during_its_job(redis_gallery, open_page):
    page = open_page(f"{redis_gallery.url}/progress/")
    before = redis_gallery.polls_of_servers()
    run_progress(page)
    page.wait_for_text("paragraph_id", "Clicked 1 times")
    assert page.recorded("bar") == STEPS, "each step once, in order"
    polls = [now - then for now, then in zip(redis_gallery.polls_of_servers(), before)]
    assert min(polls) >= 2, f"both servers responded to polls of the job: {polls}"


def test_four_polls_of_a_browser_are_held_across_all_servers(redis_gallery):
    first = Client(f"{redis_gallery.servers[0].url}/simple/")
    results = redis_gallery.queue.results

    def held():
        return sum(results.zcard(key) for key in results.keys("dash:fleet:polls:*"))

    wait_until(lambda: held() == 0, 30, "no other polls")
    threads = []
    for number in range(6):
        page = Client(f"{redis_gallery.servers[number % 2].url}/simple/", first.session)
        start = page.post(page.body({"button_id.n_clicks": 1})).json()
        threads.append(threading.Thread(target=page.post, args=(page.body({}),), kwargs={"job": start["job"], "n": 9}))
        threads[-1].start()
        wait_until(lambda: held() == min(number + 1, 4), 5, f"{min(number + 1, 4)} polls held (found: {held()})")
    for thread in threads:
        thread.join()


def test_on_error_runs_once_across_both_servers(redis_gallery):
    page = Client(f"{redis_gallery.servers[0].url}/failing/")
    other = through(redis_gallery.servers[1], "/failing/", page)
    body = page.body({"button_id.n_clicks": 1})
    job = page.post(body).json()["job"]

    def answer(client):
        values = wait_until(lambda: client.post(body, job=job).json().get("response"), 10, "a response")
        return values["paragraph_id"]["children"]

    notice = answer(page)
    assert notice.startswith("The job failed: the disk was full at click 1, ")
    assert [answer(other), answer(page), answer(other)] == [notice] * 3, "it contains the time of the only run"


def test_a_web_server_killed_while_a_page_polls_does_not_stop_the_page(own_fleet, open_page):
    page = open_page(f"{own_fleet.url}/progress/")
    run_progress(page)
    own_fleet.servers[0].kill()
    own_fleet.proxies[0].close()
    page.wait_for_text("paragraph_id", "Clicked 1 times", timeout=30)
    assert page.recorded("bar") == STEPS, "no step is lost with the server"
    page.wait_enabled("button_id")
    page.console_errors()  # includes polls without a server


def test_the_job_of_a_killed_worker_runs_on_another_F1(own_fleet, open_page):
    page = open_page(f"{own_fleet.url}/progress/")
    run_progress(page)
    worker = own_fleet.worker_of()
    killed = time.monotonic()
    children = worker.kill()
    wait_until(lambda: page.recorded("bar")[-1] == "0", 12, "the second start of the job")
    print(f"{own_fleet.queue.kind}: worker killed → its job runs again, on the page: {time.monotonic() - killed:.2f} s")
    page.wait_for_text("paragraph_id", "Clicked 1 times", timeout=30)
    page.wait_enabled("button_id")
    assert page.notices() == []
    wait_until(lambda: not any(map(processes.is_alive, children)), 5, "exit of the worker's processes")


def test_an_interruption_of_redis_does_not_stop_the_page(own_fleet, open_page):
    page = open_page(f"{own_fleet.url}/progress/")
    run_progress(page)
    refused = own_fleet.queue.proxy.refused
    own_fleet.queue.proxy.refuse()
    wait_until(lambda: own_fleet.queue.proxy.refused >= refused + LOST, 20, "connections refused by Redis")
    own_fleet.queue.proxy.mend()
    page.wait_for_text("paragraph_id", "Clicked 1 times", timeout=30)
    page.wait_enabled("button_id")
    assert page.recorded("bar")[-1] == "5", "the last value is always shown"
    assert page.notices() == []
    page.console_errors()  # includes polls to a server without Redis


def test_a_start_without_redis_shows_a_notice_and_works_again_later(own_fleet, open_page):
    page = open_page(f"{own_fleet.url}/simple/")
    page.wait_for_text("paragraph_id", "Clicked 0 times")
    own_fleet.queue.proxy.refuse()
    page.click("button_id")
    wait_until(page.notices, 30, "a notice")
    assert "could not" in page.notices()[0]
    own_fleet.queue.proxy.mend()
    page.click("button_id")
    page.wait_for_text("paragraph_id", "Clicked 2 times", timeout=30)
    page.console_errors()


def test_a_worker_started_later_runs_waiting_jobs(own_fleet, open_page):
    for worker in own_fleet.workers:
        assert worker.stop() == 0
    page = open_page(f"{own_fleet.url}/simple/")
    wait_until(page.answered_requests, 20, "the response to the start of the waiting job")
    assert page.text("paragraph_id") == "Button not clicked"
    own_fleet.add_worker("late")
    page.wait_for_text("paragraph_id", "Clicked 0 times", timeout=30)


def test_a_server_with_a_queue_does_not_start_without_a_secret(redis_gallery):
    environment = {name: value for name, value in redis_gallery.environment.items() if name != "DASH_SECRET_KEY"}
    ended = subprocess.run([redis_gallery.servers[0].program, "--port", "0"], env=environment | {"PATH": "/usr/bin"},
                           capture_output=True, text=True, timeout=30)
    assert ended.returncode == 1
    assert "DASH_SECRET_KEY is not set" in ended.stderr and "openssl rand -hex 32" in ended.stderr


def test_replacing_all_parts_one_after_another_does_not_affect_the_page(own_fleet, open_page):
    page = open_page(f"{own_fleet.url}/progress/")
    run_progress(page)
    for server in own_fleet.servers:
        assert server.stop() == 0
        server.start()
    own_fleet.add_worker("new")
    for worker in own_fleet.workers[:2]:
        assert worker.stop() == 0, "its running job may finish"
    page.wait_for_text("paragraph_id", "Clicked 1 times")
    assert page.recorded("bar") == STEPS, "the job ran once"
    page.click("button_id")
    page.wait_for_text("paragraph_id", "Clicked 2 times", timeout=30)
    assert page.notices() == []
    page.console_errors()  # may include a poll to a server that was stopping


def test_a_release_in_the_documented_order_does_not_affect_the_page(own_fleet, open_page):
    """docs/deployment.md: new workers, SIGTERM to the old ones, then the web servers one after another."""
    page = open_page(f"{own_fleet.url}/progress/")
    run_progress(page)
    old = list(own_fleet.workers)
    for node in ("new1", "new2"):
        own_fleet.add_worker(node)
    for worker in old:
        worker.process.terminate()
    for server, proxy in zip(own_fleet.servers, own_fleet.proxies):
        assert server.stop() == 0
        server.start()
        asked = len(proxy.requests)
        wait_until(lambda: own_fleet.is_healthy() and len(proxy.requests) > asked, 20, "a request from nginx")
    assert [worker.stop() for worker in old] == [0, 0], "their running jobs may finish"
    page.wait_for_text("paragraph_id", "Clicked 1 times")
    assert page.recorded("bar") == STEPS, "the job ran once"
    page.click("button_id")
    page.wait_for_text("paragraph_id", "Clicked 2 times", timeout=30)
    assert page.notices() == []
    page.console_errors()  # may include a poll to a server that was stopping
