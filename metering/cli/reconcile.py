"""`metering reconcile`: Redis, Postgres and the entries' sums against each other. Leaves comparing to `checkpoint`."""

from __future__ import annotations

import argparse

from metering.cli.parsing import Commands, add_json

SHOWN_MAX = 20


def register(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser("reconcile", help="compare Redis, Postgres and the sums of the ledger's entries")
    add_json(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    """Exit 0 when nothing differs and all could be compared, else 1. Changes nothing, also when it is interrupted."""
    import asyncio

    from metering.cli.output import fail, print_json
    from metering.cli.reconciling import describe_difference, reconcile_all
    from metering.settings import load_settings

    found = asyncio.run(reconcile_all(load_settings()))
    if arguments.json:
        print_json(found)
    else:
        for difference in found.differing[:SHOWN_MAX]:
            fail(describe_difference(difference))
        print(f"{found.wallets:,} wallets, {found.entries:,} entries, drift {found.drift}")
    if found.behind:
        fail(f"{found.behind:,} wallets are not in the books as far as they are in Redis: does a checkpointer run?")
    return 1 if found.drift or found.behind else 0
