"""The grid that fills while one watches."""

import time

import pytest

from support.waiting import wait_until

pytestmark = pytest.mark.every_queue

# The grid's own line below the rows: "1 to 100 of 200".
TOTAL = "return document.querySelector('#ag-grid-updating .ag-paging-row-summary-panel')?.textContent.match(/of ([0-9,]+)/)?.[1] ?? '0'"


def test_the_grid_grows_to_200_rows_and_cancel_stops_it(gallery, open_page):
    page = open_page(f"{gallery.url}/set-props/")
    wait_until(lambda: page.script("return !!document.querySelector('#ag-grid-updating .ag-root')"), 20, "the grid")
    page.record("rows", TOTAL)
    page.click("button_id")
    page.wait_enabled("cancel_button_id")
    wait_until(lambda: "200" in page.recorded("rows"), 10, "200 rows")
    page.click("cancel_button_id")
    page.wait_enabled("button_id", timeout=1)
    page.wait_disabled("cancel_button_id", timeout=1)
    time.sleep(3)  # the next hundred would be there by now
    assert page.recorded("rows")[-2:] == ["100", "200"]
    columns = page.script("return [...document.querySelectorAll('#ag-grid-updating .ag-header-cell-text')].map(c => c.textContent)")
    assert len(columns) == 6
