"""The task of the gallery's Python page. Set REDIS_URL as for the gallery, then run:

    celery -A tasks worker -Q python
"""

import os
import time

from celery import Celery

broker = os.environ.get("CELERY_BROKER_URL") or os.environ["REDIS_URL"]
app = Celery("tasks", broker=broker, backend=os.environ.get("CELERY_RESULT_BACKEND") or os.environ["REDIS_URL"])


@app.task(bind=True, name="tasks.count")
def count(self, clicks):
    if clicks == 3:
        raise ValueError("three is too many")
    for step in range(6):
        self.update_state(state="PROGRESS", meta={"current": str(step), "total": "5"})
        time.sleep(0.3)
    return f"Python counted to 5 at click {clicks}"
