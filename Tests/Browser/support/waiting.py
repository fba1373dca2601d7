"""Waiting for conditions."""

import time


def wait_until(condition, timeout=10, what="the condition", pause=0.02):
    """Evaluates `condition` until its value is true, and returns the value; fails after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            what = what() if callable(what) else what
            raise AssertionError(f"{what} did not become true within {timeout} s; last: {answer!r}")
        time.sleep(pause)
