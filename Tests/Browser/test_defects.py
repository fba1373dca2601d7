"""Defects of stock Dash that live in its renderer, and what our server sends so that they do not happen.

Numbers are those of the list in the protocol's description; the others are tested where no browser is needed.
"""

import time

import pytest

from support.proxy import Proxy
from support.waiting import wait_until

DOTTED = '{"file":"a.b","größe":"ü.漢"}'
FIELD = '{"feld":"eingabe.ä"}'


@pytest.fixture
def page(fault_app, open_page):
    return open_page(f"{fault_app.url}/defects/")


@pytest.fixture
def debug_page(own_server, open_page):
    """The same page as developers see it: the renderer checks the callbacks, and an error in one stops all."""
    server = own_server("fault-app", arguments=["--debug"])
    return open_page(f"{server.url}/defects/")


def test_ids_with_dots_and_signs_of_all_languages_show_the_page_and_are_triggered_defects_14_and_15(page):
    page.element(FIELD).send_keys("x")
    page.wait_for_text(DOTTED, "x x")


def test_two_cancel_inputs_on_one_component_leave_the_page_alive_defect_12(debug_page):
    debug_page.click("start")
    debug_page.wait_disabled("start")
    wait_until(debug_page.answered_requests, 10, "the job's handle in the page")
    debug_page.click("stop")
    debug_page.wait_enabled("start", timeout=10)
    assert debug_page.text("out") == "nothing yet"
    assert debug_page.script("return document.querySelectorAll('.dash-error-card').length") == 0


def test_jobs_without_outputs_run_both_and_undo_their_running_defects_7_and_13(page):
    page.click("both")
    page.wait_disabled("both")
    page.click("other")  # a callback without outputs, in the middle of theirs
    page.wait_for_text("first", "writer 0 1")
    page.wait_for_text("second", "writer 1 1")
    page.wait_enabled("both")


def test_a_lost_connection_leaves_nothing_running_for_ever_defect_8(gallery, open_page):
    proxy = Proxy(gallery.port)
    page = open_page(f"{proxy.url}/running/")
    page.click("button_id")
    page.wait_disabled("button_id")
    proxy.refuse()
    time.sleep(1)  # several polls fail
    assert not page.is_enabled("button_id"), "the job goes on"
    proxy.mend()
    page.wait_for_text("paragraph_id", "Clicked 1 times", timeout=30)
    page.wait_enabled("button_id")
    page.console_errors()  # the lost requests are some
    proxy.close()


def test_an_answer_that_is_no_json_is_asked_for_again_defect_9(gallery, open_page):
    page = open_page(f"{gallery.url}/progress/")
    # Once, in place of the answer to the second poll, what a proxy's own page would be.
    page.script("""
        const reader = ReadableStreamDefaultReader.prototype, read = reader.read;
        let answers = 0;
        window.__spoiled = 0;
        reader.read = async function () {
            const chunk = await read.apply(this, arguments);
            if (!chunk.done && ++answers === 2) {
                window.__spoiled += 1;
                return {done: false, value: new TextEncoder().encode('<html>')};
            }
            return chunk;
        };""")
    page.click("button_id")
    page.wait_for_text("paragraph_id", "Clicked 1 times", timeout=30)
    page.wait_enabled("button_id")
    assert page.script("return window.__spoiled") == 1


def test_a_dead_workers_job_ends_on_the_page_defect_6(fault_app, open_page):
    page = open_page(f"{fault_app.url}/trap-in-job/")
    page.click("run")
    page.wait_for_text_change("text", "nothing yet")
    page.wait_enabled("run")
