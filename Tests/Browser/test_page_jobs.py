"""Jobs of pages that share ids or end with a visit."""

import pytest

from support.waiting import wait_until


@pytest.fixture
def visit(fault_app, open_page):
    return lambda path: open_page(f"{fault_app.url}/pages{path}")


def go_home(page):
    page.script("[...document.querySelectorAll('a')].find(a => a.textContent === 'home').click()")
    wait_until(lambda: page.text("_pages_content") == "home", 15, "home")


def row(kind, number):
    return f'{{"index":{number},"type":"{kind}"}}'


def bar(page):
    return int(page.script("return document.getElementById('bar').getAttribute('value')"))


def test_dash_2650_a_page_with_the_same_ids_does_not_show_another_pages_job(visit):
    page = visit("/shared/one")
    wait_until(lambda: page.text("name") == "one", 15, "the page")
    page.click("run")
    wait_until(lambda: bar(page) >= 1, 15, "the first step")
    page.follow("two", "name")
    wait_until(lambda: page.text("name") == "two", 15, "the other page")
    page.record("bar", "return document.getElementById('bar').getAttribute('value')")
    page.record("text", "return document.getElementById('text').textContent")
    # The app's layout continues to show the job.
    page.wait_for_text("everywhere", "one 8", timeout=30)
    before = page.answered_requests()
    page.follow("home", "_pages_content")
    wait_until(lambda: page.answered_requests() > before, 15, "another response")
    assert page.recorded("bar") == ["0"] and page.recorded("text") == ["nothing yet"]


def test_a_job_of_one_page_is_shown_again_after_another_with_the_same_ids(visit):
    page = visit("/shared/one")
    wait_until(lambda: page.text("name") == "one", 15, "the page")
    page.click("run")
    wait_until(lambda: bar(page) >= 1, 15, "the first step")
    page.follow("two", "name")
    wait_until(lambda: page.text("name") == "two", 15, "the other page")
    assert page.is_enabled("run") and not page.is_enabled("stop")
    page.follow("one", "name")
    wait_until(lambda: page.text("name") == "one", 15, "the page again")
    page.wait_disabled("run")
    page.wait_for_text("text", "done for one", timeout=30)
    page.wait_enabled("run")
    page.wait_disabled("stop")


def test_dash_2681_jobs_of_rows_continue_across_a_page_change(visit):
    page = visit("/rows")
    wait_until(lambda: page.element(row("run", 1)), 15, "the rows")
    for number in (1, 2):
        page.click(row("run", number))
        page.wait_disabled(row("run", number))
    go_home(page)
    page.follow("rows", row("run", 1))
    for number in (1, 2):
        page.wait_disabled(row("run", number))
    for number in (1, 2):
        page.wait_for_text(row("result", number), "done 1", timeout=30)
        page.wait_enabled(row("run", number))


def test_dash_2588_a_job_bound_to_its_visit_stops_immediately(visit, fault_app):
    notes = fault_app.folder / "leave"
    page = visit("/leave")
    wait_until(lambda: page.element("work"), 15, "the page")
    page.click("work")
    wait_until(lambda: notes.exists() and notes.read_text() == "begun\n", 15, "the running job")
    go_home(page)
    wait_until(lambda: notes.read_text() == "begun\nended\n", 15, "the completion of the job")
    page.follow("leave", "work")
    assert page.is_enabled("work") and page.text("left") == "none"
    assert page.notices() == []


def test_a_job_started_by_its_page_is_not_stopped_by_the_navigation_to_it(visit):
    page = visit("/")
    wait_until(lambda: page.text("_pages_content") == "home", 15, "home")
    for _ in range(3):
        page.follow("at once", "at-once")
        page.wait_for_text("at-once", "done by itself")
        go_home(page)


def test_a_late_response_is_not_written_to_another_page_with_the_same_ids(visit):
    page = visit("/slow/one")
    wait_until(lambda: page.text("slow-name") == "one", 15, "the page")
    page.click("slow-run")
    before = page.answered_requests()
    page.follow("slow two", "slow-name")
    wait_until(lambda: page.text("slow-name") == "two", 15, "the other page")
    page.record("slow", "return document.getElementById('slow').textContent")
    wait_until(lambda: page.answered_requests() >= before + 2, 15, "the late response")
    page.click("slow-run")
    page.wait_for_text("slow", "answered for two")
    assert page.recorded("slow") == ["none", "answered for two"]
