"""Waiting for something to become true."""

import time


def wait_until(condition, timeout=10, what="the condition", pause=0.02):
    """Asks `condition` until it answers something true, and returns that; fails after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            what = what() if callable(what) else what
            raise AssertionError(f"{what} did not become true within {timeout} s; last: {answer!r}")
        time.sleep(pause)
