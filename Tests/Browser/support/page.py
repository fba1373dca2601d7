"""A Dash page in a real browser, from the user's view."""

import json

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from .waiting import wait_until

# Evaluates `read` after every change of the page, and records its value when it differs from the last one.
RECORD = """
const [name, body, plot] = arguments;
const read = new Function(body);
const seen = ((window.__seen ??= {})[name] = []);
const look = () => {
  let value;
  try { value = JSON.stringify(read()); } catch (error) { return; }
  if (value !== undefined && (!seen.length || seen[seen.length - 1].value !== value))
    seen.push({at: performance.now(), value});
};
look();
new MutationObserver(look).observe(document.documentElement,
  {subtree: true, childList: true, characterData: true, attributes: true});
if (plot) document.querySelector(plot).on('plotly_afterplot', look);
"""


def start_browser(window=(1200, 900)):
    """A separate headless Chromium."""
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu",
                     f"--window-size={window[0]},{window[1]}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))


class Page:
    """A page in a browser."""

    def __init__(self, driver, url):
        self.driver = driver
        driver.get(url)
        wait_until(lambda: self.script("return !!document.querySelector('#react-entry-point > *:not(._dash-loading)')"),
                   30, "the page's layout")

    def script(self, body, *arguments):
        return self.driver.execute_script(body, *arguments)

    def element(self, name):
        # Not with a selector: a pattern id contains quotes and braces.
        return self.script("return document.getElementById(arguments[0])", name)

    def click(self, name):
        self.element(name).click()

    def follow(self, text, name):
        """Clicks the link with this text, and waits for a component of its page."""
        self.script("[...document.querySelectorAll('a')].find(a => a.textContent === arguments[0]).click()", text)
        wait_until(lambda: self.element(name), 15, f"#{name}")

    def text(self, name):
        return self.script("return document.getElementById(arguments[0])?.textContent", name)

    def is_enabled(self, name):
        return not self.script("return document.getElementById(arguments[0]).disabled", name)

    def visibility(self, name):
        return self.script("return getComputedStyle(document.getElementById(arguments[0])).visibility", name)

    def wait_for_text(self, name, expected, timeout=15):
        wait_until(lambda: self.text(name) == expected, timeout,
                   f"'{expected}' in #{name} (found: {self.text(name)!r})")

    def wait_for_text_change(self, name, before, timeout=15):
        """Returns the new text."""
        return wait_until(lambda: (now := self.text(name)) != before and now, timeout, f"a text other than {before!r}")

    def wait_enabled(self, name, timeout=15):
        wait_until(lambda: self.is_enabled(name), timeout, f"#{name} enabled")

    def wait_disabled(self, name, timeout=15):
        wait_until(lambda: not self.is_enabled(name), timeout, f"#{name} disabled")

    def record(self, name, body, plot=None):
        """Records in the page, from now on, each new value of the JavaScript `body`."""
        self.script(RECORD, name, body, plot)

    def recorded(self, name):
        """The values, in order."""
        return [json.loads(entry["value"]) for entry in self.script("return window.__seen[arguments[0]]", name)]

    def recorded_times(self, name):
        """Pairs of the time in milliseconds of the page's clock, and the value."""
        return [(entry["at"], json.loads(entry["value"]))
                for entry in self.script("return window.__seen[arguments[0]]", name)]

    def answered_requests(self):
        """The number of callback requests of this page with a complete response."""
        return self.script("""return performance.getEntriesByType('resource')
            .filter(entry => entry.name.includes('_dash-update-component')).length""")

    def notices(self):
        """The failure notices that the page shows."""
        return self.script("return [...document.querySelectorAll('.dash-swift-notice[data-kind=job] span')].map(n => n.textContent)")

    def console_errors(self):
        """The console's errors since the last call."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]
