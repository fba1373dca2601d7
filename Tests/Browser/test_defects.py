"""Defects of stock Dash in its renderer, which this server's responses avoid.

Numbers refer to docs/protocol.md, Defects of Dash 4.4.1; the others have tests without a browser.
"""

import pytest

from support import processes
from support.client import Client
from support.proxy import Proxy
from support.waiting import wait_until

DOTTED = '{"file":"a.b","größe":"ü.漢"}'
FIELD = '{"feld":"eingabe.ä"}'


@pytest.fixture
def page(fault_app, open_page):
    return open_page(f"{fault_app.url}/defects/")


@pytest.fixture
def debug_page(own_server, open_page):
    """The same page in debug mode: the renderer validates the callbacks, and an error in one stops all."""
    server = own_server("fault-app", arguments=["--debug"])
    return open_page(f"{server.url}/defects/")


def test_ids_with_dots_and_unicode_characters_work_defects_14_and_15(page):
    page.element(FIELD).send_keys("x")
    page.wait_for_text(DOTTED, "x x")


def test_two_cancel_inputs_on_one_component_do_not_break_the_page_defect_12(debug_page):
    debug_page.click("start")
    debug_page.wait_disabled("start")
    wait_until(debug_page.answered_requests, 10, "the job's handle in the page")
    debug_page.click("stop")
    debug_page.wait_enabled("start", timeout=10)
    assert debug_page.text("out") == "nothing yet"
    assert debug_page.script("return document.querySelectorAll('.dash-error-card').length") == 0


def test_two_jobs_without_outputs_run_and_reset_their_running_values_defects_7_and_13(page):
    page.click("both")
    page.wait_disabled("both")
    page.click("other")  # a callback without outputs, while they run
    page.wait_for_text("first", "writer 0 1")
    page.wait_for_text("second", "writer 1 1")
    page.wait_enabled("both")


@pytest.fixture
def lossy(gallery, open_page):
    """The page of a job of several seconds, behind a proxy that can drop connections."""
    proxy = Proxy(gallery.port)
    page = open_page(f"{proxy.url}/progress/")
    yield page, proxy
    page.console_errors()  # includes lost requests
    proxy.close()


def test_lost_polls_do_not_leave_running_values_set_defect_8(lossy):
    page, proxy = lossy
    page.click("button_id")
    wait_until(page.answered_requests, 10, "the job's handle in the page")
    proxy.refuse()
    wait_until(lambda: proxy.refused >= 3, 10, "failed polls")
    assert not page.is_enabled("button_id"), "the job continues"
    proxy.mend()
    page.wait_for_text("paragraph_id", "Clicked 1 times", timeout=30)
    page.wait_enabled("button_id")


def test_a_lost_start_does_not_leave_running_values_set_defect_8(lossy):
    page, proxy = lossy
    proxy.refuse()
    page.click("button_id")
    assert "could not be reached" in wait_until(page.notices, 10, "a notice")[0]
    page.wait_enabled("button_id")
    assert page.text("paragraph_id") == "Button not clicked"
    proxy.mend()
    page.click("button_id")
    page.wait_for_text("paragraph_id", "Clicked 2 times")


def test_a_response_that_is_not_json_is_requested_again_defect_9(gallery, open_page):
    page = open_page(f"{gallery.url}/progress/")
    # Replaces the response to the second poll once, as a proxy's error page would.
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


def test_the_job_of_a_dead_worker_fails_on_the_page_defect_6(fault_app, open_page):
    page = open_page(f"{fault_app.url}/trap-in-job/")
    page.click("run")
    page.wait_for_text_change("text", "nothing yet")
    page.wait_enabled("run")


def test_workers_do_not_inherit_the_servers_socket_defect_21(fault_app):
    client = Client(f"{fault_app.url}/long/")
    client.post(client.body({"run.n_clicks": 1}))
    server = fault_app.serving_pid()
    workers = wait_until(lambda: processes.children(server), 10, "workers")
    assert fault_app.listens(server)
    assert not any(fault_app.listens(pid) for worker in workers for pid in processes.tree(worker))
