"""Development: the renderer's tools, errors with their source location, hot reload, and `dash-swift dev`."""

import os
import signal
import stat
import subprocess

import pytest
import requests

from support import processes
from support.page import Page
from support.server import ROOT, Server, free_port, program
from support.waiting import wait_until

QUICK = {"DASH_HOT_RELOAD_INTERVAL": "0.2", "DASH_HOT_RELOAD_WATCH_INTERVAL": "0.05"}


@pytest.fixture
def debug_server(tmp_path):
    """The fault app in debug mode, with assets of the test."""
    folder = tmp_path / "debug"
    (folder / "assets").mkdir(parents=True)
    (folder / "assets" / "look.css").write_text("#out { color: rgb(1, 2, 3); }")
    (folder / "assets" / "code.js").write_text("window.codeOfTheAssets = 'first';")
    server = Server("fault-app", folder, ["--debug"], {"FAULT_FOLDER": str(tmp_path)} | QUICK).start()
    yield server
    server.stop()


def load(open_page, url):
    """The page with its layout; in debug mode the renderer's tools appear before it."""
    page = open_page(url)
    wait_until(lambda: page.element("out"), 30, "the page's layout")
    return page


def color(page):
    return page.script("return getComputedStyle(document.getElementById('out')).color")


def mark(page):
    """Sets a value that a reload clears."""
    page.script("window.isSameLoad = true")


def is_same_load(page):
    return page.script("return window.isSameLoad === true")


def card(page, *parts, timeout=30):
    """The text of the error cards, which must contain these parts."""
    def text():
        found = page.script("""
            document.querySelectorAll('.test-devtools-error-toggle').forEach(toggle => {
                if (!toggle.parentElement.querySelector('.error-container')) toggle.click();
            });
            return document.querySelector('.dash-error-card')?.textContent""")
        return found if found and all(part in found for part in parts) else None

    return wait_until(text, timeout, lambda: f"{parts} in a card; found: " + repr(
        page.script("return document.querySelector('.dash-debug-menu__outer')?.textContent")))


def screenshot(page, name):
    """For manual inspection: SCREENSHOTS=<folder>."""
    if folder := os.environ.get("SCREENSHOTS"):
        wait_until(lambda: page.script("return document.getAnimations().every(a => a.playState === 'finished')"), 10,
                   "animations finished")
        page.driver.save_screenshot(f"{folder}/{name}.png")


def test_a_changed_style_sheet_is_swapped_without_a_reload(debug_server, open_page):
    page = load(open_page, f"{debug_server.url}/development/")
    assert color(page) == "rgb(1, 2, 3)"
    mark(page)
    (debug_server.folder / "assets" / "look.css").write_text("#out { color: rgb(4, 5, 6); }")
    wait_until(lambda: color(page) == "rgb(4, 5, 6)", 20, "the new colour")
    (debug_server.folder / "assets" / "look.css").write_text("#out { color: rgb(7, 8, 9); }")
    wait_until(lambda: color(page) == "rgb(7, 8, 9)", 20, "the colour after that")
    assert is_same_load(page)


def test_a_changed_script_reloads_the_page(debug_server, open_page):
    page = load(open_page, f"{debug_server.url}/development/")
    mark(page)
    (debug_server.folder / "assets" / "code.js").write_text("window.codeOfTheAssets = 'second';")
    wait_until(lambda: page.script("return window.codeOfTheAssets") == "second", 20, "the new script")
    assert not is_same_load(page)


def test_two_pages_both_get_a_change_defect_22(debug_server, open_page, second_browser):
    pages = [load(open_page, f"{debug_server.url}/development/"),
             load(lambda url: Page(second_browser, url), f"{debug_server.url}/development/")]
    (debug_server.folder / "assets" / "look.css").write_text("#out { color: rgb(4, 5, 6); }")
    for page in pages:
        wait_until(lambda page=page: color(page) == "rgb(4, 5, 6)", 20, "the new colour")


def test_a_thrown_error_has_a_card_with_message_and_place(debug_server, open_page):
    page = load(open_page, f"{debug_server.url}/development/")
    page.click("throw")
    text = card(page, "Callback error updating out.children", "there is no town of this name")
    assert "NoSuchTown" in text and "Development.swift:" in text, text
    screenshot(page, "thrown")
    assert page.notices() == []
    page.console_errors()  # includes the failed request


def test_an_error_in_a_job_has_a_card(debug_server, open_page):
    page = load(open_page, f"{debug_server.url}/development/")
    page.click("fail")
    text = card(page, "job.title", "there is no town of this name")
    assert "background callback" in text and "Development.swift:" in text, text
    page.console_errors()


def test_the_crash_of_a_worker_has_a_card_with_signal_function_and_place(debug_server, open_page):
    page = load(open_page, f"{debug_server.url}/development/")
    page.click("crash")
    text = card(page, "job.children", "elementPastTheEnd", "Traps.swift:", "Development.swift:", timeout=60)
    assert "SIGILL" in text or "SIGTRAP" in text, text
    assert "libswiftCore" not in text, "only the program's own frames"
    screenshot(page, "crash")
    assert page.notices() == []
    page.console_errors()


def test_the_callback_graph_opens(debug_server, open_page):
    page = load(open_page, f"{debug_server.url}/development/")
    page.click("dash-debug-menu__callback-graph-button")
    wait_until(lambda: page.script("return document.querySelectorAll('.dash-callback-dag--container canvas').length"),
               20, "the graph")
    screenshot(page, "graph")


def test_in_production_the_page_has_no_developer_tools(fault_app, open_page):
    page = open_page(f"{fault_app.url}/development/")
    assert page.script("return document.querySelector('.dash-debug-menu__outer')") is None
    page.click("throw")
    notice = wait_until(page.notices, 10, "a notice")[0]
    assert "town" not in notice and "Development.swift" not in notice
    page.console_errors()

def test_a_trap_in_the_server_is_reported_by_the_next_one(debug_server, open_page):
    page = load(open_page, f"{debug_server.url}/development/")
    mark(page)
    page.click("trap")
    text = wait_until(lambda: page.script("return document.querySelector('.dash-swift-trap')?.textContent"), 60,
                      lambda: f"the trap:\n{debug_server.log_tail()}")
    for part in (" in elementPastTheEnd(of:after:) at Traps.swift:", " in development() at Development.swift:"):
        assert part in text, text
    screenshot(page, "trap")
    assert is_same_load(page), "a trap must not reload the page"
    assert "elementPastTheEnd" in debug_server.log.read_text(errors="replace")
    again = load(lambda url: Page(page.driver, url), f"{debug_server.url}/development/")
    again.click("throw")
    card(again, "there is no town of this name")
    assert page.script("return document.querySelector('.dash-swift-trap')") is None, "reported once"
    page.console_errors()


def test_a_property_of_a_wrong_type_has_a_card(debug_server, open_page):
    page = load(open_page, f"{debug_server.url}/development/")
    page.script("window.dash_clientside.set_props('out', {title: {no: 'text'}})")
    text = card(page, "Invalid argument `title` passed into P with ID \"out\"")
    assert "Expected `string`" in text, text
    page.console_errors()


def test_requests_are_logged_if_enabled(tmp_path):
    for silence, is_logged in (("true", False), ("false", True)):
        folder = tmp_path / silence
        folder.mkdir()
        server = Server("fault-app", folder, environment={"DASH_SILENCE_ROUTES_LOGGING": silence}).start()
        try:
            requests.get(f"{server.url}/development/", timeout=10)
            line = "GET /development/ 200"
            if is_logged:
                wait_until(lambda: line in server.log.read_text(), 10, "the request in the log")
            else:
                assert line not in server.log.read_text()
        finally:
            server.stop()


# ---- dash-swift dev -------------------------------------------------------------------------------------------------

SWIFT = """#!/bin/sh
# In place of `swift`: a source with BROKEN does not compile, any other makes a program that serves the fault app.
bin="{bin}"
case "$1 $2" in
"package describe") echo '{{"products": [{{"name": "app", "type": {{"executable": null}}}}]}}'; exit 0 ;;
"build --show-bin-path") echo "$bin"; exit 0 ;;
esac
source="$PWD/Sources/app/main.swift"
echo "[1/2] Compiling app main.swift"
if grep -q SLOW "$source"; then sleep 3; fi
if grep -q BROKEN "$source"; then
    echo "$source:1:1: error: cannot find 'BROKEN' in scope"
    exit 1
fi
printf '#!/bin/sh\\nFAULT_BUILD="%s" exec "{program}" "$@"\\n' "$(cat "$source")" >"$bin/app.new"
chmod +x "$bin/app.new"
mv "$bin/app.new" "$bin/app"
"""


class Tool:
    """`dash-swift dev` in a package of the test."""

    def __init__(self, folder):
        self.folder, self.port, self.log = folder, free_port(), folder / "dev.log"
        self.source = folder / "Sources/app/main.swift"
        self.source.parent.mkdir(parents=True)
        (folder / "bin").mkdir()
        self.swift = folder / "bin/swift"
        self.swift.write_text(SWIFT.format(bin=folder / "bin", program=program("fault-app")))
        self.swift.chmod(self.swift.stat().st_mode | stat.S_IXUSR)
        self.process = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/development/"

    def write(self, text):
        self.source.write_text(text)

    def start(self, *arguments):
        environment = {"DASH_SUITES": str(ROOT / ".dash/suites")} | os.environ | QUICK | {
            "DASH_DATA_DIR": str(self.folder / "data"), "FAULT_FOLDER": str(self.folder)}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [program("dash-swift"), "dev", "--swift", self.swift, "--port", str(self.port), "--interval", "0.1",
                 *arguments],
                env=environment, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True)
        return self

    def says(self, text, timeout=60):
        wait_until(lambda: text in self.output(), timeout, lambda: f"'{text}' in the terminal:\n{self.output()}")

    def output(self):
        return self.log.read_text(errors="replace")

    def is_served(self):
        try:
            return requests.get(self.url, timeout=5).status_code == 200
        except requests.RequestException:
            return False

    def wait_served(self):
        wait_until(self.is_served, 60, lambda: f"the app:\n{self.output()}")
        return self

    def end(self, kind=signal.SIGINT):
        """Stops it, and asserts that none of its processes remains."""
        if self.process.poll() is not None:
            return self.process.returncode
        everything = processes.tree(self.process.pid)
        self.process.send_signal(kind)
        code = self.process.wait(40)
        wait_until(lambda: not any(map(processes.is_alive, everything)), 40, "exit of all started processes")
        return code


@pytest.fixture
def tool(tmp_path):
    tool = Tool(tmp_path / "package with a space")
    tool.write("one")
    yield tool
    tool.end()


def built(page):
    return page.script("return document.getElementById('built')?.textContent")


def panel(page):
    """State and text of the build panel on the page; None if there is none."""
    return page.script("const p = document.querySelector('.dash-swift-build'); return p && [p.dataset.state, p.textContent]")


def test_the_page_reloads_after_a_rebuild(tool, open_page):
    tool.start().wait_served()
    page = load(open_page, tool.url)
    assert built(page) == "one"
    tool.write("two")
    wait_until(lambda: built(page) == "two", 60, lambda: f"the new page:\n{tool.output()}")
    page.console_errors()  # includes requests without a server


def test_a_build_error_is_shown_until_it_is_fixed_and_the_app_keeps_running(tool, open_page):
    tool.start().wait_served()
    page = load(open_page, tool.url)
    mark(page)
    tool.write("BROKEN")
    text = wait_until(lambda: (now := panel(page)) and now[0] == "failed" and now[1], 60, "the compiler's message")
    assert "Sources/app/main.swift:1:1: error: cannot find 'BROKEN' in scope" in text
    assert "Compiling" not in text
    screenshot(page, "build-error")
    assert tool.is_served() and is_same_load(page) and built(page) == "one"
    tool.says("The build failed. The previous version keeps running.")
    tool.write("two")
    wait_until(lambda: built(page) == "two" and panel(page) is None, 60, "the fixed page")
    page.console_errors()


def test_an_app_with_errors_does_not_replace_the_running_one(tool, open_page):
    tool.start().wait_served()
    page = load(open_page, tool.url)
    tool.write("MISTAKE")
    text = wait_until(lambda: (now := panel(page)) and now[0] == "failed" and now[1], 60, "the error")
    assert "Development.swift:" in text and "nowhere" in text, text
    assert tool.is_served() and built(page) == "one"
    tool.says("The app has errors:")
    tool.write("two")
    wait_until(lambda: built(page) == "two" and panel(page) is None, 60, "the fixed page")
    page.console_errors()


def test_a_page_shows_a_running_build(tool, open_page):
    tool.start().wait_served()
    page = load(open_page, tool.url)
    tool.write("SLOW")
    wait_until(lambda: (now := panel(page)) and now[0] == "building", 60, "the note")
    assert tool.is_served(), "the app runs during the build"
    wait_until(lambda: built(page) == "SLOW" and panel(page) is None, 60, "the new page")
    page.console_errors()


def test_a_failed_first_build_is_reported_in_the_terminal(tool):
    tool.write("BROKEN")
    tool.start().says("The app starts when the errors are fixed.")
    assert not tool.is_served()
    tool.write("one")
    tool.wait_served()


def test_an_app_that_exits_starts_after_the_next_change(tool):
    tool.start("--", "--no-such-option").says("It restarts when its sources change.")
    tool.write("two")
    wait_until(lambda: tool.output().count("It restarts when its sources change.") == 2, 60, "the second start")


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_stopping_the_tool_stops_all_processes(tool, kind):
    tool.start().wait_served()
    assert tool.end(kind) == 0
    assert not tool.is_served()


def test_a_killed_tool_leaves_no_processes(tool):
    tool.start().wait_served()
    tool.end(signal.SIGKILL)
    assert not tool.is_served()
