"""Rows with pattern ids, a patched figure, clientside callbacks."""

import pytest

from support.waiting import wait_until


@pytest.fixture
def rows(gallery, open_page):
    """Three rows."""
    page = open_page(f"{gallery.url}/patterns/")
    page.wait_for_text("total", "0 rows, 0 done")
    for count in range(1, 4):
        page.click("add")
        page.wait_for_text("total", f"{count} rows, 0 done")
    return page


def name(kind, row):
    return f'{{"index":{row},"type":"{kind}"}}'


def test_jobs_of_rows_run_concurrently_with_their_own_progress(rows):
    for row in (1, 2, 3):
        rows.record(name("bar", row), f"return document.getElementById('{name('bar', row)}').getAttribute('value')")
    for row in (1, 2, 3):
        rows.click(name("run", row))
    rows.wait_disabled(name("run", 3))
    assert [rows.is_enabled(name("run", row)) for row in (1, 2)] == [False, False]
    for row in (1, 2, 3):
        rows.wait_for_text(name("result", row), "Done 1 times")
        rows.wait_enabled(name("run", row))
        assert rows.recorded(name("bar", row))[-6:] == ["1", "2", "3", "4", "5", "0"]
    rows.wait_for_text("total", "3 rows, 3 done")


def test_the_cancel_button_of_a_row_cancels_its_own_job(rows):
    rows.click(name("run", 1))
    rows.click(name("run", 2))
    rows.wait_enabled(name("stop", 1))
    rows.click(name("stop", 1))
    rows.wait_enabled(name("run", 1), timeout=1.5)
    assert not rows.is_enabled(name("run", 2))
    rows.wait_for_text(name("result", 2), "Done 1 times")
    assert rows.text(name("result", 1)) == "Row 1"


def test_a_patch_changes_the_figure_in_the_page(gallery, open_page):
    page = open_page(f"{gallery.url}/patch/")
    points = "return document.querySelector('#chart .js-plotly-plot')?.data?.[0].y"
    wait_until(lambda: page.script(points) == [1, 3, 2], 20, "the figure")
    page.click("add")
    wait_until(lambda: page.script(points) == [1, 3, 2, 2], 10, "one more point")
    assert page.script("return document.querySelector('#chart .js-plotly-plot').layout.title.text") == "4 points"


def test_a_clientside_callback_triggers_one_on_the_server(gallery, open_page):
    page = open_page(f"{gallery.url}/clientside/")
    page.wait_for_text("loud", "DASH!")
    page.wait_for_text("count", "5 characters")
    page.element("text").send_keys("es")
    page.wait_for_text("loud", "DASHES!")
    page.wait_for_text("count", "7 characters")
