"""Compares two builds, A and B, in alternating runs: the effect of a change on a machine with other load."""

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
    """One figure: its description, its name among the figures of a run, and its format."""

    what: str
    name: str
    unit: str
    digits: int
    better: str  # "higher" or "lower"

    def text(self, value, missing="–"):
        return missing if value is None else f"{value:,.{self.digits}f} {self.unit}"

    def ratio(self, mine, theirs):
        """The factor by which mine is better."""
        if not mine or not theirs:
            return None
        return mine / theirs if self.better == "higher" else theirs / mine


def add_options(parser, names, default=None):
    """Adds the options of both scripts: builds, number of pairs, and figures."""

    def folder(text):
        path = Path(text).resolve()
        if not path.is_dir():
            raise argparse.ArgumentTypeError(f"{text} is not a folder")
        return path

    def figures(text):
        chosen = set(text.split(","))
        if unknown := chosen - set(names):
            raise argparse.ArgumentTypeError(f"unknown: {', '.join(sorted(unknown))}; choose from {', '.join(names)}")
        return chosen

    parser.add_argument("--build", type=folder, default=ROOT / ".build/release", metavar="FOLDER",
                        help="A: folder of the programs (default .build/release)")
    parser.add_argument("--against", type=folder, metavar="FOLDER", help="B: folder of the programs of another build")
    parser.add_argument("--pairs", type=int, default=5, help="with --against: number of pairs of runs (default %(default)s)")
    parser.add_argument("--figures", type=figures, default=set(default or names), metavar="NAME,…",
                        help=f"a list of: {', '.join(names)}")


def step(what):
    """Prints the current step."""
    print(f"[{time.monotonic() - BEGAN:5.0f} s] {what}", file=sys.stderr, flush=True)


def measure(first, second, pairs):
    """The figures of all runs of A and of B. The order alternates (A B, B A, …), so that neither always runs second."""
    found = {"A": [], "B": []}
    for number in range(pairs):
        order = [("A", first), ("B", second)]
        for name, run in order if number % 2 == 0 else reversed(order):
            step(f"pair {number + 1} of {pairs}: {name}")
            found[name].append(run())
    return found["A"], found["B"]


def table(rows, ours, others):
    """The medians of each figure, A ÷ B, and the range of this quotient over the pairs, which shows the noise."""
    lines = ["| measurement | A | B | A ÷ B | range over pairs | better |", "|---|--:|--:|--:|--:|---|"]
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
