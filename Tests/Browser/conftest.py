"""Fixtures: the gallery and the fault app as running servers, and browsers."""

import os
from types import SimpleNamespace

import pytest

from support.fleet import Fleet, Queue
from support.holding import Holding
from support.page import Page, start_browser
from support.server import Server


def pytest_generate_tests(metafunc):
    """Runs the tests marked every_queue on each: jobs in the server, Redis, RabbitMQ with results in Redis."""
    if metafunc.definition.get_closest_marker("every_queue"):
        metafunc.parametrize("gallery", ["embedded", "redis", "rabbitmq"], indirect=True)


@pytest.fixture
def gallery(request):
    """The gallery, shared by all tests that leave it intact."""
    return request.getfixturevalue(f"{getattr(request, 'param', 'embedded')}_gallery")


@pytest.fixture(scope="session")
def embedded_gallery(tmp_path_factory):
    """The gallery with jobs in the server. GALLERY_URL names a running one."""
    if url := os.environ.get("GALLERY_URL"):
        yield SimpleNamespace(url=url)
        return
    server = Server("gallery", tmp_path_factory.mktemp("gallery")).start()
    yield server
    server.stop()


def fleet_gallery(kind, folder):
    queue = Queue(kind, folder)
    fleet = Fleet("gallery", queue, folder)
    try:
        yield fleet.start()
    finally:
        fleet.stop()
        queue.stop()


@pytest.fixture(scope="session")
def redis_gallery(tmp_path_factory):
    """Two web servers of the gallery behind nginx, two workers, Redis."""
    yield from fleet_gallery("redis", tmp_path_factory.mktemp("redis-gallery"))


@pytest.fixture(scope="session")
def rabbitmq_gallery(tmp_path_factory):
    """Two web servers of the gallery behind nginx, two workers, RabbitMQ, and Redis for results."""
    yield from fleet_gallery("rabbitmq", tmp_path_factory.mktemp("rabbitmq-gallery"))


@pytest.fixture(params=["redis", "rabbitmq"])
def own_fleet(request, tmp_path):
    """A fleet for one test, which may stop and kill its parts."""
    yield from fleet_gallery(request.param, tmp_path)


@pytest.fixture(scope="session")
def fault_app(tmp_path_factory):
    """Apps that fail in various ways, on one server shared by the tests that leave it running."""
    folder = tmp_path_factory.mktemp("fault-app")
    server = Server("fault-app", folder, environment={"FAULT_FOLDER": str(folder)}).start()
    yield server
    server.stop()


@pytest.fixture
def own_server(tmp_path):
    """Starts servers for one test, which may stop and kill them: `own_server("gallery")`."""
    started = []

    def start(name, arguments=()):
        server = Server(name, tmp_path / name, arguments, environment={"FAULT_FOLDER": str(tmp_path)})
        server.folder.mkdir()
        started.append(server)
        return server.start()

    yield start
    for server in started:
        server.stop()


@pytest.fixture(scope="session")
def shared_browser():
    driver = start_browser()
    yield driver
    driver.quit()


@pytest.fixture
def open_page(shared_browser):
    """Opens a page, and asserts after the test that the console has no errors: `open_page(url)`.

    A test that causes errors reads them with `page.console_errors()`, which also clears them.
    """
    shared_browser.get("about:blank")
    shared_browser.delete_all_cookies()
    shared_browser.get_log("browser")
    yield lambda url: Page(shared_browser, url)
    errors = [entry["message"] for entry in shared_browser.get_log("browser") if entry["level"] == "SEVERE"]
    shared_browser.get("about:blank")
    assert errors == []


@pytest.fixture
def holding(shared_browser):
    """Delays requests and responses of pages opened after this."""
    holding = Holding(shared_browser)
    yield holding
    holding.stop()


@pytest.fixture
def second_browser():
    """Another user's browser."""
    driver = start_browser()
    yield driver
    driver.quit()


def pytest_sessionfinish(session, exitstatus):
    """In CI a skipped test is a failure."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") == "true" and reporter and reporter.stats.get("skipped"):
        session.exitstatus = 1
