"""The events of workers, received as by Celery's own monitors."""

import threading


class Events:
    """Collects all events of a broker from its creation on."""

    def __init__(self, app):
        self.app = app
        self.seen = []
        self._news = threading.Condition()
        self._listens = threading.Event()
        self._stops = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()
        assert self._listens.wait(10)

    def _listen(self):
        with self.app.connection() as connection:
            receiver = self.app.events.Receiver(connection, handlers={"*": self._heard})
            with receiver.consumer_context() as (connection, _, _):
                self._listens.set()
                while not self._stops.is_set():
                    try:
                        connection.drain_events(timeout=0.5)
                    except TimeoutError:
                        continue

    def _heard(self, event):
        with self._news:
            self.seen.append(event)
            self._news.notify_all()

    def of(self, task):
        """The events of a task, in order of arrival."""
        with self._news:
            return [event for event in self.seen if event.get("uuid") == task]

    def wait_for(self, type, timeout=20, **fields):
        """Returns the first event of a type with these fields, received or awaited."""

        def found():
            for event in self.seen:
                if event["type"] == type and all(event.get(name) == value for name, value in fields.items()):
                    return event
            return None

        with self._news:
            assert self._news.wait_for(found, timeout), f"no {type} {fields} among {self._summary()}"
            return found()

    def forget(self):
        with self._news:
            self.seen.clear()

    def _summary(self):
        return [(event["type"], event.get("uuid") or event.get("hostname")) for event in self.seen]

    def stop(self):
        self._stops.set()
        self._thread.join(5)
