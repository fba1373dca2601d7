"""A Python application whose workers run these tasks."""

import os
import time

from celery import Celery

app = Celery("python_tasks", broker=os.environ["LAB_BROKER"], backend=os.environ["LAB_BACKEND"])
app.conf.update(broker_connection_retry_on_startup=True, task_default_queue="python", result_expires=600)
if prefix := os.environ.get("LAB_PREFIX"):
    app.conf.broker_transport_options = {"global_keyprefix": f"{prefix}_"}
    app.conf.result_backend_transport_options = {"global_keyprefix": prefix}


@app.task(name="py.add")
def add(x, y=0):
    return x + y


@app.task(name="py.total")
def total(numbers):
    return sum(numbers)


@app.task(name="py.tree", bind=True)
def tree(self, value):
    """The task's position in a tree of tasks, and its argument."""
    return {"value": value, "root": self.request.root_id, "parent": self.request.parent_id}


@app.task(name="py.note")
def note(*values):
    """The arguments from a link."""
    return list(values)


@app.task(name="py.progress", bind=True)
def progress(self, steps):
    for step in range(1, steps + 1):
        self.update_state(state="PROGRESS", meta={"done": step, "total": steps})
        time.sleep(0.05)
    return steps


@app.task(name="py.call")
def call(name, *args):
    """Sends another task by its name."""
    return app.send_task(name, args=args, queue="dash").id
