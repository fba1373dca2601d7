"""The caching page: the second round uses the cache."""

import pytest

from support.page import Page

pytestmark = pytest.mark.every_queue


def round_of_clicks(page):
    """The time from each of four clicks to its text, in milliseconds of the page's clock."""
    times = []
    for count in range(1, 5):
        page.wait_enabled("button_id")
        before = len(page.recorded_times("text"))
        clicked = page.script("const at = performance.now(); document.getElementById('button_id').click(); return at")
        page.wait_for_text("paragraph_id", f"Clicked {count} times")
        times.append(page.recorded_times("text")[before][0] - clicked)
    return times


def test_the_second_round_answers_from_the_cache(gallery, open_page):
    page = open_page(f"{gallery.url}/caching/")
    page.wait_for_text("paragraph_id", "Clicked 0 times")
    page.record("text", "return document.getElementById('paragraph_id').textContent")
    first = round_of_clicks(page)
    second = round_of_clicks(page)
    assert min(first) >= 2_000, first
    assert max(second) < 500, second
    page.wait_enabled("button_id")
    assert not page.is_enabled("cancel_button_id")


def test_another_browser_gets_the_shared_cached_result(gallery, second_browser, open_page):
    mine = open_page(f"{gallery.url}/caching/")
    mine.wait_for_text("paragraph_id", "Clicked 0 times")
    mine.wait_enabled("button_id")
    mine.click("button_id")
    mine.wait_for_text("paragraph_id", "Clicked 1 times")
    other = Page(second_browser, f"{gallery.url}/caching/")
    other.wait_for_text("paragraph_id", "Clicked 0 times", timeout=1)
    other.wait_enabled("button_id")
    other.click("button_id")
    other.wait_for_text("paragraph_id", "Clicked 1 times", timeout=1)
