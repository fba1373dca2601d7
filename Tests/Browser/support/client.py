"""The renderer's requests without a browser: load a page, run callbacks, poll jobs."""

import copy
import json
import re
import time
from dataclasses import dataclass, field

import requests

CONFIG = re.compile(r'<script id="_dash-config" type="application/json">(.*?)</script>', re.S)


@dataclass
class Outcome:
    """The result of a callback: the last status, the values by "id.property", and the responses on the way."""

    status: int
    values: dict = field(default_factory=dict)
    progress: list = field(default_factory=list)
    answers: list = field(default_factory=list)


class Client:
    """A page load, in its own browser session (cookies) or a given one."""

    def __init__(self, base, session=None):
        self.base = base.rstrip("/") + "/"
        self.session = session or requests.Session()
        page = self.session.get(self.base)
        page.raise_for_status()
        self.config = json.loads(CONFIG.search(page.text).group(1))
        self.dependencies = self.session.get(self.base + "_dash-dependencies").json()
        self.origin = "/".join(self.base.split("/", 3)[:3])

    def elsewhere(self, base):
        """The same page load with requests to another server."""
        other = copy.copy(self)
        other.base = base.rstrip("/") + "/"
        other.origin = "/".join(other.base.split("/", 3)[:3])
        return other

    def post(self, body, headers=None, timeout=60, **query):
        """A POST in the renderer's format; query values are not encoded and may be lists."""
        pairs = [("endId", self.config["end_id"])] if "endId" not in query and self.config.get("end_id") else []
        for name, values in query.items():
            pairs += [(name, value) for value in (values if isinstance(values, list) else [values]) if value is not None]
        url = self.base + "_dash-update-component?" + "&".join(f"{name}={value}" for name, value in pairs)
        return self.session.post(
            url,
            data=body if isinstance(body, (bytes, str)) else json.dumps(body),
            headers={"Content-Type": "application/json", "Accept": "application/json", "Sec-Fetch-Site": "same-origin",
                     "Origin": self.origin} | (headers or {}),
            timeout=timeout,
            allow_redirects=False,
        )

    def callback(self, output=None):
        """The entry of the first callback, or of the one with this `output`."""
        return next(entry for entry in self.dependencies if output is None or entry["output"] == output)

    def body(self, values, output=None):
        """The body for the first or given callback with `values` by "id.property"; other values are missing."""
        callback = self.callback(output)

        def slots(entries):
            return [{"id": entry["id"], "property": entry["property"]}
                    | ({"value": values[key]} if (key := f"{entry['id']}.{entry['property']}") in values else {})
                    for entry in entries]

        body = {"output": callback["output"], "inputs": slots(callback["inputs"]),
                "changedPropIds": list(values), "parsedChangedPropsIds": list(values)}
        if not callback.get("no_output"):
            outputs = [{"id": name, "property": property_.split("@")[0]} for name, property_ in _outputs(callback["output"])]
            body["outputs"] = outputs if callback["output"].startswith("..") else outputs[0]
        if callback.get("state"):
            body["state"] = slots(callback["state"])
        return body

    def run(self, values, output=None, limit=400):
        """Runs a callback to completion, polling like the renderer."""
        body = self.body(values, output)
        interval = ((self.callback(output).get("background") or {}).get("interval") or 0) / 1000
        outcome, job, cache_key = Outcome(0), None, None
        for _ in range(limit):
            answer = self.post(body, cacheKey=cache_key, job=job)
            outcome.status = answer.status_code
            if answer.status_code != 200:
                return outcome
            content = answer.json()
            outcome.answers.append(content)
            job, cache_key = job or content.get("job"), cache_key or content.get("cacheKey")
            if content.get("progress"):
                outcome.progress.append(content["progress"])
            for part in (content.get("sideUpdate"), content.get("response")):
                outcome.values |= {f"{name}.{key}": value for name, props in (part or {}).items()
                                   for key, value in (props.items() if isinstance(props, dict) else [])}
            if "response" in content:
                return outcome
            time.sleep(interval)
        raise AssertionError(f"not completed after {limit} polls")


def run_later_job(gallery):
    """Runs a job of two seconds. By its completion, an earlier job that still ran would have made its next step of two
    seconds."""
    values = Client(f"{gallery.url}/cancel/").run({"button_id.n_clicks": 7}).values
    assert values["paragraph_id.children"] == "Clicked 7 times"


def _outputs(text):
    parts = text[2:-2].split("...") if text.startswith("..") else [text]
    return [part.rsplit(".", 1) for part in parts]
