"""The command line: rejected starts, successful starts, and shutdown."""

import http.client
import os
import re
import signal
import socket
import stat
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from support import processes
from support.client import Client
from support.server import ROOT, Server, free_port, program
from support.waiting import wait_until

SUITES = {"DASH_SUITES": str(ROOT / ".dash/suites")}
OPTIONS = ["--host", "--port", "--debug", "--no-debug", "--workers", "--path-prefix", "--data-dir", "--supervise",
           "--no-supervise"]
WORKER_OPTIONS = ["--concurrency", "-c", "--queues", "-Q", "--hostname", "-n", "--events", "-E", "--max-tasks-per-child",
                  "--time-limit", "--soft-time-limit", "--prefetch-multiplier", "--loglevel"]
VARIABLES = ["HOST", "PORT", "DASH_DEBUG", "DASH_DATA_DIR", "DASH_SECRET_KEY", "DASH_SUITES", "LOG_LEVEL"]
KNOWN_FILES = {"owner.lock", "secret", "jobs.sqlite", "jobs.sqlite-wal", "jobs.sqlite-shm"}
RUNNING = "Dash is running on"


@pytest.fixture
def run(tmp_path):
    """Runs a program until it exits: `run("gallery", "--help", PORT="1")`."""

    def run_to_end(name, *arguments, **environment):
        environment = SUITES | os.environ | {"DASH_DATA_DIR": str(tmp_path / "data")} | environment
        return subprocess.run([program(name), *arguments], env=environment, cwd=tmp_path, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=30)

    return run_to_end


@pytest.fixture
def start(tmp_path):
    """Starts servers with their own arguments, environment and folder."""
    started = []

    def start_server(name="fault-app", *arguments, folder=None, healthy=True, **environment):
        folder = folder or tmp_path / f"{name}-{len(started)}"
        folder.mkdir(exist_ok=True)
        server = Server(name, folder, arguments, {"FAULT_FOLDER": str(tmp_path)} | environment)
        started.append(server)
        return server.start() if healthy else server

    yield start_server
    for server in started:
        server.stop()


def refused(ended, *parts, code=1):
    """Asserts that a program exited with a message that contains the parts, without a trap and without serving."""
    assert ended.returncode == code, ended.stderr
    for part in parts:
        assert part in ended.stderr, ended.stderr
    assert RUNNING not in ended.stdout
    assert "Fatal error" not in ended.stderr
    assert "restarting it" not in ended.stderr + ended.stdout, "a failed start must not cause a restart"


# Rejected starts


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["help"], ["serve", "--help"]])
def test_help_lists_every_option_and_variable(run, arguments):
    ended = run("gallery", *arguments)
    assert (ended.returncode, ended.stderr) == (0, "")
    for word in OPTIONS + VARIABLES:
        assert word in ended.stdout


@pytest.mark.parametrize("arguments, sentence", [
    (["--port", "70000"], "from 0 to 65535"),
    (["--port", "abc"], "'abc' is invalid"),
    (["--workers", "0"], "Invalid number of workers 0."),
    (["--path-prefix", "a b"], "Invalid path prefix “a b”. Use a path such as /tools/."),
    (["--nonsense"], "Unknown option '--nonsense'"),
    (["nonsense"], "Unexpected argument 'nonsense'"),
])
def test_invalid_options_are_rejected_with_the_usage(run, arguments, sentence):
    usage_error = 64
    refused(run("gallery", *arguments), sentence, "Usage: ", code=usage_error)


def test_help_of_the_worker_lists_every_option(run):
    ended = run("gallery", "worker", "--help")
    assert (ended.returncode, ended.stderr) == (0, "")
    for word in WORKER_OPTIONS + ["DASH_SECRET_KEY", "REDIS_URL", "CELERY_BROKER_URL", "CELERY_RESULT_BACKEND", "SIGTERM"]:
        assert word in ended.stdout


def test_a_worker_without_a_queue_is_rejected(run):
    refused(run("gallery", "worker"), "This site has no queue", "CeleryManager", "REDIS_URL")


@pytest.mark.parametrize("arguments, sentence", [
    (["-c", "0"], "Invalid --concurrency. Use 1 or more."),
    (["--time-limit", "5", "--soft-time-limit", "6"], "must be shorter than --time-limit"),
    (["--loglevel", "loud"], "Invalid log level “loud”."),
    (["--port", "1"], "Unknown option '--port'"),
])
def test_invalid_worker_options_are_rejected_with_the_usage(run, arguments, sentence):
    refused(run("gallery", "worker", *arguments), sentence, "Usage: ", code=64)


@pytest.mark.parametrize("environment, sentence", [
    ({"CELERY_BROKER_URL": "sqs://x"}, "sqs"),
    ({"CELERY_RESULT_BACKEND": "redis://127.0.0.1:1/0"}, "CELERY_BROKER_URL"),
    ({"REDIS_URL": "redis://127.0.0.1:1/0"}, "DASH_SECRET_KEY is not set"),
    ({"REDIS_URL": "redis://127.0.0.1:1/0", "DASH_SECRET_KEY": "short"}, "DASH_SECRET_KEY has 5 bytes"),
])
def test_an_invalid_queue_configuration_is_rejected_with_a_message(run, environment, sentence):
    ended = run("gallery", "--port", "0", **environment)
    assert ended.returncode != 0
    assert sentence in ended.stderr


@pytest.mark.parametrize("supervise", ["--supervise", "--no-supervise"])
class TestStartsThatCannotWork:
    """Each prints a message and exits with code 1, with and without a supervisor."""

    def test_an_invalid_port_in_the_environment(self, run, supervise):
        refused(run("gallery", supervise, PORT="abc"), "Invalid value “abc” of PORT.")

    def test_a_port_that_is_in_use(self, run, supervise):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            refused(run("gallery", supervise, "--port", str(port)), f"Port {port} on 127.0.0.1 is in use", "--port")

    def test_an_unknown_host(self, run, supervise):
        ended = run("gallery", supervise, "--port", "0", "--host", "nowhere.invalid")
        refused(ended, "Unknown host “nowhere.invalid”.", "--host")

    def test_an_address_of_another_machine(self, run, supervise):
        refused(run("gallery", supervise, "--port", "0", "--host", "192.0.2.1"), "cannot listen on 192.0.2.1:0")

    def test_a_data_folder_that_is_a_file(self, run, supervise, tmp_path):
        (tmp_path / "file").write_text("mine")
        ended = run("gallery", supervise, "--port", "0", DASH_DATA_DIR=str(tmp_path / "file"))
        refused(ended, f"The data folder {tmp_path}/file cannot be created", "DASH_DATA_DIR")
        assert (tmp_path / "file").read_text() == "mine"

    def test_a_data_folder_that_cannot_be_written(self, run, supervise):
        # Not even root can create folders there.
        refused(run("gallery", supervise, "--port", "0", DASH_DATA_DIR="/proc/dash"), "/proc/dash", "DASH_DATA_DIR")

    def test_a_data_folder_that_another_server_uses(self, run, start, supervise):
        other = start("gallery")
        ended = run("gallery", supervise, "--port", "0", DASH_DATA_DIR=str(other.data))
        refused(ended, f"The data folder {other.data} is in use by another process", "DASH_DATA_DIR")
        assert other.is_healthy()

    def test_a_secret_that_is_too_short(self, run, supervise):
        refused(run("gallery", supervise, "--port", "0", DASH_SECRET_KEY="short"), "DASH_SECRET_KEY has 5 bytes", "openssl")

    def test_component_suites_that_are_missing(self, run, tmp_path, supervise):
        (tmp_path / "empty").mkdir()
        ended = run("gallery", supervise, "--port", "0", DASH_SUITES=str(tmp_path / "empty"))
        refused(ended, "Run: swift run dash-swift install --into")
        assert list((tmp_path / "empty").iterdir()) == []


# Addresses and files


def test_host_and_port_come_from_the_environment_and_the_command_line_wins(start, tmp_path):
    ports = [free_port(), free_port()]
    environment = SUITES | os.environ | {"HOST": "127.0.0.2", "PORT": str(ports[0]), "DASH_DATA_DIR": str(tmp_path / "d")}
    for arguments, address in [([], f"127.0.0.2:{ports[0]}"),
                               (["--host", "127.0.0.3", "--port", str(ports[1])], f"127.0.0.3:{ports[1]}")]:
        with subprocess.Popen([program("gallery"), *arguments], env=environment, stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
            assert server.stdout.readline() == f"{RUNNING} http://{address}/\n"
            assert requests.get(f"http://{address}/_health", timeout=5).text.strip() == "OK"
            server.terminate()
            assert server.wait(20) == 0


def test_port_0_uses_a_free_port_and_prints_it(tmp_path):
    environment = SUITES | os.environ | {"DASH_DATA_DIR": str(tmp_path / "data")}
    with subprocess.Popen([program("gallery"), "--port", "0"], env=environment, stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
        url = re.fullmatch(rf"{RUNNING} (http://127\.0\.0\.1:[1-9]\d*/)\n", server.stdout.readline()).group(1)
        assert requests.get(f"{url}_health", timeout=5).status_code == 200
        server.terminate()
        assert server.wait(20) == 0


def test_the_data_folder_is_private_and_has_only_known_files(start):
    previous = os.umask(0)
    try:
        server = start()
    finally:
        os.umask(previous)
    finishes(server, "own")
    assert mode(server.data) == 0o700
    files = {path.name: mode(path) for path in server.data.iterdir()}
    assert set(files) <= KNOWN_FILES and set(files.values()) == {0o600}, files
    server.stop()
    assert {path.name for path in server.data.iterdir()} <= KNOWN_FILES


def test_the_mode_of_an_existing_data_folder_is_unchanged(start, tmp_path):
    (tmp_path / "server" / "data").mkdir(parents=True)
    (tmp_path / "server" / "data").chmod(0o755)
    server = start(folder=tmp_path / "server")
    assert mode(server.data) == 0o755
    assert {mode(path) for path in server.data.iterdir()} == {0o600}


def test_the_output_of_a_job_is_in_the_servers_log(start):
    server = start()
    client = Client(f"{server.url}/trap-in-job/")
    client.run({"run.n_clicks": 1})
    wait_until(lambda: "Index out of range" in server.log_tail(1000), 10, "the worker's output in the log")


# Path prefix


@pytest.fixture
def stripping_proxy():
    """A proxy that serves a server under /tools/ and strips the prefix: `stripping_proxy(port)` returns its URL."""
    proxies = []

    def start_proxy(port):
        class Handler(BaseHTTPRequestHandler):
            def pass_on(self):
                if not self.path.startswith("/tools/"):
                    return self.send_error(404)
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                upstream = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
                upstream.request(self.command, self.path.removeprefix("/tools"), body, dict(self.headers))
                answer = upstream.getresponse()
                content = answer.read()
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in ("transfer-encoding", "content-length", "connection"):
                        self.send_header(name, value)
                if answer.status != 204:
                    self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = pass_on

            def log_message(self, *_):
                pass

        proxy = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        proxies.append(proxy)
        return f"http://127.0.0.1:{proxy.server_port}/tools/"

    yield start_proxy
    for proxy in proxies:
        proxy.shutdown()
        proxy.server_close()


@pytest.mark.parametrize("strips", [True, False], ids=["the proxy strips it", "the proxy leaves it"])
def test_a_prefix_is_on_every_path(start, stripping_proxy, strips):
    server = start("gallery", "--path-prefix", "/tools/")
    base = stripping_proxy(server.port) if strips else f"{server.url}/tools/"
    client = Client(f"{base}echo/")
    page = client.session.get(client.base).text
    paths = re.findall(r'(?:src|href)="(/[^"]*)"', page)
    assert paths and all(path.startswith("/tools/") for path in paths), paths
    script = next(path for path in paths if ".js" in path)
    assert client.session.get(client.origin + script).status_code == 200
    assert client.config["requests_pathname_prefix"] == "/tools/echo/"
    assert client.session.get(f"{client.base}_dash-layout").status_code == 200
    assert client.run({"input_id.value": "hello"}).values["output_id.children"] == "You said hello"
    assert finishes_at(f"{base}empty/", {"button_id.n_clicks": 3})["paragraph_id.children"] == "Clicked 3 times"


# Shutdown


@pytest.mark.parametrize("supervise", ["--supervise", "--no-supervise"])
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_all_processes_in_any_state(start, ending, supervise):
    server = start("fault-app", supervise)
    idle = socket.create_connection(("127.0.0.1", server.port))
    kept = requests.Session()
    assert kept.get(f"{server.url}/_health").status_code == 200
    client, body, handle = running_job(server, "many", number=1)
    # A browser may hold four polls; a response to the fifth shows that the server holds the others.
    answers = []
    polls = [threading.Thread(target=lambda: answers.append(client.post(body, job=handle).status_code)) for _ in range(5)]
    for poll in polls:
        poll.start()
    wait_until(lambda: answers, 10, "the response to the surplus poll")
    assert answers == [200], "polls of a job without updates are held"
    before = server.processes()
    started = time.monotonic()
    server.process.send_signal(ending)
    assert server.process.wait(30) == 0
    took = time.monotonic() - started
    print(f"{ending.name}: exited after {took:.2f} s")
    assert took < 5 + 3, "the job's grace period, and a margin"
    nothing_is_left(server, before)
    for poll in polls:
        poll.join(5)
    assert answers == [200] * 5, "held polls get a response, so that their page polls again"
    idle.close()


@pytest.mark.parametrize("supervise", ["--supervise", "--no-supervise"])
def test_a_second_signal_stops_all_processes_immediately(start, supervise):
    server = start("fault-app", supervise)
    running_job(server)
    before = server.processes()
    server.process.send_signal(signal.SIGINT)
    wait_until(lambda: not server.is_healthy(), 10, "the server rejecting requests")
    assert server.process.poll() is None, "the job has its grace period"
    started = time.monotonic()
    server.process.send_signal(signal.SIGINT)
    assert server.process.wait(10) != 0
    assert time.monotonic() - started < 1
    nothing_is_left(server, before)


def test_ctrl_c_in_a_terminal_reaches_the_process_group_and_exits_cleanly(start):
    server = start("gallery")
    before = server.processes()
    os.killpg(server.pid, signal.SIGINT)
    assert server.process.wait(20) == 0
    nothing_is_left(server, before)


@pytest.mark.slow
def test_a_partial_request_does_not_block_the_shutdown(start):
    server = start("fault-app")
    before = server.processes()
    with socket.create_connection(("127.0.0.1", server.port)) as half:
        half.sendall(b"POST /own/_dash-update-component HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                     b"Content-Length: 1000\r\n\r\n{")
        wait_until(lambda: server.has_read(half), 10, "the partial request at the server")
        started = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(40)
        took = time.monotonic() - started
    print(f"with a partial request: exited after {took:.2f} s, code {server.process.returncode}")
    shutdown_grace, further = 5, 10
    assert took < shutdown_grace + further + 3
    nothing_is_left(server, before)


# Crashes and restarts


def test_all_processes_exit_without_their_supervisor(start):
    server = start("fault-app")
    running_job(server)
    before = server.processes()
    assert len(before) > 2, "supervisor, server and at least one worker"
    os.kill(server.pid, signal.SIGKILL)
    server.process.wait(5)
    nothing_is_left(server, before)


def test_a_killed_server_process_is_restarted_and_its_workers_exit(start):
    server = start("fault-app")
    running_job(server)
    serving, before = server.serving_pid(), server.processes()
    assert serving != server.pid
    os.kill(serving, signal.SIGKILL)
    took = seconds_until_healthy(server, serving)
    print(f"killed: healthy again after {took * 1000:.0f} ms")
    assert took < 2
    wait_until(lambda: not any(map(processes.is_alive, set(before) - {server.pid})), 5, "exit of the old workers")


def test_the_server_restarts_after_traps_in_a_regular_callback(start):
    server = start("fault-app")
    times = []
    for _ in range(3):
        client = Client(f"{server.url}/trap-in-server/")
        serving = server.serving_pid()
        with pytest.raises(requests.RequestException):
            client.post(client.body({"run.n_clicks": 1}))
        times.append(seconds_until_healthy(server, serving))
    print("trapped: healthy again after " + ", ".join(f"{took * 1000:.0f} ms" for took in times))
    assert max(times) < 2
    assert "SIGILL" in server.log_tail(200) or "SIGTRAP" in server.log_tail(200)
    finishes(server, "own")
    before = server.processes()
    assert server.stop() == 0
    nothing_is_left(server, before)


def test_without_a_supervisor_a_trap_stops_the_server(start):
    # Without a backtrace, which takes many seconds with symbols.
    server = start("fault-app", "--no-supervise", SWIFT_BACKTRACE="enable=no")
    assert server.serving_pid() == server.pid
    finishes(server, "own")
    before = server.processes()
    client = Client(f"{server.url}/trap-in-server/")
    with pytest.raises(requests.RequestException):
        client.post(client.body({"run.n_clicks": 1}))
    assert server.process.wait(20) in (-signal.SIGILL, -signal.SIGTRAP)
    nothing_is_left(server, before)


# Five jobs in one page


def test_cancel_works_with_five_jobs_in_one_page(fault_app, open_page):
    page = open_page(f"{fault_app.url}/many/")
    numbers = range(1, 6)
    for number in numbers:
        page.record(f"run{number}", f"return document.getElementById('run{number}').disabled")
        page.click(f"run{number}")
    for number in numbers:
        page.wait_enabled(f"stop{number}")
    wait_until(lambda: page.answered_requests() >= 5, 10, "the handles of all five jobs")
    times = []
    for number in numbers:
        clicked = page.script("const at = performance.now(); document.getElementById(arguments[0]).click(); return at",
                              f"stop{number}")
        page.wait_enabled(f"run{number}")
        at, disabled = page.recorded_times(f"run{number}")[-1]
        assert not disabled
        times.append(at - clicked)
    print("five jobs, cancel to button free: " + ", ".join(f"{took:.0f} ms" for took in times))
    assert max(times) < 500
    assert [page.text(f"text{number}") for number in numbers] == ["nothing yet"] * 5


# Helpers


def running_job(server, app="long", number=""):
    """A running job of at least six seconds: its page's client, the body of its polls, and its handle."""
    client = Client(f"{server.url}/{app}/")
    body = client.body({f"run{number}.n_clicks": 1}, output=f"text{number}.children")
    handle = client.post(body).json()["job"]
    notes = server.folder.parent / app
    wait_until(lambda: notes.exists() and notes.read_text(), 10, "the start of the job")
    return client, body, handle


def finishes(server, app):
    return finishes_at(f"{server.url}/{app}/", {"run.n_clicks": 1})


def finishes_at(url, values):
    outcome = Client(url).run(values)
    assert outcome.status == 200 and outcome.values
    return outcome.values


def seconds_until_healthy(server, old):
    """The time until a healthy response of a process other than `old`."""
    started = time.monotonic()
    wait_until(lambda: not processes.is_alive(old), 10, "exit of the old server process", pause=0.005)
    wait_until(server.is_healthy, 30, "a response of the new server process", pause=0.005)
    return time.monotonic() - started


def nothing_is_left(server, before):
    """Asserts that no process of `before` and none of the server's session is alive."""
    wait_until(lambda: not [pid for pid in before if processes.is_alive(pid)], 3, "exit of all its processes")
    assert processes.of_session(server.pid) == []


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)
