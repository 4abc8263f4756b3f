"""The command line's composition: one parser, one exit code. Leaves what a command does to its own module.

Exit codes: 0 = done, 1 = refused or failed, 2 = wrong usage (arguments or settings).
"""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from metering.cli.output import fail
from metering.errors import MeteringError

DONE = 0
FAILED = 1
WRONG_USAGE = 2

# One module a command, in the order of `metering --help`. Each has `register`, and imports what it needs when it runs.
COMMANDS = (
    "up",
    "demo",
    "bench",
    "processes",
    "topics",
    "migrate",
    "send",
    "command",
    "customer",
    "balance",
    "statement",
    "estimate",
    "rates",
    "reconcile",
    "ledger",
    "checkpoint",
    "replay",
    "bucket",
    "dead_letters",
    "drill",
)


def build_parser() -> argparse.ArgumentParser:
    """Return the whole command line. Every command sets `run`, which takes the arguments and returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="metering",
        description="Prepaid messaging credit, metered in real time. Settings come from METERING_… variables or .env.",
        epilog="Exit codes: 0 done, 1 refused or failed, 2 wrong usage. Logs go to stderr.",
    )
    parser.add_argument("--version", action="store_true", help="print the version and leave")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for name in COMMANDS:
        importlib.import_module(f"metering.cli.{name}").register(commands)
    return parser


def run(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; wrong arguments raise `SystemExit(2)`, as argparse does."""
    parser = build_parser()
    arguments = parser.parse_args(argv)
    if arguments.version:
        from importlib.metadata import version

        print(version("metering"))
        return DONE
    if "run" not in arguments:
        parser.error("a command is needed")
    # What a library has to say of a failure is in the refusal; only the long-running processes log.
    logging.getLogger().addHandler(logging.NullHandler())
    try:
        code: int = arguments.run(arguments)
    except MeteringError as error:
        fail(str(error))
        # A wrong setting is as much wrong usage as a wrong option is; its class is not imported for every command.
        return WRONG_USAGE if type(error).__name__ == "WrongSetting" else FAILED
    except KeyboardInterrupt:
        fail("interrupted")
        return FAILED
    except BrokenPipeError:
        # Whoever read our output has had enough (`… | head`); the interpreter would complain when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    return code


def main() -> NoReturn:
    """Run as a program."""
    sys.exit(run())
