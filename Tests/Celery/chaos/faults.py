"""Random faults: a plan made from a seed, and its execution."""

import random
import signal
from dataclasses import dataclass

WEBS = ("web1", "web2")
WORKERS = ("worker1", "worker2")


@dataclass(frozen=True)
class Fault:
    """A fault of `part`, or of its connection to `broker`, which begins at `at` and lasts `lasts` seconds."""

    at: float
    kind: str
    part: str
    broker: str
    lasts: float
    choice: float


#: For each kind its weight, its parts, and its minimum and maximum duration in seconds. A worker can be stopped or
#: partitioned for longer than its lease of six seconds.
KINDS = {
    "kill": (4, WORKERS + WEBS, 0.2, 2),
    "kill a child": (4, WORKERS, 0, 0),
    "terminate": (2, WORKERS + WEBS, 0.5, 1),
    "stop": (3, WORKERS, 0.5, 9),
    "lose answers": (2, WEBS, 0.3, 2),
    "cut": (4, WORKERS + WEBS, 0, 0),
    "half-open": (3, WORKERS + WEBS, 0, 0),
    "part": (3, WORKERS + WEBS, 0.5, 9),
    "refuse": (2, WORKERS + WEBS, 0.5, 4),
    "restart": (1, ("broker",), 0.2, 1),
    "kill the broker": (1, ("broker",), 0.2, 1),
}


def plan(seed, seconds, brokers):
    """The faults of a run, the same for the same arguments. A part has one fault at a time."""
    dice, faults, free, now = random.Random(seed), [], {}, 0.5
    names, weights = list(KINDS), [kind[0] for kind in KINDS.values()]
    while now < seconds:
        kind = dice.choices(names, weights)[0]
        _, parts, least, most = KINDS[kind]
        if whole := [part for part in parts if free.get(part, 0) <= now]:
            fault = Fault(now, kind, dice.choice(whole), dice.choice(brokers), dice.uniform(least, most), dice.random())
            faults.append(fault)
            # A restarted program needs time to work.
            free[fault.part] = now + fault.lasts + (15 if fault.part == "broker" else 1)
        now += dice.uniform(0.2, 1.4)
    return faults


def steps(faults):
    """The beginnings and ends of faults, in order: seconds, fault, whether it begins."""
    return sorted(((at, fault, begins) for fault in faults
                   for at, begins in ((fault.at, True), (fault.at + fault.lasts, False))),
                  key=lambda step: (step[0], not step[2]))


class Injector:
    """Applies faults to a fleet."""

    def __init__(self, fleet):
        self.fleet = fleet

    def do(self, fault, begins):
        action = getattr(self, f"_{fault.kind.replace(' ', '_').replace('-', '_')}")
        action(fault, self.fleet.parts.get(fault.part), begins)

    def _kill(self, fault, part, begins):
        part.kill() if begins else part.launch()

    def _kill_a_child(self, fault, part, begins):
        if begins:
            part.kill_child(lambda children: children[int(fault.choice * len(children))])

    def _terminate(self, fault, part, begins):
        if begins:
            part.terminate()
        else:
            part.wait_ended()
            part.launch()

    def _stop(self, fault, part, begins):
        part.freeze() if begins else part.thaw()

    def _lose_answers(self, fault, part, begins):
        part.front.lose_answers() if begins else part.front.mend()

    def _cut(self, fault, part, begins):
        if begins:
            part.ways[fault.broker].cut()

    def _half_open(self, fault, part, begins):
        if begins:
            part.ways[fault.broker].half_open()

    def _part(self, fault, part, begins):
        part.ways[fault.broker].part() if begins else part.ways[fault.broker].mend()

    def _refuse(self, fault, part, begins):
        part.ways[fault.broker].refuse() if begins else part.ways[fault.broker].mend()

    def _restart(self, fault, _, begins):
        self._broker(fault, begins, signal.SIGTERM)

    def _kill_the_broker(self, fault, _, begins):
        # RabbitMQ is stopped cleanly, because it may lose unconfirmed messages when killed; Redis must lose nothing.
        self._broker(fault, begins, signal.SIGKILL if fault.broker == "redis" else signal.SIGTERM)

    def _broker(self, fault, begins, number):
        broker = self.fleet.brokers.all[fault.broker]
        if begins:
            broker.signal(number)
            return
        broker.wait(60)
        broker.launch()
        broker.wait_ready()
