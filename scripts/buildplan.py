"""Reads the compiler and the import flags of modules from the plan of the last debug build."""

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLAN = ROOT / ".build/debug.yaml"


def command(module):
    """The compiler's command line for a module; exits if there is no build."""
    if not PLAN.exists():
        sys.exit("No debug build found: run `swift build --build-tests` first.")
    for line in PLAN.read_text().splitlines():
        if f'"-module-name","{module}"' in line:
            return json.loads(line[line.index("[") :])
    sys.exit(f"The debug build has no module {module}: run `swift build --build-tests` first.")


def has(module):
    """Whether the package has the module."""
    return PLAN.exists() and f'"-module-name","{module}"' in PLAN.read_text()


def search_flags(*modules):
    """The flags that the imports of the modules need."""
    flags = {}
    for module in modules:
        arguments = command(module)
        for place, flag in enumerate(arguments):
            if flag == "-I" and arguments[place - 1] != "-Xcc":
                flags["-I", arguments[place + 1]] = True
            elif flag == "-I":
                flags["-Xcc", "-I" + arguments[place + 2]] = True
            elif flag.startswith("-fmodule-map-file"):
                flags["-Xcc", flag] = True
    return [flag for pair in flags for flag in pair]


def target():
    """The target triple of the build."""
    arguments = command("Dash")
    return arguments[arguments.index("-target") + 1]
