"""`metering rates check`: every problem of plans and decks. Leaves finding them to `rating`."""

from __future__ import annotations

import argparse

from metering.cli.parsing import Commands, add_json
from metering.errors import Fatal


def register(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser("rates", help="check plans and decks")
    actions = parser.add_subparsers(title="actions", metavar="check", required=True)
    check = actions.add_parser("check", help="print every problem with file, line and column")
    check.add_argument("path", nargs="?", metavar="PATH", help="a rates tree; METERING_RATES__DIR when left out")
    add_json(check)
    check.set_defaults(run=_check)


def _check(arguments: argparse.Namespace) -> int:
    """Exit 0 when the tree can be loaded (warnings are printed), else 1."""
    from pathlib import Path

    from metering.cli.output import print_json
    from metering.rating.check import check_rates
    from metering.settings import load_settings

    directory = Path(arguments.path) if arguments.path else load_settings().rates.dir
    try:
        problems = check_rates(directory)
    except OSError as error:
        raise Fatal(f"{directory}: {error.strerror}") from error
    errors = sum(problem.severity == "error" for problem in problems)
    if arguments.json:
        print_json({"ok": not errors, "problems": problems})
    else:
        for problem in problems:
            print(problem)
        print(f"{directory}: {errors} errors, {len(problems) - errors} warnings")
    return 1 if errors else 0
