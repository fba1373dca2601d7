"""The Celery tasks of the queue measurements, the same as in celery-fixture."""

import os
import time

from celery import Celery

app = Celery("stock", broker=os.environ["CELERY_BROKER_URL"], backend=os.environ["CELERY_RESULT_BACKEND"])
app.conf.update(broker_connection_retry_on_startup=True, task_default_queue="stock", result_expires=3600)


@app.task(name="stock.noop")
def noop():
    return None


@app.task(name="stock.kill", acks_late=True)
def kill(signal):
    os.kill(os.getpid(), signal)


@app.task(name="stock.mark", acks_late=True)
def mark(file, seconds):
    """Records its start in a file, then sleeps."""
    with open(file, "a") as notes:
        notes.write(f"start {time.time()}\n")
    time.sleep(seconds)
