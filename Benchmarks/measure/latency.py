"""Latency in a real browser, by the page's clock: from the click to the change of the page."""

import time

from support.page import Page, start_browser

# Runs an action and returns the milliseconds until the page shows the expected state; null after ten seconds.
MEASURE = """
const [act, see, done] = [new Function(arguments[0]), new Function(arguments[1]), arguments[2]];
const observer = new MutationObserver(() => {
  if (!see()) return;
  const took = performance.now() - began;
  observer.disconnect();
  done(took);
});
setTimeout(() => done(null), 10000);
observer.observe(document.documentElement, {subtree: true, childList: true, characterData: true, attributes: true});
const began = performance.now();
act();
"""
CLICK = "document.getElementById('{}').click()"
TEXT = "return document.getElementById('{}').textContent === '{}'"
ENABLED = "return !document.getElementById('{}').disabled"
# Simulates typing: React handles the event and reads the value.
TYPE = """
const input = document.getElementById('input_id');
Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(input, '{}');
input.dispatchEvent(new Event('input', {{bubbles: true}}));
"""


class Latency:
    """Measures the pages of one server in a separate browser."""

    def __init__(self, base, samples):
        self.base = base
        self.samples = samples
        self.lost = 0
        self.driver = start_browser()
        self.driver.set_script_timeout(60)

    def close(self):
        self.driver.quit()

    def page(self, name):
        page = Page(self.driver, f"{self.base}/{name}/")
        time.sleep(1)  # until the browser is idle
        return page

    def took(self, act, see):
        return self.driver.execute_async_script(MEASURE, act, see)

    def repeated(self, sample, count):
        """Samples after two warm-ups, without lost ones; a pause between them keeps them from overlapping."""
        times = []
        for number in range(count + 2):
            times.append(sample(number))
            time.sleep(0.1)
        self.lost += times.count(None)
        return [took for took in times[2:] if took is not None]

    def echo(self):
        self.page("echo")
        return self.repeated(
            lambda number: self.took(TYPE.format(f"word {number}"), TEXT.format("output_id", f"You said word {number}")),
            self.samples)

    def empty(self):
        self.page("empty")
        return self.repeated(
            lambda number: self.took(CLICK.format("button_id"), TEXT.format("paragraph_id", f"Clicked {number + 1} times")),
            self.samples)

    def cached(self):
        """Clicks after the first four, all answered from the cache."""
        page = self.page("caching")
        page.wait_enabled("button_id")

        def click(number):
            page.wait_enabled("button_id")
            return self.took(CLICK.format("button_id"), TEXT.format("paragraph_id", f"Clicked {number % 4 + 1} times"))

        page.wait_for_text_change("paragraph_id", "Button not clicked")
        for number in range(4):
            click(number)
        return self.repeated(click, self.samples)

    def cancel(self):
        """Click on cancel → run button enabled, half a second after the job starts."""
        page = self.page("cancel")
        page.wait_for_text("paragraph_id", "Clicked 0 times")

        def run_and_cancel(_):
            page.wait_enabled("button_id")
            page.click("button_id")
            page.wait_enabled("cancel_button_id")
            time.sleep(0.5)
            return self.took(CLICK.format("cancel_button_id"), ENABLED.format("button_id"))

        return self.repeated(run_and_cancel, min(self.samples, 10))
