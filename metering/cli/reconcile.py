"""`metering reconcile`: Redis, Postgres and the entries' sums against each other. Leaves comparing to `checkpoint`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from metering.cli.parsing import Commands, add_json

if TYPE_CHECKING:
    from metering.checkpoint.reconcile import Reconciliation

SHOWN_MAX = 20


def register(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser("reconcile", help="compare Redis, Postgres and the sums of the ledger's entries")
    parser.add_argument(
        "--repair",
        choices=("ledger", "redis"),
        help="whose figures shall hold. ledger: Redis is restored from it; redis: then entries adjust the ledger",
    )
    parser.add_argument("--actor", help="who repairs, as it stands in the entries")
    parser.add_argument("--reason", help="why, in your words")
    add_json(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    """Exit 0 when nothing differs and all could be compared, else 1.

    Changes nothing without `--repair`, also when it is interrupted; with it, see `repairing`.
    """
    if arguments.repair:
        return _repair(arguments)
    from metering.cli.output import print_json
    from metering.cli.reconciling import reconcile_all
    from metering.cli.running import run_async
    from metering.settings import load_settings

    found = run_async(reconcile_all(load_settings()))
    if arguments.json:
        print_json(found)
    return _tell(found, quiet=arguments.json)


def _repair(arguments: argparse.Namespace) -> int:
    from metering.cli.output import fail, print_json
    from metering.cli.repairing import repair
    from metering.cli.running import run_async
    from metering.settings import load_settings

    if not (arguments.actor and arguments.reason):
        fail("--repair needs --actor and --reason")
        return 2
    done = run_async(repair(load_settings(), arguments.repair, arguments.actor, arguments.reason))
    if arguments.json:
        print_json(done)
    else:
        print(f"buckets restored from the ledger: {done.restored_buckets or 'none'}; entries added: {done.adjusted}")
    for refused in done.refused:
        fail(f"refused: {refused}")
    return _tell(done.after, quiet=arguments.json) or (1 if done.refused else 0)


def _tell(found: Reconciliation, *, quiet: bool) -> int:
    from metering.cli.output import fail
    from metering.cli.reconciling import describe_difference

    if not quiet:
        for difference in found.differing[:SHOWN_MAX]:
            fail(describe_difference(difference))
        print(f"{found.wallets:,} wallets, {found.entries:,} entries, drift {found.drift}")
    if found.behind:
        fail(f"{found.behind:,} wallets are not in the books as far as they are in Redis: does a checkpointer run?")
    return 1 if found.drift or found.behind else 0
