"""F13: a worker or a broker behind a partition: a job has one outcome, regardless of what runs meanwhile."""

import pytest
import redis
import requests
from chaos.fleet import Fleet
from chaos.history import read_runs
from lab.servers import Redis
from support.client import Client
from support.waiting import wait_until


class Seen:
    """A page with one job, polled on both web servers."""

    def __init__(self, fleet, order, session=None):
        first = Client(fleet.webs[0].url, session or requests.Session())
        self.clients = [first, first.elsewhere(fleet.webs[1].url)]
        self.output = next(entry["output"] for entry in first.dependencies if entry.get("background"))
        self.body = first.body({"run.n_clicks": 1, "order.value": order}, self.output)
        self.job = first.post(self.body).json()["job"]

    def answer(self, client=None):
        answer = (client or self.clients[0]).post(self.body, job=self.job)
        assert answer.status_code in (200, 502, 503), answer.text
        return answer.json() if answer.status_code == 200 else {}

    def value(self, client=None, timeout=90):
        found = wait_until(lambda: self.answer(client).get("response"), timeout, "the job's value")
        return found["text"]["children"]

    def values(self):
        return {self.value(client) for client in self.clients}


@pytest.fixture(params=["redis", "rabbitmq"])
def fleet(request, tmp_path):
    fleet = Fleet(request.param, tmp_path)
    try:
        fleet.wait_ready()
        yield fleet
    finally:
        codes = fleet.stop()
    assert set(codes.values()) == {0}, codes


def runs(fleet):
    return read_runs(fleet.folder / "runs")


def holder(fleet):
    """The worker that runs the only running job, according to its record."""
    with redis.Redis(port=fleet.brokers.redis.port) as results:

        def found():
            for job in results.zrange("dash:running", 0, -1):
                name = (results.hget(b"dash:job:" + job, "holder") or b"").decode()
                return next((worker for worker in fleet.workers if name.startswith(f"{worker.name}@test")), None)

        return wait_until(found, 30, "a job that runs")


def test_a_partitioned_worker_loses_its_job_to_another_and_changes_nothing_afterwards_F13(fleet):
    page = Seen(fleet, "parted.100")
    parted = holder(fleet)
    for way in parted.ways.values():
        way.part()
    wait_until(lambda: len(runs(fleet)) == 2, 60, "the job's second run, by the other worker")
    # The first run finishes behind the partition. Its value must not become visible.
    wait_until(lambda: runs(fleet)[0].end, 60, "the end of the first run")
    for way in parted.ways.values():
        way.mend()
    assert page.values() == {f"parted.100 {runs(fleet)[1].id}"}
    after = Seen(fleet, "after.1")
    assert after.value().startswith("after.1 ")
    assert page.values() == {f"parted.100 {runs(fleet)[1].id}"}
    assert len(runs(fleet)) == 3


@pytest.mark.parametrize("fleet", ["rabbitmq"], indirect=True)
def test_a_worker_partitioned_from_rabbitmq_alone_keeps_its_job_F13(fleet):
    page = Seen(fleet, "kept.200")
    parted = holder(fleet)
    # RabbitMQ redelivers the message to the other worker after ten seconds, while the first still renews its lease.
    parted.ways["rabbitmq"].part()
    [value] = page.values()
    parted.ways["rabbitmq"].mend()
    assert [value] == [f"kept.200 {run.id}" for run in runs(fleet)]
    assert Seen(fleet, "after.1").value().startswith("after.1 ")


def test_a_replica_replaces_redis_and_no_outcome_changes_F13(fleet, tmp_path):
    done = Seen(fleet, "done.3")
    finished = done.values()
    page = Seen(fleet, "over.60")
    assert wait_until(lambda: page.answer().get("progress"), 30, "the first progress")
    (tmp_path / "replica").mkdir()
    replica = Redis(tmp_path / "replica", durable=True)
    try:
        fail_over(fleet, replica)
        [value] = page.values()
        assert value in [f"over.60 {run.id}" for run in runs(fleet)]
        assert done.values() == finished
        assert page.values() == {value}
        assert Seen(fleet, "after.1").value().startswith("after.1 ")
    finally:
        # Stop the fleet while its Redis is still running.
        for part in fleet.parts.values():
            part.terminate()
            part.wait_ended()
        replica.stop()


def fail_over(fleet, replica):
    """Promotes a synchronized replica, makes the old server its replica, and redirects all proxies to the new one."""
    old = fleet.brokers.redis
    with redis.Redis(port=old.port) as before, redis.Redis(port=replica.port) as after:
        after.replicaof("127.0.0.1", old.port)
        wait_until(lambda: after.info("replication").get("master_link_status") == "up", 30, "the replica being in step")
        # Pause writes until the promotion.
        before.execute_command("CLIENT", "PAUSE", 5000, "WRITE")
        place = before.info("replication")["master_repl_offset"]
        wait_until(lambda: after.info("replication")["slave_repl_offset"] >= place, 30, "the replica having all")
        after.replicaof("no", "one")
        for part in fleet.parts.values():
            part.ways["redis"].upstream = ("127.0.0.1", replica.port)
            part.ways["redis"].cut()
        before.replicaof("127.0.0.1", replica.port)
