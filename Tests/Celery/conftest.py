"""Fixtures: private servers, and for each broker a place with a Swift worker, shared by all tests."""

import os
import random

import pytest
from lab.place import Place
from lab.servers import RabbitMQ, Redis


def pytest_addoption(parser):
    parser.addoption("--chaos-seconds", type=float, default=float(os.environ.get("CHAOS_SECONDS", 30)),
                     help="duration of random faults, for each broker")
    parser.addoption("--chaos-seed", type=int, default=int(os.environ.get("CHAOS_SEED", random.randrange(1_000_000))),
                     help="seed of the random faults; printed by each run")


@pytest.fixture(scope="session")
def servers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("servers")
    # RabbitMQ takes seconds to start; meanwhile the tests on Redis run.
    rabbitmq = RabbitMQ(folder)
    try:
        redis = Redis(folder)
        yield {"redis": redis, "rabbitmq": rabbitmq}
        redis.stop()
    finally:
        rabbitmq.stop()


@pytest.fixture(scope="session", params=["redis", "rabbitmq"])
def place(request, servers, tmp_path_factory):
    """A broker. Results are always in Redis, in a separate database for each broker."""
    redis = servers["redis"]
    broker = redis.url(0) if request.param == "redis" else servers["rabbitmq"].wait_ready().url
    backend = redis.url(0 if request.param == "redis" else 1)
    place = Place(request.param, broker, backend, tmp_path_factory.mktemp(request.param))
    yield place
    place.close()


@pytest.fixture(scope="session")
def swift(place):
    """The Swift worker shared by all tests of a broker: two processes, queue `dash`, events enabled."""
    return place.swift_worker()


@pytest.fixture(scope="session")
def python(place):
    """A Python worker on the queue `python`."""
    return place.python_worker()


def pytest_sessionfinish(session, exitstatus):
    """In CI a skipped test is a failure."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") == "true" and reporter and reporter.stats.get("skipped"):
        session.exitstatus = 1
