"""Uploads, downloads, a store across reloads, the page's address, graph clicks."""

import pytest
from selenium.webdriver import ActionChains
from selenium.webdriver.common.actions.action_builder import ActionBuilder

from support.waiting import wait_until

CSV = "town,people,\"area, km²\"\r\nKöln,1087,405\r\n\"Aix \"\"la Chapelle\"\"\",,161\r\nBonn,336,141\r\n"
BARS = "const trace = document.querySelector('#chart .js-plotly-plot')?.data?.[0]; return trace && [trace.x, trace.y]"


@pytest.fixture
def page(gallery, open_page):
    page = open_page(f"{gallery.url}/upload/")
    page.wait_for_text("picked", "Click a bar.")
    return page


def give(page, folder, name, content):
    """Chooses a file in the browser's dialog."""
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    page.driver.find_element("css selector", "#drop input[type=file]").send_keys(str(path))


def wait_for_bars(page, x, y):
    wait_until(lambda: page.script(BARS) == [x, y], 20, lambda: f"the bars (found: {page.script(BARS)})")


TOWNS = ["Köln", 'Aix "la Chapelle"', "Bonn"]


def test_an_uploaded_file_becomes_a_chart_and_a_table(page, tmp_path):
    give(page, tmp_path, "towns.csv", CSV)
    page.wait_for_text("note", "towns.csv: 3 rows")
    wait_for_bars(page, TOWNS, [405, 161, 141])
    wait_until(lambda: "Köln" in page.text("grid"), 10, "the table")
    assert page.text("links") == "town people area, km² "


def test_the_address_selects_the_drawn_column(page, tmp_path):
    give(page, tmp_path, "towns.csv", CSV)
    wait_for_bars(page, TOWNS, [405, 161, 141])
    page.driver.find_element("link text", "people").click()
    wait_for_bars(page, TOWNS, [1087, None, 336])
    assert page.script("return location.search") == "?y=people"
    page.driver.find_element("link text", "area, km²").click()
    wait_for_bars(page, TOWNS, [405, 161, 141])
    page.driver.back()
    wait_for_bars(page, TOWNS, [1087, None, 336])


def test_stored_data_is_restored_after_a_reload(page, tmp_path):
    give(page, tmp_path, "towns.csv", CSV)
    wait_for_bars(page, TOWNS, [405, 161, 141])
    page.driver.refresh()
    wait_for_bars(page, TOWNS, [405, 161, 141])
    assert page.text("note") == ""


def test_stored_data_can_be_downloaded(page, tmp_path):
    folder = tmp_path / "saved"
    folder.mkdir()
    page.driver.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(folder)})
    page.click("save")  # nothing to save yet
    give(page, tmp_path, "towns.csv", CSV)
    wait_for_bars(page, TOWNS, [405, 161, 141])
    page.click("save")
    saved = folder / "table.csv"
    wait_until(lambda: saved.exists() and saved.stat().st_size, 20, "the download")
    assert saved.read_bytes().decode() == CSV
    assert [path.name for path in folder.iterdir()] == ["table.csv"]


def test_a_click_on_a_bar_reports_its_point(page, tmp_path):
    give(page, tmp_path, "towns.csv", CSV)
    wait_for_bars(page, TOWNS, [405, 161, 141])
    bar = wait_until(lambda: page.script("return document.querySelectorAll('#chart .bars .point path')[2]"), 10, "a bar")
    page.script("arguments[0].scrollIntoView()", bar)
    # The layer above the bars receives the pointer.
    place = page.script("""
        const box = arguments[0].getBoundingClientRect();
        return [box.x + box.width / 2, box.y + box.height / 2].map(Math.round)""", bar)
    actions = ActionBuilder(page.driver)
    actions.pointer_action.move_to_location(*place)
    actions.perform()
    wait_until(lambda: page.script("return document.querySelector('#chart .hovertext')"), 10, "the pointer on the bar")
    ActionChains(page.driver).click().perform()
    page.wait_for_text("picked", "Bonn: 141")


@pytest.mark.parametrize("name, content, sentence", [
    ("empty.csv", "", "The table is empty"),
    ("latin.csv", "gr\xf6\xdfe\n1\n".encode("latin-1"), "latin.csv is not valid UTF-8 text."),
    ("crooked.csv", "a,b\n1,2\n3,4,5\n", "Line 3 has 3 cells, but the table has 2 columns."),
    ("large.csv", "a\n" + "1\n" * 500_000, "more than the 1000000 bytes this callback accepts"),
])
def test_an_invalid_file_shows_a_message_and_keeps_the_chart(page, tmp_path, name, content, sentence):
    give(page, tmp_path, "towns.csv", CSV)
    page.wait_for_text("note", "towns.csv: 3 rows")
    give(page, tmp_path, name, content)
    wait_until(lambda: sentence in page.text("note"), 20, lambda: f"the sentence (found: {page.text('note')!r})")
    assert page.script(BARS) == [TOWNS, [405, 161, 141]]
