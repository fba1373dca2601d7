"""Two builds of ours, A and B, measured in turn: what a change does, on a machine that is not quiet."""

import argparse
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from . import ROOT

BEGAN = time.monotonic()


@dataclass
class Row:
    """One figure: what it is, its name among the figures of a run, and how it is written."""

    what: str
    name: str
    unit: str
    digits: int
    better: str  # "higher" or "lower"

    def text(self, value, missing="–"):
        return missing if value is None else f"{value:,.{self.digits}f} {self.unit}"

    def ratio(self, mine, theirs):
        """How many times better mine is."""
        if not mine or not theirs:
            return None
        return mine / theirs if self.better == "higher" else theirs / mine


def add_options(parser, names, default=None):
    """The options of both scripts: which builds are measured, how often, and what of them."""

    def folder(text):
        path = Path(text).resolve()
        if not path.is_dir():
            raise argparse.ArgumentTypeError(f"{text} is not a folder")
        return path

    def figures(text):
        chosen = set(text.split(","))
        if unknown := chosen - set(names):
            raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))}: there are {', '.join(names)}")
        return chosen

    parser.add_argument("--build", type=folder, default=ROOT / ".build/release", metavar="FOLDER",
                        help="A: the folder of the programs (.build/release)")
    parser.add_argument("--against", type=folder, metavar="FOLDER", help="B: the folder of another build's programs")
    parser.add_argument("--pairs", type=int, default=5, help="with --against: how often in turn (%(default)s)")
    parser.add_argument("--figures", type=figures, default=set(default or names), metavar="NAME,…",
                        help=f"of {', '.join(names)}")


def step(what):
    """Says what is measured now: a whole run takes minutes."""
    print(f"[{time.monotonic() - BEGAN:5.0f} s] {what}", file=sys.stderr, flush=True)


def measure(first, second, pairs):
    """Figures by name of both, one list each: A B, B A, A B, …, so that neither is always the one that comes later."""
    found = {"A": [], "B": []}
    for number in range(pairs):
        order = [("A", first), ("B", second)]
        for name, run in order if number % 2 == 0 else reversed(order):
            step(f"pair {number + 1} of {pairs}: {name}")
            found[name].append(run())
    return found["A"], found["B"]


def table(rows, ours, others):
    """For each figure the medians, A ÷ B, and the range of that quotient over the pairs, which shows the noise."""
    lines = ["| what | A | B | A ÷ B | over the pairs | better |", "|---|--:|--:|--:|--:|---|"]
    for row in rows:
        pairs = [(a.get(row.name), b.get(row.name)) for a, b in zip(ours, others)]
        if not any(row.name in run for run in ours + others):
            continue
        known = [pair for pair in pairs if None not in pair and all(pair)]
        a, b = (_median([pair[side] for pair in pairs]) for side in (0, 1))
        quotients = sorted(one / other for one, other in known)
        quotient = f"{a / b:.2f}" if a and b else "–"
        spread = f"{quotients[0]:.2f}–{quotients[-1]:.2f}" if quotients else "–"
        missing = sum(None in pair for pair in pairs)
        note = f" ({missing} pairs without a value)" if missing else ""
        lines.append(f"| {row.what}{note} | {row.text(a)} | {row.text(b)} | {quotient} | {spread} | {row.better} |")
    return lines


def _median(values):
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None
