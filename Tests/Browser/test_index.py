"""The gallery's index page."""

import html
from pathlib import Path

import requests
from selenium.webdriver.common.by import By

from support.server import ROOT

APPS = ["simple", "running", "cancel", "progress", "progress-graph", "caching", "set-props", "failing", "patterns",
        "patch", "clientside", "upload", "pages", "empty", "echo"]


def test_the_index_shows_a_card_for_each_app_and_its_links_work(gallery, shared_browser):
    shared_browser.get(gallery.url)
    cards = shared_browser.find_elements(By.TAG_NAME, "article")
    assert [card.get_attribute("id") for card in cards] == APPS
    for name in APPS:
        link = shared_browser.find_element(By.CSS_SELECTOR, f"#{name} h2 a").get_attribute("href")
        assert requests.get(link).status_code == 200, link
    assert [entry for entry in shared_browser.get_log("browser") if entry["level"] == "SEVERE"] == []


def test_the_index_shows_each_apps_own_source(gallery):
    page = requests.get(gallery.url).text
    files = sorted(Path(ROOT, "Examples/gallery/Apps").glob("*.swift"))
    assert len(files) == len(APPS)
    for file in files:
        assert html.escape(file.read_text().rstrip("\n")).replace("&#x27;", "&#39;") in page, file.name
