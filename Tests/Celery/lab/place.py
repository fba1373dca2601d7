"""A broker with an application, an event receiver, and a worker of each language."""

import uuid

from celery import Celery

from .events import Events
from .workers import PythonWorker, SwiftWorker


def application(broker, backend, prefix=""):
    """An application without tasks, which sends by name."""
    app = Celery("tests", broker=broker, backend=backend, set_as_current=False)
    app.conf.update(broker_connection_retry_on_startup=True, result_expires=600)
    if prefix:
        app.conf.broker_transport_options = {"global_keyprefix": f"{prefix}_"}
        app.conf.result_backend_transport_options = {"global_keyprefix": prefix}
    return app


class Place:
    """One broker, `redis` or `rabbitmq`. Results are always in Redis."""

    SWIFT_QUEUE = "dash"
    PYTHON_QUEUE = "python"

    def __init__(self, name, broker, backend, folder, prefix=""):
        self.name = name
        self.prefix = prefix
        self.broker, self.backend = broker, backend
        self.folder = folder
        self.app = application(broker, backend, prefix)
        self.events = Events(self.app)
        self._started = []

    def swift_worker(self, name="swift", queue=SWIFT_QUEUE, **options):
        return self._with(SwiftWorker(self, f"{name}@{self.name}", queue, **options))

    def python_worker(self, name="python", queue=PYTHON_QUEUE, **options):
        return self._with(PythonWorker(self, f"{name}@{self.name}", queue, **options))

    @property
    def swift_options(self):
        """The command line options of a Swift program for the prefix."""
        return ["--broker-key-prefix", f"{self.prefix}_", "--result-key-prefix", self.prefix] if self.prefix else []

    def _with(self, worker):
        self._started.append(worker)
        return worker.wait_ready()

    def send(self, task, *args, queue=SWIFT_QUEUE, **options):
        return self.app.send_task(task, args=args, queue=queue, **options)

    def ask(self, worker, method, **arguments):
        """The reply of one worker to a command."""
        [answer] = self.app.control.broadcast(
            method, arguments=arguments, destination=[worker.node], reply=True, timeout=10, limit=1)
        return answer[worker.node]

    def close(self):
        for worker in reversed(self._started):
            worker.stop()
        self.events.stop()


def new_id():
    return str(uuid.uuid4())
