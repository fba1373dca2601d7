"""A cancel and a start that arrive in another order than the page sent them."""

import pytest

from support.waiting import wait_until


@pytest.fixture
def visit(fault_app, open_page, holding):
    return lambda path: open_page(f"{fault_app.url}/pages{path}")


# The request of an address change, and a delay after which a late start cannot be recognized by its time.
ADDRESS = "_pages_location.id"
LONG_AFTER = 1000


def test_a_navigation_request_that_arrives_after_the_job_started_does_not_stop_it(visit, holding):
    page = visit("/")
    wait_until(lambda: page.text("_pages_content") == "home", 15, "home")
    for time in range(2):
        holding.hold(ADDRESS, until="at-once.children")
        before = len(holding.statuses(ADDRESS))
        page.follow("at once", "at-once")
        page.wait_for_text("at-once", "done by itself", timeout=30)
        assert holding.statuses("at-once.children") == [200] * (time + 1)
        wait_until(lambda: len(holding.statuses(ADDRESS)) == before + 1, 15, "the response to the address change")
        page.follow("home", "_pages_content")
        wait_until(lambda: page.text("_pages_content") == "home", 15, "home")
    assert page.notices() == []


def test_a_start_that_arrives_after_its_page_was_left_does_not_run(visit, holding, fault_app):
    notes = fault_app.folder / "leave"
    before = notes.read_text() if notes.exists() else ""
    page = visit("/leave")
    wait_until(lambda: page.element("work"), 15, "the page")
    holding.hold("left.children", until=ADDRESS, pause=LONG_AFTER)
    page.click("work")
    page.wait_disabled("work")
    page.follow("home", "_pages_content")
    assert holding.wait_for_status("left.children") == 204
    page.follow("leave", "work")
    assert page.is_enabled("work") and page.text("left") == "none"
    assert (notes.read_text() if notes.exists() else "") == before
    assert page.notices() == []


def test_a_start_that_arrives_after_its_cancel_does_not_run(visit, holding):
    page = visit("/shared/one")
    wait_until(lambda: page.text("name") == "one", 15, "the page")
    stop = page.script("""return fetch('/pages/_dash-dependencies').then(answer => answer.json())
        .then(all => all.find(one => one.inputs[0]?.id === 'stop').output)""")
    holding.hold("text.children", until=stop, pause=LONG_AFTER)
    page.click("run")
    page.wait_enabled("stop")
    page.click("stop")
    assert holding.wait_for_status("text.children") == 204
    page.wait_enabled("run")
    page.wait_disabled("stop")
    # The next click starts the only job.
    page.click("run")
    page.wait_for_text("text", "done for one", timeout=30)
    assert holding.statuses("text.children") == [204, 200]
    assert page.notices() == []
