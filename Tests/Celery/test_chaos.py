"""Random faults with two web servers and two workers, followed by a check of the histories of all pages."""

import re
import time

import pytest
import requests
from chaos.checker import check
from chaos.faults import KINDS, Injector, plan, steps
from chaos.fleet import Fleet
from chaos.history import History, read_runs
from chaos.pages import Page

PAGES = 12
#: Seconds after the last fault within which every job must finish: several leases, backoff, slow machines.
PATIENCE = 90


def vanishings(folder):
    """Detects the one failure that the faults may cause: a job whose worker vanished too often is not retried. The page
    has the id of the error, and the web server's log has the reason for that id."""
    logs = "\n".join(log.read_text(errors="replace") for log in folder.glob("web*/server.log"))
    numbers = {match[1] for match in re.finditer(r"error=(\w+) .*The worker process that ran the job vanished", logs)}

    def is_allowed(reason):
        found = re.search(r"Error (\w+)\.", reason)
        return bool(found) and found[1] in numbers

    return is_allowed


def test_a_failure_is_allowed_by_its_logged_reason(tmp_path):
    (tmp_path / "web1").mkdir()
    (tmp_path / "web1/server.log").write_text(
        "error dash: error=aaa kind=lost [Dash] A callback failed: The worker process that ran the job vanished 4 times.\n"
        "error dash: error=bbb kind=lost [Dash] A callback failed: Redis lost it.\n")
    is_allowed = vanishings(tmp_path)
    assert is_allowed("The server stopped. Error aaa.")
    assert not is_allowed("The server stopped. Error bbb.")
    assert not is_allowed("It vanished.")


def test_a_plan_is_reproducible_and_ends_every_fault():
    faults = plan(7, 600, ["redis", "rabbitmq"])
    assert faults == plan(7, 600, ["redis", "rabbitmq"]) != plan(8, 600, ["redis", "rabbitmq"])
    assert {fault.kind for fault in faults} == set(KINDS), "each kind occurs"
    open_ = set()
    for _, fault, begins in steps(faults):
        assert not begins or fault.part not in {other.part for other in open_}, "one fault at a time for each part"
        open_.add(fault) if begins else open_.remove(fault)
    assert open_ == set()


@pytest.mark.parametrize("kind", ["redis", "rabbitmq"])
def test_with_random_faults_each_job_has_one_outcome_of_its_own(kind, tmp_path, request):
    seconds = request.config.getoption("--chaos-seconds")
    seed = request.config.getoption("--chaos-seed")
    print(f"\n{kind}: --chaos-seed {seed} --chaos-seconds {seconds}, histories in {tmp_path}")
    fleet = Fleet(kind, tmp_path)
    try:
        fleet.wait_ready()
        pages = open_pages(fleet, seed, tmp_path)
        faults = plan(seed, seconds, list(fleet.brokers.all))
        run_faults(fleet, faults)
        close_pages(pages)
    finally:
        codes = fleet.stop()
    events = [event for page in pages for event in page.history.events]
    runs = read_runs(tmp_path / "runs")
    print(summary(events, runs, faults))
    assert check(events, runs, vanishings(tmp_path)) == []
    assert len([event for event in events if event.outcome == "value"]) >= PAGES, "the fleet finished jobs"
    assert set(codes.values()) == {0}, f"all parts exit cleanly: {codes}"


def open_pages(fleet, seed, folder):
    # Two pages share a browser session.
    sessions = [requests.Session() for _ in range(PAGES // 2)]
    others = []
    pages = [Page(f"page{number}", fleet.webs, History(f"page{number}", folder), seed, sessions[number // 2], others)
             for number in range(PAGES)]
    for page in pages:
        page.start()
    return pages


def run_faults(fleet, faults):
    injector, began = Injector(fleet), time.monotonic()
    for at, fault, begins in steps(faults):
        time.sleep(max(0, began + at - time.monotonic()))
        print(f"{time.monotonic() - began:6.2f} {'+' if begins else '-'} {fault.kind}, {fault.part} ({fault.broker})")
        injector.do(fault, begins)


def close_pages(pages):
    deadline = time.monotonic() + PATIENCE
    for page in pages:
        page.close(deadline)
    for page in pages:
        page.join(deadline + 60 - time.monotonic())
        page.history.close()
        assert not page.is_alive(), f"{page.name} hangs"
        if page.error:
            raise page.error


def summary(events, runs, faults):
    count = {what: sum(event.what == what for event in events)
             for what in ("started", "acknowledged", "progress", "cancelled", "peeked")}
    ends = {outcome: len({event.job for event in events if event.outcome == outcome})
            for outcome in ("value", "cancelled", "failed")}
    return f"{len(faults)} faults; events {count}; jobs by their end {ends}; {len(runs)} runs"
