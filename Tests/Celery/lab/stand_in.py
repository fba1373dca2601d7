"""The tasks of celery-fixture for Celery's own worker; see STAND_IN in workers.py."""

import os
import time

from celery import Celery

app = Celery("stand_in", broker=os.environ["LAB_BROKER"], backend=os.environ["LAB_BACKEND"])
app.conf.update(broker_connection_retry_on_startup=True, task_default_queue="dash", task_acks_late=True,
                worker_prefetch_multiplier=1, result_expires=600)


@app.task(name="fixture.add")
def add(x, y=0):
    return x + y


@app.task(name="fixture.sleep")
def sleep(seconds):
    time.sleep(seconds)
    return "slept"


@app.task(name="fixture.fail")
def fail(message):
    raise RuntimeError(message)


@app.task(name="fixture.echo")
def echo(*values):
    return list(values)


@app.task(name="fixture.sum")
def total(numbers):
    return sum(numbers)
