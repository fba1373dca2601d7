"""Delays requests of a page and their responses, below the page's own scripts, like a slow connection."""

from .waiting import wait_until

SCRIPT = """(() => {
  const send = window.fetch.bind(window);
  window.__answers = [];
  window.fetch = async (resource, options) => {
    if (typeof resource !== 'string' || !resource.includes('_dash-update-component') || resource.includes('&job='))
      return send(resource, options);
    const {output, outputs} = JSON.parse(options.body), rule = window.__rule, pair = pairOf(output, outputs);
    if (rule && output.includes(rule.held)) await rule.isOver;
    const answer = await send(resource, options);
    if (pair && !pair.isSecond) await pair.second;
    window.__answers.push({output, status: answer.status});
    if (pair && pair.isSecond) setTimeout(pair.end, pair.pause);
    if (rule && output.includes(rule.awaited)) setTimeout(rule.end, rule.pause);
    return answer;
  };
  // Pairs of requests with the same outputs whose responses are swapped: the first waits here for the second.
  const firsts = new Map();
  function pairOf(output, outputs) {
    if (!window.__swap || !output.includes(window.__swap.output)) return null;
    const place = JSON.stringify(outputs), first = firsts.get(place);
    if (first) {
      firsts.delete(place);
      return {...first, isSecond: true};
    }
    const pair = {pause: window.__swap.pause};
    pair.second = new Promise(resolve => { pair.end = resolve; });
    firsts.set(place, pair);
    return pair;
  }
})();"""

RULE = """const [held, awaited, pause] = arguments;
const rule = window.__rule = {held, awaited, pause};
rule.isOver = new Promise(resolve => { rule.end = resolve; });"""


class Holding:
    """Delays requests of pages that a browser loads after this."""

    def __init__(self, driver):
        self.driver = driver
        self.script = driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": SCRIPT})

    def hold(self, held, until, pause=0):
        """Delays requests for an output that contains `held` until `pause` milliseconds after the response to the next
        request for `until`."""
        self.driver.execute_script(RULE, held, until, pause)

    def swap_answers(self, output, pause=100):
        """Swaps the responses to each two requests for the same outputs, of an output that contains this: the first one
        arrives `pause` milliseconds after the second one."""
        self.driver.execute_script("window.__swap = {output: arguments[0], pause: arguments[1]}", output, pause)

    def swap_no_more(self):
        self.driver.execute_script("window.__swap = null")

    def statuses(self, output):
        """The statuses of the requests for an output that contains this, without polls."""
        return [answer["status"] for answer in self.driver.execute_script("return window.__answers")
                if output in answer["output"]]

    def wait_for_status(self, output):
        """The status of the first of these requests."""
        return wait_until(lambda: self.statuses(output), 30, f"a response for {output}")[0]

    def stop(self):
        self.driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", self.script)
