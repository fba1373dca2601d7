"""The queues of these tests."""

from kombu import Exchange, Queue

#: Swift's own queue. On RabbitMQ it has priorities; whoever sends to it there declares it with them.
SWIFT = Queue("dash", Exchange("dash"), "dash", max_priority=10)

#: The queue of the Python workers.
PYTHON = "python"
