"""Jobs that trap, throw or do not stop: what their page shows, and the effect on other jobs."""

import time

import pytest

from support import processes
from support.client import Client
from support.page import Page
from support.waiting import wait_until


def test_a_job_that_traps_fails_soon_with_signal_function_and_location_F2(fault_app, open_page):
    page = open_page(f"{fault_app.url}/trap-in-job/")
    page.record("text", "return document.getElementById('text').textContent")
    clicked = page.script("const at = performance.now(); document.getElementById('run').click(); return at")
    text = page.wait_for_text_change("text", "nothing yet")
    took = page.recorded_times("text")[-1][0] - clicked
    assert "SIGILL" in text or "SIGTRAP" in text, text  # the same trap, on x86 and on Arm
    for part in ("elementPastTheEnd", "Traps.swift:"):
        assert part in text, text
    print(f"trap → shown: {took:.0f} ms (goal: 1,000 ms)")
    assert took < 5_000  # a tolerance for busy machines
    page.wait_enabled("run", timeout=1)


def test_other_jobs_in_flight_are_untouched_by_a_trap_F2(fault_app, open_page, second_browser):
    other = Page(second_browser, f"{fault_app.url}/own/")
    other.click("run")
    page = open_page(f"{fault_app.url}/trap-in-job/")
    page.click("run")
    page.wait_for_text_change("text", "nothing yet")
    assert other.wait_for_text_change("text", "nothing yet").startswith("1 ")


def test_the_next_job_after_a_trap_finds_a_worker(fault_app):
    trap, own = Client(f"{fault_app.url}/trap-in-job/"), Client(f"{fault_app.url}/own/")
    for _ in range(3):
        trap.run({"run.n_clicks": 1})
    started = time.monotonic()
    outcome = own.run({"run.n_clicks": 7})
    assert outcome.values["text.children"].startswith("7 ")
    assert time.monotonic() - started < 1.5


def test_a_job_that_ignores_cancel_is_killed_with_its_children_F3(fault_app, open_page):
    page = open_page(f"{fault_app.url}/stubborn/")
    page.click("run")
    notes = fault_app.folder / "stubborn"
    wait_until(lambda: notes.exists() and len(notes.read_text().split()) == 2, 10, "the job and its child")
    job, child = map(int, notes.read_text().split())
    wait_until(page.answered_requests, 5, "the job's handle in the page")
    page.click("stop")
    cancelled = time.monotonic()
    page.wait_enabled("run", timeout=1)
    wait_until(lambda: not processes.is_alive(job) and not processes.is_alive(child), 4, "exit of job and child")
    grace = 2
    assert time.monotonic() - cancelled < grace + 1
    assert page.text("text") == "nothing yet"


def test_a_job_that_throws_frees_the_page_and_shows_a_notice(fault_app, open_page):
    page = open_page(f"{fault_app.url}/throwing/")
    page.click("run")
    page.wait_disabled("run")
    page.wait_enabled("run")
    notice = wait_until(page.notices, 5, "a notice")[0]
    assert "paper" not in notice, "outside debug mode a notice has the error's number, not its text"
    assert page.text("text") == "nothing yet"
    page.console_errors()  # includes the failed request


def test_on_error_turns_a_failure_into_a_value(fault_app, open_page):
    page = open_page(f"{fault_app.url}/handled/")
    page.click("run")
    page.wait_for_text("text", "handled: the printer is out of paper")
    page.wait_enabled("run", timeout=1)
    assert page.notices() == []


@pytest.mark.parametrize("repeats", [3])
def test_a_trap_in_a_regular_callback_does_not_affect_running_jobs(own_server, open_page, second_browser, repeats):
    server = own_server("fault-app")
    page = open_page(f"{server.url}/retried/")
    page.click("run")
    page.wait_disabled("run")
    other = Page(second_browser, f"{server.url}/trap-in-server/")
    for _ in range(repeats):
        before = server.serving_pid()
        other.click("run")
        wait_until(lambda: server.serving_pid() not in (before, server.pid), 10, "another server process")
        server.wait_healthy()
    page.wait_for_text("text", "done 1", timeout=40)
    page.wait_enabled("run")
    page.console_errors()  # includes polls without a server
