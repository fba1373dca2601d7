"""Celery's command line, run in this process, because starting Python for each command is slow."""

import json
import subprocess
import sys
import types

from celery.bin.celery import celery
from click.testing import CliRunner

from .process import Program
from .workers import FOLDER


def module_of(place):
    """The name of a module with the place's application, for the option `-A`."""
    name = f"lab_{place.name}"
    if name not in sys.modules:
        sys.modules[name] = types.ModuleType(name)
        sys.modules[name].app = place.app
    return name


def run(place, *arguments):
    """Runs `celery ARGUMENTS`; returns the exit code and output."""
    result = CliRunner().invoke(celery, ["-A", module_of(place), *map(str, arguments)], catch_exceptions=False)
    return result.exit_code, result.output


def inspect(place, worker, *arguments):
    """The output of `celery inspect ARGUMENTS` for one worker."""
    return _ask("inspect", place, worker, arguments)


def control(place, worker, *arguments):
    """The output of `celery control ARGUMENTS` for one worker."""
    return _ask("control", place, worker, arguments)


def _ask(kind, place, worker, arguments):
    code, output = run(place, kind, "--json", "-t", 10, "-d", worker.node, *arguments)
    assert code == 0, output
    answers = json.loads(output)
    # `control` prints a list with an object for each worker, `inspect` a single object.
    return (answers[0] if isinstance(answers, list) else answers)[worker.node]


def command(place, *arguments):
    """The command line of `celery` as a separate process."""
    return [sys.executable, "-m", "celery", "-b", place.broker, "--result-backend", place.backend, *map(str, arguments)]


def run_alone(place, *arguments, timeout=30):
    """Runs `celery ARGUMENTS` as a separate process; returns the exit code and output."""
    done = subprocess.run(command(place, *arguments), cwd=FOLDER, capture_output=True, text=True, timeout=timeout)
    return done.returncode, done.stdout + done.stderr


def start(place, name, *arguments, environment=None):
    """Starts `celery ARGUMENTS` as a separate process."""
    return Program(name, command(place, *arguments), place.folder, environment, cwd=FOLDER)
