"""A multi-page app: addresses, titles, unknown pages, and a job while another page is shown."""

import urllib.request

import pytest
from selenium.webdriver.common.by import By

from support.server import Server
from support.waiting import wait_until


@pytest.fixture
def visit(gallery, open_page):
    """Opens a path of the app: `visit("/report")`."""
    return lambda path="/": open_page(f"{gallery.url}/pages{path}")


def address(page):
    return page.script("return location.pathname + location.search").removeprefix("/tools").removeprefix("/pages")


def follow(page, text):
    """Clicks the link with this text like a user: browsers exclude navigation by scripts from their history."""
    wait_until(lambda: page.script("return document.readyState") == "complete", 15, "the page loaded")
    page.driver.find_element(By.LINK_TEXT, text).click()


def wait_for(page, path, title, name=None):
    """Waits for the page at this address with its title and a component."""
    wait_until(lambda: address(page) == path and page.driver.title == title and (name is None or page.element(name)), 15,
               lambda: f"{path} with the title {title!r} (found: {address(page)} with {page.driver.title!r})")


def started(page):
    """Starts the report and waits until it runs."""
    wait_for(page, "/report", "A long report", "run")
    page.click("run")
    page.wait_disabled("run")
    page.wait_enabled("stop")
    wait_until(lambda: steps(page) >= 1, 15, "the first step")
    return page


def come_back(page):
    """Waits until the report's page is shown with its running job; meanwhile the title is "Updating..."."""
    wait_until(lambda: address(page) == "/report" and page.element("run"), 15, "the report's page")
    page.wait_disabled("run")
    page.wait_enabled("stop")


def steps(page):
    return int(page.script("return document.getElementById('bar')?.getAttribute('value') || 0"))


def test_links_change_pages_without_a_reload(visit):
    page = visit()
    wait_for(page, "/", "Pages", "home")
    page.script("window.isStillHere = true")
    follow(page, "Report")
    wait_for(page, "/report", "A long report", "run")
    follow(page, "Regions")
    wait_for(page, "/regions/north?unit=mi", "The north", "city")
    assert page.text("city") == "Aalborg, mi"
    follow(page, "south")
    wait_for(page, "/regions/south", "The south", "city")
    page.wait_for_text("city", "Cádiz, km")
    assert page.script("return window.isStillHere")


def test_back_and_forward_show_the_pages_of_their_addresses(visit):
    page = visit()
    wait_for(page, "/", "Pages", "home")
    follow(page, "Regions")
    wait_for(page, "/regions/north?unit=mi", "The north", "city")
    follow(page, "Report")
    wait_for(page, "/report", "A long report", "run")
    page.script("history.back()")
    wait_for(page, "/regions/north?unit=mi", "The north", "city")
    page.script("history.back()")
    wait_for(page, "/", "Pages", "home")
    page.script("history.forward()")
    wait_for(page, "/regions/north?unit=mi", "The north", "city")
    page.wait_for_text("city", "Aalborg, mi")


def test_an_address_opens_its_page_with_title_and_query(visit):
    page = visit("/regions/south?unit=leagues")
    wait_for(page, "/regions/south?unit=leagues", "The south", "city")
    assert page.text("city") == "Cádiz, leagues"
    page.driver.refresh()
    wait_for(page, "/regions/south?unit=leagues", "The south", "city")


def test_an_unknown_address_shows_the_not_found_page_with_the_menu(visit):
    page = visit("/elsewhere")
    wait_for(page, "/elsewhere", "Not found", "missing")
    assert page.text("missing") == "There is nothing at /elsewhere."
    follow(page, "Home")
    wait_for(page, "/", "Pages", "home")
    page = visit("/regions/west")
    wait_for(page, "/regions/west", "Not found", "missing")


def test_an_old_address_redirects_to_the_new_one(visit):
    wait_for(visit("/old-report?x=1"), "/report?x=1", "A long report", "run")


def test_the_index_of_a_page_has_its_own_title_and_tags(gallery):
    with urllib.request.urlopen(f"{gallery.url}/pages/regions/south") as answer:
        text = answer.read().decode()
    assert "<title>The south</title>" in text
    assert 'property="og:title" content="The south"' in text


@pytest.mark.every_queue
def test_dash_2680_a_job_continues_while_another_page_is_shown_and_its_page_shows_it_again(visit):
    page = started(visit("/report"))
    follow(page, "Regions")
    wait_for(page, "/regions/north?unit=mi", "The north", "city")
    before = page.answered_requests()
    wait_until(lambda: page.answered_requests() > before, 15, "progress of the hidden page")
    assert page.text("city") == "Aalborg, mi"
    follow(page, "Report")
    come_back(page)
    assert steps(page) >= 1
    page.wait_for_text("result", "The report is done", timeout=30)
    page.wait_enabled("run")
    page.wait_disabled("stop")
    wait_until(lambda: steps(page) == 0, 15, "the bar at its start")
    assert page.notices() == []


def test_dash_2650_a_job_that_completes_does_not_change_the_shown_page(visit):
    page = started(visit("/report"))
    follow(page, "Home")
    wait_for(page, "/", "Pages", "home")
    page.script("window.__jobs = 0; const fetched = window.fetch; window.fetch = async (...a) => {"
                "const answer = await fetched(...a);"
                "if (String(a[0]).includes('job=') && (await answer.clone().json()).response) window.__jobs += 1;"
                "return answer }")
    wait_until(lambda: page.script("return window.__jobs") == 1, 30, "the completion of the job")
    follow(page, "Regions")
    wait_for(page, "/regions/north?unit=mi", "The north", "city")
    page.script("history.back()")
    wait_for(page, "/", "Pages", "home")
    follow(page, "Report")
    wait_for(page, "/report", "A long report", "run")
    assert page.text("result") == "Nothing yet"
    assert page.is_enabled("run") and not page.is_enabled("stop")
    started(page)


@pytest.mark.every_queue
def test_dash_2588_a_job_can_be_cancelled_after_returning_to_its_page(visit):
    page = started(visit("/report"))
    follow(page, "Home")
    wait_for(page, "/", "Pages", "home")
    page.script("history.back()")
    come_back(page)
    page.click("stop")
    page.wait_enabled("run")
    wait_until(lambda: steps(page) == 0, 15, "the bar at its start")
    assert page.text("result") == "Nothing yet"


def test_the_job_of_a_page_that_was_left_is_replaced_by_the_next(visit):
    page = started(visit("/report"))
    for _ in range(3):
        follow(page, "Home")
        wait_for(page, "/", "Pages", "home")
        follow(page, "Report")
        come_back(page)
    page.click("stop")
    page.wait_enabled("run")
    started(page)
    page.wait_for_text("result", "The report is done", timeout=30)
    page.wait_enabled("run")


def test_a_page_reloaded_during_its_job_works(visit):
    page = started(visit("/report"))
    page.driver.refresh()
    wait_for(page, "/report", "A long report", "run")
    assert page.is_enabled("run") and page.text("result") == "Nothing yet"
    started(page)
    page.wait_for_text("result", "The report is done", timeout=30)


def test_behind_a_proxys_prefix_and_with_developer_tools_a_job_in_the_background_causes_no_errors(tmp_path, open_page):
    server = Server("gallery", tmp_path, ["--path-prefix", "/tools/", "--debug"]).start()
    try:
        page = open_page(f"{server.url}/tools/pages/old-report")
        page.script("window.isStillHere = true")
        started(page)
        follow(page, "Regions")
        wait_for(page, "/regions/north?unit=mi", "The north", "city")
        follow(page, "south")
        wait_for(page, "/regions/south", "The south", "city")
        assert page.script("return location.pathname") == "/tools/pages/regions/south"
        page.script("history.back()")
        page.script("history.back()")
        come_back(page)
        page.wait_for_text("result", "The report is done", timeout=30)
        page.wait_enabled("run")
        assert page.script("return window.isStillHere")
        assert page.script("return document.querySelectorAll('.dash-error-card').length") == 0
    finally:
        server.stop()
