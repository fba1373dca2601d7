"""Forged, foreign, stale and malformed job handles: no effect, and the status of each."""

import time

import pytest

from support.client import Client
from support.waiting import wait_until

FORGERIES = {
    "empty": lambda handle: "",
    "garbage": lambda handle: "x",
    "flipped signature": lambda handle: handle[:-1] + ("A" if handle[-1] != "A" else "B"),
    "flipped value": lambda handle: ("A" if handle[0] != "A" else "B") + handle[1:],
    "cut": lambda handle: handle[: len(handle) // 2],
    "doubled": lambda handle: handle + handle,
    "very long": lambda handle: "A" * 6000,
    "a process id": lambda handle: "1~" + "0" * 64,
}


@pytest.fixture
def job(fault_app):
    """A running job of six seconds: its page's client, the body of its polls, and its handle."""
    client = Client(f"{fault_app.url}/long/")
    body = client.body({"run.n_clicks": 1})
    answer = client.post(body)
    assert answer.status_code == 200
    return client, body, answer.json()["job"]


def finishes(client, body, handle):
    def result():
        answer = client.post(body, job=handle)
        assert answer.status_code == 200
        return answer.json().get("response")

    return wait_until(result, 15, "the job's result")["text"]["children"] == "done 1"


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_handle_is_rejected_without_effect_S1(job, forgery):
    client, body, handle = job
    forged = FORGERIES[forgery](handle)
    assert client.post(body, job=forged).status_code == 403
    assert finishes(client, body, handle)


def test_a_foreign_session_can_neither_read_nor_cancel_a_job_S2(job, fault_app):
    client, body, handle = job
    stranger = Client(f"{fault_app.url}/long/")
    assert stranger.post(body, job=handle).status_code == 403
    stop = stranger.body({"stop.n_clicks": 1}, output=cancel_output(stranger))
    stranger.post(stop, cancelJob=handle)
    stranger.post(stranger.body({"run.n_clicks": 1}), oldJob=handle)
    assert finishes(client, body, handle)


def test_another_page_of_the_same_session_cannot_use_the_handle_S2(job, fault_app):
    client, body, handle = job
    sibling = Client(f"{fault_app.url}/long/", session=client.session)
    assert sibling.post(body, job=handle).status_code == 403
    assert finishes(client, body, handle)


@pytest.mark.parametrize("name", ["oldJob", "cancelJob"])
def test_invalid_handles_of_old_or_cancelled_jobs_do_not_affect_their_request(fault_app, name):
    client = Client(f"{fault_app.url}/own/")
    body = client.body({"run.n_clicks": 1})
    answer = client.post(body, **{name: ["", "x", "1~" + "0" * 64]})
    assert answer.status_code == 200
    handle = answer.json()["job"]
    wait_until(lambda: client.post(body, job=handle).json().get("response"), 10, "the result")


def test_cancel_stops_the_job_immediately_and_its_poll_returns_204(job):
    client, body, handle = job
    stop = client.body({"stop.n_clicks": 1}, output=cancel_output(client))
    answer = client.post(stop, cancelJob=handle)
    assert (answer.status_code, answer.json()["response"]) == (200, {})
    started = time.monotonic()
    assert client.post(body, job=handle).status_code == 204
    assert time.monotonic() - started < 1


def test_the_response_of_a_finished_job_is_repeatable(fault_app):
    client = Client(f"{fault_app.url}/own/")
    body = client.body({"run.n_clicks": 1})
    handle = client.post(body).json()["job"]
    first = wait_until(lambda: client.post(body, job=handle).json().get("response"), 10, "the result")
    assert client.post(body, job=handle).json()["response"] == first


def test_requests_from_another_site_start_nothing_S8(fault_app):
    client = Client(f"{fault_app.url}/own/")
    body = client.body({"run.n_clicks": 1})
    foreign = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
    assert client.post(body, headers=foreign).status_code == 403


def cancel_output(client):
    return next(entry["output"] for entry in client.dependencies
                if [slot["id"] for slot in entry["inputs"]] == ["stop"])
