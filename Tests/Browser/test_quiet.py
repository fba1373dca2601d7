"""An idle page causes no requests and no load."""

import time

from support import processes
from support.proxy import Proxy
from support.waiting import wait_until

# The length of the measurement, in real time.
SECONDS = 20
SILENCE = 2  # seconds without a request after which the page counts as loaded


def wait_for_silence(proxy):
    last = [len(proxy.requests), time.monotonic()]

    def is_silent():
        if len(proxy.requests) != last[0]:
            last[:] = [len(proxy.requests), time.monotonic()]
        return time.monotonic() - last[1] >= SILENCE

    wait_until(is_silent, 60, "the browser's last requests")


def test_an_idle_page_sends_no_request_and_uses_no_cpu(own_server, open_page):
    server = own_server("gallery")
    proxy = Proxy(server.port)
    page = open_page(f"{proxy.url}/simple/")
    page.wait_for_text("paragraph_id", "Clicked 0 times")
    wait_for_silence(proxy)
    everything = server.processes()
    requests, cpu = len(proxy.requests), processes.cpu_seconds(everything)
    time.sleep(SECONDS)
    assert proxy.requests[requests:] == []
    assert processes.cpu_seconds(everything) - cpu <= 0.01 * SECONDS
    proxy.close()


def test_a_waiting_page_holds_its_poll(own_server, open_page):
    server = own_server("fault-app")
    proxy = Proxy(server.port)
    page = open_page(f"{proxy.url}/own/")
    before = len(proxy.requests)
    page.click("run")
    page.wait_for_text_change("text", "nothing yet")
    assert len(proxy.requests) - before == 2, "the start and one held poll"
    proxy.close()
