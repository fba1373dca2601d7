"""Two web servers, two workers and their broker, each with its own proxies to the broker, which can fail separately."""

import os
import signal

import redis
from lab.servers import RabbitMQ, Redis
from support import processes
from support.fleet import SECRET, Worker
from support.proxy import Proxy
from support.server import Server
from support.waiting import wait_until

PROGRAM = "fault-app"


class Brokers:
    """Redis, and RabbitMQ if it carries the messages. Both keep their data over a restart."""

    def __init__(self, kind, folder):
        self.kind = kind
        self.redis = Redis(folder, durable=True)
        self.rabbitmq = RabbitMQ(folder).wait_ready() if kind == "rabbitmq" else None
        self.all = {"redis": self.redis} | ({"rabbitmq": self.rabbitmq} if self.rabbitmq else {})

    def stop(self):
        for broker in self.all.values():
            broker.stop()


class Part:
    """A web server or a worker with its own proxies to the brokers."""

    def __init__(self, name, brokers, folder):
        self.name = name
        self.folder = folder / name
        self.folder.mkdir()
        self.ways = {broker: Proxy(server.port) for broker, server in brokers.all.items()}
        redis = f"redis://127.0.0.1:{self.ways['redis'].port}/0"
        self.environment = {"DASH_SECRET_KEY": SECRET, "FAULT_FOLDER": str(folder)} | (
            {"REDIS_URL": redis} if brokers.kind == "redis" else
            {"CELERY_BROKER_URL": f"amqp://guest:guest@127.0.0.1:{self.ways['rabbitmq'].port}//", "CELERY_RESULT_BACKEND": redis})

    def terminate(self):
        self.process.terminate()

    def wait_ended(self, timeout=60):
        """Waits for the end of all processes of the program; returns the exit code."""
        everything = processes.of_session(self.process.pid)
        code = self.process.wait(timeout)
        wait_until(lambda: not any(map(processes.is_alive, everything)), 30, f"the end of all processes of {self.name}")
        return code

    def close(self):
        for way in self.ways.values():
            way.close()


class Web(Part):
    def __init__(self, name, brokers, folder):
        super().__init__(name, brokers, folder)
        self.server = Server(PROGRAM, self.folder, environment=self.environment)
        self.front = Proxy(self.server.port)
        self.launch()

    @property
    def process(self):
        return self.server.process

    @property
    def url(self):
        return f"{self.front.url}/chaos/"

    def launch(self):
        self.server.launch()

    def kill(self):
        self.server.kill()

    def wait_ready(self):
        self.server.wait_healthy()

    def log_tail(self):
        return self.server.log_tail()

    def close(self):
        self.front.close()
        super().close()


class Labourer(Part):
    """A worker. A restart creates a new one with the same name."""

    def __init__(self, name, brokers, folder):
        super().__init__(name, brokers, folder)
        self.redis = brokers.redis
        self.launch()

    @property
    def process(self):
        return self.worker.process

    def launch(self):
        self.worker = Worker(PROGRAM, self.name, self.folder, self.environment)

    def kill(self):
        os.kill(self.process.pid, signal.SIGCONT)
        self.worker.kill()

    def kill_child(self, choose):
        """Kills one of the processes that run jobs, chosen by `choose`."""
        children = self.worker.processes()[1:]
        if children:
            os.kill(choose(children), signal.SIGKILL)

    def freeze(self):
        os.kill(self.process.pid, signal.SIGSTOP)

    def thaw(self):
        os.kill(self.process.pid, signal.SIGCONT)

    def wait_ready(self):
        with redis.Redis(port=self.redis.port) as results:
            pattern = f"dash:worker:{self.name}@test*"
            wait_until(lambda: results.pubsub_channels(pattern), 60, lambda: f"{self.name} listening\n{self.log_tail()}")

    def log_tail(self):
        return self.worker.log_tail()


class Fleet:
    def __init__(self, kind, folder):
        self.folder = folder
        self.brokers = Brokers(kind, folder)
        self.webs = [Web(f"web{number}", self.brokers, folder) for number in (1, 2)]
        self.workers = [Labourer(f"worker{number}", self.brokers, folder) for number in (1, 2)]
        self.parts = {part.name: part for part in self.webs + self.workers}

    def wait_ready(self):
        for part in self.parts.values():
            part.wait_ready()
        return self

    def stop(self):
        """Terminates all parts; returns their exit codes."""
        for part in self.parts.values():
            part.terminate()
        codes = {name: part.wait_ended() for name, part in self.parts.items()}
        for part in self.parts.values():
            part.close()
        self.brokers.stop()
        return codes
