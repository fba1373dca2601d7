"""The basic job pages of the gallery, from Dash's documentation."""

import pytest

from support.client import run_later_job
from support.waiting import wait_until

pytestmark = pytest.mark.every_queue


@pytest.mark.parametrize("app", ["simple", "running", "cancel"])
def test_a_job_runs_at_load_and_at_each_click(gallery, open_page, app):
    page = open_page(f"{gallery.url}/{app}/")
    page.wait_for_text("paragraph_id", "Clicked 0 times")
    page.click("button_id")
    page.wait_for_text("paragraph_id", "Clicked 1 times")
    page.wait_enabled("button_id", timeout=1)


def test_the_result_comes_two_seconds_after_the_click(gallery, open_page):
    page = open_page(f"{gallery.url}/simple/")
    page.wait_for_text("paragraph_id", "Clicked 0 times")
    page.record("text", "return document.getElementById('paragraph_id').textContent")
    clicked = page.script("const at = performance.now(); document.getElementById('button_id').click(); return at")
    page.wait_for_text("paragraph_id", "Clicked 1 times")
    took = page.recorded_times("text")[-1][0] - clicked
    assert 2_000 <= took < 2_600


def test_the_button_is_disabled_while_the_job_runs(gallery, open_page):
    page = open_page(f"{gallery.url}/running/")
    page.wait_for_text("paragraph_id", "Clicked 0 times")
    page.record("disabled", "return document.getElementById('button_id').disabled")
    page.click("button_id")
    page.wait_for_text("paragraph_id", "Clicked 1 times")
    page.wait_enabled("button_id")
    assert page.recorded("disabled") == [False, True, False]


def test_cancel_frees_the_button_and_the_cancelled_job_writes_nothing(gallery, open_page):
    page = open_page(f"{gallery.url}/cancel/")
    page.wait_for_text("paragraph_id", "Clicked 0 times")
    page.record("text", "return document.getElementById('paragraph_id').textContent")
    page.click("button_id")
    page.wait_enabled("cancel_button_id")
    page.click("cancel_button_id")
    page.wait_enabled("button_id", timeout=1)
    page.wait_disabled("cancel_button_id", timeout=1)
    run_later_job(gallery)
    page.click("button_id")
    page.wait_for_text("paragraph_id", "Clicked 2 times")
    assert page.recorded("text") == ["Clicked 0 times", "Clicked 2 times"]


def test_the_cancel_button_of_the_initial_job_works(gallery, open_page):
    page = open_page(f"{gallery.url}/cancel/")
    page.wait_enabled("cancel_button_id")
    page.click("cancel_button_id")
    page.wait_enabled("button_id", timeout=1)
    assert page.text("paragraph_id") == "Button not clicked"


def test_a_cancel_clicked_before_the_page_has_the_handle_stops_the_job(gallery, open_page):
    page = open_page(f"{gallery.url}/cancel/")
    page.wait_for_text("paragraph_id", "Clicked 0 times")
    page.wait_enabled("button_id")
    page.record("disabled", "return document.getElementById('button_id').disabled")
    page.script("""
        const [run, stop] = ['button_id', 'cancel_button_id'].map(id => document.getElementById(id));
        new MutationObserver((_, observer) => { if (!stop.disabled) { observer.disconnect(); stop.click(); } })
          .observe(stop, {attributes: true});
        run.click();""")
    # Uses the page's own record: the button may be free again before a check from outside.
    wait_until(lambda: page.recorded("disabled") == [False, True, False], 5, "a button that was disabled and is free")
    page.record("text", "return document.getElementById('paragraph_id').textContent")
    run_later_job(gallery)
    page.click("button_id")
    page.wait_for_text("paragraph_id", "Clicked 2 times")
    assert page.recorded("text") == ["Clicked 0 times", "Clicked 2 times"]


def test_an_empty_job_and_a_regular_callback_respond(gallery, open_page):
    page = open_page(f"{gallery.url}/empty/")
    assert page.text("paragraph_id") == "Button not clicked"
    for count in (1, 2, 3):
        page.click("button_id")
        page.wait_for_text("paragraph_id", f"Clicked {count} times")
    page = open_page(f"{gallery.url}/echo/")
    page.element("input_id").send_keys("hé <b>&")
    page.wait_for_text("output_id", "You said hé <b>&")


def test_a_job_that_fails_shows_the_result_of_its_on_error(gallery, open_page):
    page = open_page(f"{gallery.url}/failing/")
    page.click("button_id")
    wait_until(lambda: page.text("paragraph_id").startswith("The job failed: the disk was full at click 1, "),
               10, "what onError says")
    assert page.notices() == []
