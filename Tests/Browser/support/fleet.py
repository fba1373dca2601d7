"""A program as in production: web servers behind a balancer, workers, and a queue."""

import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import redis
import requests

from lab.servers import RabbitMQ, Redis, needed

from . import processes
from .proxy import Proxy
from .server import ROOT, Server, free_port, program
from .waiting import wait_until

SECRET = "the secret of these tests only"


class Queue:
    """Redis, or RabbitMQ with results in Redis, on their own servers."""

    def __init__(self, kind, folder):
        self.kind = kind
        self.redis = Redis(folder)
        # Between the programs and Redis, to interrupt the connection.
        self.proxy = Proxy(self.redis.port)
        self.rabbitmq = RabbitMQ(folder).wait_ready() if kind == "rabbitmq" else None
        self.results = redis.Redis(port=self.redis.port)

    @property
    def environment(self):
        address = f"redis://127.0.0.1:{self.proxy.port}/0"
        if self.rabbitmq:
            return {"CELERY_BROKER_URL": self.rabbitmq.url, "CELERY_RESULT_BACKEND": address}
        return {"REDIS_URL": address}

    def stop(self):
        self.results.close()
        self.proxy.close()
        self.redis.stop()
        if self.rabbitmq:
            self.rabbitmq.stop()


class Worker:
    """The program's `worker` command."""

    def __init__(self, name, node, folder, environment):
        self.node = node
        self.program = program(name)
        self.log = Path(folder) / f"{node}.log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [self.program, "worker", "--hostname", f"{node}@test", "--concurrency", "8", "--events"],
                env=os.environ | environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=folder,
                start_new_session=True,
            )

    @property
    def pid(self):
        return self.process.pid

    def processes(self):
        return processes.tree(self.pid)

    def kill(self):
        """Sends SIGKILL to the worker only, and returns the ids of its child processes, which must exit."""
        children = self.processes()[1:]
        os.kill(self.pid, signal.SIGKILL)
        self.process.wait(10)
        return children

    def stop(self, timeout=30):
        if self.process.poll() is not None:
            return self.process.returncode
        everything = self.processes()
        self.process.terminate()
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.node} did not exit within {timeout} s of SIGTERM:\n{self.log_tail()}") from None
        wait_until(lambda: not any(map(processes.is_alive, everything)), 5, "exit of all processes of the worker")
        return code

    def log_tail(self, lines=40):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


class Balancer:
    """nginx with the configuration of deploy/, which passes each request to the next server."""

    def __init__(self, ports, folder):
        [nginx] = needed("nginx")
        self.port = free_port()
        self.folder = Path(folder) / "nginx"
        self.folder.mkdir()
        text = (ROOT / "deploy/nginx.conf").read_text()
        text = text.replace("listen 8080", f"listen 127.0.0.1:{self.port}").replace("/tmp/nginx", f"{self.folder}/nginx")
        text = re.sub(r"web([12]):8050", lambda name: f"127.0.0.1:{ports[int(name[1]) - 1]}", text)
        (self.folder / "nginx.conf").write_text(text)
        command = [nginx, "-p", str(self.folder), "-c", str(self.folder / "nginx.conf"), "-e", str(self.folder / "log")]
        self.process = subprocess.Popen(
            [*command, "-g", "daemon off;"], stderr=(self.folder / "errors").open("ab"), start_new_session=True
        )

    def stop(self):
        self.process.terminate()
        self.process.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)


class Fleet:
    """Two web servers, two workers."""

    def __init__(self, name, queue, folder):
        self.name = name
        self.queue = queue
        self.folder = Path(folder)
        self.environment = queue.environment | {"DASH_SECRET_KEY": SECRET, "LOG_LEVEL": "debug"}
        self.servers, self.proxies, self.workers = [], [], []
        self.balancer = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def port(self):
        return self.balancer.port

    def start(self):
        for number in (1, 2):
            folder = self.folder / f"web{number}"
            folder.mkdir()
            self.servers.append(Server(self.name, folder, environment=self.environment).start())
            # Between the balancer and the server, to record requests.
            self.proxies.append(Proxy(self.servers[-1].port))
        for number in (1, 2):
            self.add_worker(f"worker{number}")
        self.balancer = Balancer([proxy.port for proxy in self.proxies], self.folder)
        wait_until(lambda: self.is_healthy(), 20, "a response of the balancer")
        return self

    def add_worker(self, node):
        worker = Worker(self.name, node, self.folder, self.environment)
        self.workers.append(worker)
        wait_until(lambda: self._listens(worker), 60, lambda: f"{node} listening\n{worker.log_tail()}")
        return worker

    def worker_of(self, what="a job that runs"):
        """The worker of the only running job, according to its record."""

        def found():
            jobs = self.queue.results.zrange("dash:running", 0, -1)
            holders = [self.queue.results.hget(b"dash:job:" + job, "holder") for job in jobs]
            return next((worker for worker in self.workers for holder in holders
                         if holder and holder.decode().startswith(f"{worker.node}@test")), None)

        return wait_until(found, 10, what)

    def processes(self):
        return [pid for part in self.servers + self.workers for pid in part.processes()]

    def polls_of_servers(self):
        """The number of polls that each server received."""
        return [sum("&job=" in path or "?job=" in path for path in proxy.requests) for proxy in self.proxies]

    def stop(self):
        if self.balancer:
            self.balancer.stop()
        for proxy in self.proxies:
            proxy.close()
        for part in self.workers + self.servers:
            part.stop()

    def is_healthy(self):
        """Whether a web server responds through the balancer."""
        try:
            return requests.get(f"{self.url}/_health", timeout=5).status_code == 200
        except requests.RequestException:
            return False

    def _listens(self, worker):
        if worker.process.poll() is not None:
            raise AssertionError(f"{worker.node} exited with {worker.process.returncode}:\n{worker.log_tail()}")
        names = self.queue.results.pubsub_channels("dash:worker:*")
        return any(name.decode().startswith(f"dash:worker:{worker.node}@test") for name in names)
