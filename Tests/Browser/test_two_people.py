"""Two browsers with equal inputs at the same time; each gets its own result."""

import threading

from support.client import Client
from support.page import Page


def test_two_browsers_with_equal_inputs_get_their_own_results_F22(fault_app, open_page, second_browser):
    mine = open_page(f"{fault_app.url}/own/")
    other = Page(second_browser, f"{fault_app.url}/own/")
    notes = fault_app.folder / "own"
    before = notes.read_text().split() if notes.exists() else []
    mine.click("run")
    other.click("run")
    texts = [page.wait_for_text_change("text", "nothing yet") for page in (mine, other)]
    assert [text.split()[0] for text in texts] == ["1", "1"]
    tokens = [text.split()[1] for text in texts]
    assert tokens[0] != tokens[1]
    made = notes.read_text().split()[len(before):]
    assert sorted(made) == sorted(tokens), "one job each"


def test_16_clients_with_100_empty_jobs_each_get_their_own_1600_results(gallery):
    results = [[] for _ in range(16)]

    def start_jobs(number):
        client = Client(f"{gallery.url}/empty/")
        for job in range(100):
            outcome = client.run({"button_id.n_clicks": number * 1000 + job})
            results[number].append((outcome.status, outcome.values.get("paragraph_id.children")))

    threads = [threading.Thread(target=start_jobs, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in range(16):
        assert results[number] == [(200, f"Clicked {number * 1000 + job} times") for job in range(100)]
