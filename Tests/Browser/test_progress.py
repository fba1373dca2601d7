"""The page shows every progress step of a job."""

import pytest

pytestmark = pytest.mark.every_queue


def test_every_progress_value_is_shown_in_order(gallery, open_page):
    page = open_page(f"{gallery.url}/progress/")
    assert page.text("paragraph_id") == "Button not clicked", "no initial call"
    page.record("bar", """
        const bar = document.getElementById('progress_bar');
        return [bar.getAttribute('value'), bar.getAttribute('max')];""")
    page.record("visible", """
        return ['paragraph_id', 'progress_bar'].map(id => getComputedStyle(document.getElementById(id)).visibility);""")
    page.click("button_id")
    page.wait_disabled("button_id")
    page.wait_for_text("paragraph_id", "Clicked 1 times")
    page.wait_enabled("button_id")
    assert page.recorded("bar") == [["0", None]] + [[str(step), "5"] for step in range(6)]
    assert page.recorded("visible")[-2:] == [["hidden", "visible"], ["visible", "hidden"]]
    assert not page.is_enabled("cancel_button_id")


def test_cancel_stops_the_progress_and_shows_the_text_again(gallery, open_page):
    page = open_page(f"{gallery.url}/progress/")
    page.record("bar", "return document.getElementById('progress_bar').getAttribute('value')")
    page.click("button_id")
    page.wait_enabled("cancel_button_id")
    page.click("cancel_button_id")
    page.wait_enabled("button_id", timeout=1)
    assert (page.visibility("paragraph_id"), page.visibility("progress_bar")) == ("visible", "hidden")
    page.click("button_id")
    page.wait_for_text("paragraph_id", "Clicked 2 times")
    assert page.recorded("bar")[-5:] == ["1", "2", "3", "4", "5"]


def test_all_ten_bar_values_are_shown_in_order(gallery, open_page):
    page = open_page(f"{gallery.url}/progress-graph/")
    page.wait_for_text("paragraph_id", "Clicked 0 times")
    page.wait_enabled("button_id")
    page.record("bar", "return document.querySelector('#progress_bar_graph .js-plotly-plot').data[0].x[0]",
                "#progress_bar_graph .js-plotly-plot")
    page.click("button_id")
    page.wait_for_text("paragraph_id", "Clicked 1 times")
    assert page.recorded("bar")[:10] == list(range(10))
    assert page.recorded("bar")[10:] in ([], [0]), "progressDefault is restored at the end"
    assert (page.visibility("paragraph_id"), page.visibility("progress_bar_graph")) == ("visible", "hidden")
