"""Simulated pages: they start jobs, poll them as the renderer does, cancel some, and poll jobs of other pages."""

import random
import threading
import time

import requests
from support.client import Client

LOST = (502, 503, 504)


class Job:
    def __init__(self, name, body, handle):
        self.name, self.body, self.handle = name, body, handle
        self.poll = 1
        self.has_ended = False


class Page(threading.Thread):
    """One page load. It sends requests to random web servers, and some requests time out."""

    def __init__(self, name, webs, history, seed, session, others):
        super().__init__(name=name, daemon=True)
        self.history = history
        self.dice = random.Random(f"{seed} {name}")
        first = Client(webs[0].url, session)
        self.clients = [first, first.elsewhere(webs[1].url)]
        self.stop_output = next(entry["output"] for entry in first.dependencies
                                if [slot["id"] for slot in entry["inputs"]] == ["stop"])
        self.output = next(entry["output"] for entry in first.dependencies if entry.get("background"))
        self.others = others
        self.closing = threading.Event()
        self.deadline = None
        self.count = 0
        self.error = None

    def close(self, deadline):
        """Starts no more jobs; stops when the last job is finished, or at the deadline (of `time.monotonic`)."""
        self.deadline = deadline
        self.closing.set()

    def run(self):
        try:
            self._work()
        except Exception as error:  # raised by close_pages
            self.error = error

    def _work(self):
        while not self.closing.is_set():
            job = self._start()
            while job:
                follower = self._follow(job)
                self._ask_again(job)
                job = follower

    def _start(self, replacing=None):
        """Starts a job; returns it if it was acknowledged and is not finished."""
        self.count += 1
        name, steps = f"{self.name}-{self.count}", self.dice.choice([0, 1, 3, 5, 10, 20])
        # Some orders are equal, and still need their own runs.
        order = f"common.{steps}" if self.dice.random() < 0.3 else f"{name}.{steps}"
        body = self.clients[0].body({"run.n_clicks": self.count, "order.value": order}, self.output)
        self.history.note("started", name, order=order)
        answer = self._post(body, timeout=30, oldJob=replacing and replacing.handle)
        if answer is None or answer.status_code != 200:
            time.sleep(0.2)
            return None
        self.history.note("acknowledged", name)
        job = Job(name, body, answer.json().get("job"))
        if job.handle:
            self.others.append((self.name, name, job.handle))
        self._read(job, answer)
        return None if job.has_ended else job

    def _follow(self, job):
        """Polls a job until it is finished; returns the job that replaced it, if any."""
        fate, follower = self.dice.random(), None
        while not job.has_ended and not (self.deadline and time.monotonic() > self.deadline):
            self._poll(job)
            if fate < 0.03 and not job.has_ended:
                follower = follower or self._replace(job)
            elif fate < 0.2 and not job.has_ended and self.dice.random() < 0.3:
                self._cancel(job)
            if self.dice.random() < 0.05:
                self._peek()
        return follower

    def _poll(self, job):
        timeout = self.dice.uniform(0.02, 0.5) if self.dice.random() < 0.15 else 30
        answer = self._post(job.body, timeout, job=job.handle, n=job.poll)
        if answer is None or answer.status_code in LOST:
            time.sleep(0.1)
            return
        job.poll += 1
        self._read(job, answer)

    def _ask_again(self, job):
        """Polls a finished job on both web servers: the outcome must not change."""
        if not job.has_ended or self.dice.random() < 0.5:
            return
        for client in self.clients:
            answer = self._post(job.body, 30, client, job=job.handle, n=job.poll)
            if answer is not None and answer.status_code not in LOST:
                self._read(job, answer)

    def _replace(self, job):
        self.history.note("cancels", job.name)
        follower = self._start(replacing=job)
        if follower:
            self.history.note("cancelled", job.name)
        return follower

    def _cancel(self, job):
        self.history.note("cancels", job.name)
        body = self.clients[0].body({"stop.n_clicks": 1}, self.stop_output)
        answer = self._post(body, 30, cancelJob=job.handle)
        if answer is not None and answer.status_code == 200:
            self.history.note("cancelled", job.name)

    def _peek(self):
        page, name, handle = self.dice.choice(self.others)
        if page == self.name:
            return
        answer = self._post(self.clients[0].body({}, self.output), 30, job=handle, n=1)
        if answer is not None and answer.status_code not in LOST:
            self.history.note("peeked", name, text=str(answer.status_code))

    def _read(self, job, answer):
        if answer.status_code != 200:
            return self._end(job, *_ending(answer))
        content = answer.json()
        for text in (content.get("progress") or {}).values():
            run, step = text.split()
            self.history.note("progress", job.name, run=run, step=int(step))
        if "response" in content:
            self._end(job, "value", content["response"]["text"]["children"])

    def _end(self, job, outcome, text):
        job.has_ended = True
        self.history.note("ended", job.name, outcome=outcome, text=text)

    def _post(self, body, timeout, client=None, **query):
        """Sends a request; returns None if it failed."""
        try:
            return (client or self.dice.choice(self.clients)).post(body, timeout=timeout, **query)
        except requests.RequestException:
            return None


def _ending(answer):
    if answer.status_code == 204:
        return "cancelled", ""
    if answer.status_code == 404:
        return "forgotten", answer.text
    return "failed", answer.headers.get("X-Dash-Notice") or f"{answer.status_code} {answer.text[:300]}"
