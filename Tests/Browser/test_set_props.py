"""The grid that fills while a job runs."""

import pytest

from support.client import run_later_job
from support.waiting import wait_until

pytestmark = pytest.mark.every_queue

# The grid's summary below the rows: "1 to 100 of 200".
TOTAL = "return document.querySelector('#ag-grid-updating .ag-paging-row-summary-panel')?.textContent.match(/of ([0-9,]+)/)?.[1] ?? '0'"
# Runs in the page, since a click from the test may come much later.
CANCEL_AT_200 = """const total = new Function(arguments[0]);
new MutationObserver((_, observer) => {
  if (total() !== '200') return;
  observer.disconnect();
  document.getElementById('cancel_button_id').click();
}).observe(document.documentElement, {subtree: true, childList: true, characterData: true, attributes: true});"""


def test_the_grid_grows_to_200_rows_and_cancel_stops_it(gallery, open_page):
    page = open_page(f"{gallery.url}/set-props/")
    wait_until(lambda: page.script("return !!document.querySelector('#ag-grid-updating .ag-root')"), 20, "the grid")
    page.record("rows", TOTAL)
    page.script(CANCEL_AT_200, TOTAL)
    page.click("button_id")
    wait_until(lambda: "200" in page.recorded("rows"), 30, "200 rows")
    page.wait_enabled("button_id")
    page.wait_disabled("cancel_button_id")
    rows = page.recorded("rows")
    assert "1,704" not in rows, "the job was cancelled before its completion"
    run_later_job(gallery)
    assert page.recorded("rows") == rows
    columns = page.script("return [...document.querySelectorAll('#ag-grid-updating .ag-header-cell-text')].map(c => c.textContent)")
    assert len(columns) == 6
