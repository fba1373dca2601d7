"""A job started twice in quick succession: `running`, `progressDefault`, cancel buttons and rows follow the second."""

import pytest

from support.waiting import wait_until

GAPS = [0, 5, 10, 20, 30, 50, 80, 120, 300]
# Runs in the page, for exact gaps: a component's id, its first click count and the gap in milliseconds.
START_TWICE = """for (const [id, first, gap] of arguments[0]) {
    const click = count => window.dash_clientside.set_props(id, {n_clicks: count});
    setTimeout(() => { click(first); setTimeout(() => click(first + 1), gap); }, 0);
}"""
DISABLED = "return document.getElementById('{}').disabled"
# The state at one time: whether the start button is disabled, whether the cancel button is enabled, and the progress.
STATE = """const [run, stop, bar] = ['{}', '{}', '{}'].map(id => document.getElementById(id));
    return [run.disabled, !stop.disabled, Number(bar.getAttribute('value'))];"""


def name(kind, row):
    return f'{{"index":{row},"type":"{kind}"}}'


def start_twice(page, *starts):
    page.script(START_TWICE, starts)


def assert_follows_the_job(states, last, rest):
    """Asserts that from start to last step the buttons are in the running state, and the bar is not reset. A slow page
    may skip steps."""
    assert states[0] == [False, False, 0] and states[-1] == [False, False, rest], states
    end = next(place for place, (_, _, bar) in enumerate(states) if bar == last)
    assert end > 1 and all(run and stop for run, stop, _ in states[1:end]), states
    steps = [bar for _, _, bar in states[1:end + 1]]
    assert 0 not in steps[steps.count(0):] and steps[:steps.count(0)] == [0] * steps.count(0), states


@pytest.fixture(params=["in order", "swapped"])
def swap(request, holding):
    """Leaves the responses in order, or makes the first arrive after the second."""
    return lambda output: holding.swap_answers(output) if request.param == "swapped" else None


@pytest.mark.every_queue
@pytest.mark.parametrize("gaps", [GAPS[:3], GAPS[3:6], GAPS[6:]], ids=str)
def test_a_row_started_twice_shows_its_second_job_and_no_other_row_changes(gallery, swap, open_page, gaps):
    page = open_page(f"{gallery.url}/patterns/")
    page.wait_for_text("total", "0 rows, 0 done")
    rows, once = range(1, len(gaps) + 1), len(gaps) + 1
    for count in [*rows, once]:
        page.click("add")
        page.wait_for_text("total", f"{count} rows, 0 done")
        page.record(f"row {count}", STATE.format(*(name(kind, count) for kind in ("run", "stop", "bar"))))
    page.click(name("run", once))
    page.wait_enabled(name("stop", once))
    swap("result")
    start_twice(page, *([{"index": row, "type": "run"}, 1, gap] for row, gap in zip(rows, gaps)))
    for row in [*rows, once]:
        page.wait_for_text(name("result", row), "Done 1 times" if row == once else "Done 2 times", timeout=30)
        page.wait_enabled(name("run", row))
        assert_follows_the_job(page.recorded(f"row {row}"), last=5, rest=0)
    page.wait_for_text("total", f"{once} rows, {once} done")
    assert page.notices() == []


@pytest.mark.every_queue
def test_the_cancel_button_of_a_job_started_twice_cancels_the_second(gallery, holding, swap, open_page):
    page = open_page(f"{gallery.url}/progress/")
    page.record("run", DISABLED.format("button_id"))
    page.record("stop", DISABLED.format("cancel_button_id"))
    page.record("text", "return document.getElementById('paragraph_id').textContent")
    swap("paragraph_id.children")
    clicks = 0
    for gap in GAPS:
        start_twice(page, ["button_id", clicks + 1, gap])
        clicks += 2
        wait_until(lambda: len(holding.statuses("paragraph_id.children")) == clicks, 15, "both responses")
        assert page.is_enabled("cancel_button_id") and not page.is_enabled("button_id"), f"{gap} ms"
        page.click("cancel_button_id")
        page.wait_enabled("button_id")
        page.wait_disabled("cancel_button_id")
    holding.swap_no_more()
    page.click("button_id")
    page.wait_for_text("paragraph_id", f"Clicked {clicks + 1} times", timeout=30)
    page.wait_enabled("button_id")
    assert page.recorded("text") == ["Button not clicked", f"Clicked {clicks + 1} times"]
    assert page.recorded("run") == [False] + [True, False] * (len(GAPS) + 1)
    assert page.recorded("stop") == [True] + [False, True] * (len(GAPS) + 1)
    assert page.notices() == []


@pytest.mark.parametrize("gap", [0, 30, 120])
def test_a_job_of_a_multi_page_app_is_started_twice(fault_app, swap, open_page, gap):
    page = open_page(f"{fault_app.url}/pages/shared/one")
    wait_until(lambda: page.text("name") == "one", 15, "the page")
    page.record("states", STATE.format("run", "stop", "bar"))
    swap("text.children")
    start_twice(page, ["run", 1, gap])
    page.wait_for_text("text", "done for one", timeout=30)
    page.wait_enabled("run")
    assert_follows_the_job(page.recorded("states"), last=8, rest=8)
    assert page.notices() == []
