"""`metering reconcile`: Redis, Postgres and the entries' sums against each other. Leaves comparing to `checkpoint`."""

from __future__ import annotations

import argparse

from metering.cli.parsing import Commands, add_json

SHOWN_MAX = 20


def register(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser("reconcile", help="compare Redis, Postgres and the sums of the ledger's entries")
    parser.add_argument("--chains", action="store_true", help="compute every wallet's hash chain again, too")
    add_json(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    """Exit 0 when nothing differs and all could be compared, else 1. Changes nothing, also when it is interrupted."""
    import asyncio

    from msgspec import to_builtins

    from metering.cli.output import fail, print_json
    from metering.cli.reconciling import describe_difference, reconcile_all
    from metering.settings import load_settings

    found, chains = asyncio.run(reconcile_all(load_settings(), chains=arguments.chains))
    broken = chains.broken_wallets if chains else 0
    if arguments.json:
        print_json({**to_builtins(found), "chains": chains})
    else:
        for difference in found.differing[:SHOWN_MAX]:
            fail(describe_difference(difference))
        for link in chains.broken[:SHOWN_MAX] if chains else ():
            fail(f"chain of {link.customer} {link.wallet} is broken at {link.entry or 'its end'}: {link.why}")
        told = f", {broken} broken chains" if chains else ""
        print(f"{found.wallets:,} wallets, {found.entries:,} entries, drift {found.drift}{told}")
    if found.behind:
        fail(f"{found.behind:,} wallets are not in the books as far as they are in Redis: does a checkpointer run?")
    return 1 if found.drift or found.behind or broken else 0
