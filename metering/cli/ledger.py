"""`metering ledger verify`: nothing was taken out, changed or put in. Leaves checking to `checkpoint`."""

from __future__ import annotations

import argparse

from metering.cli.parsing import Commands, add_json

SHOWN_MAX = 20


def register(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser("ledger", help="check the ledger itself")
    actions = parser.add_subparsers(title="actions", metavar="verify", required=True)
    verify = actions.add_parser(
        "verify", help="numbers without a gap, whole hash chains, all legs; nothing has to stand still for it"
    )
    verify.add_argument(
        "--topic", action="store_true", help="hold every row against the record in the ledger topic, too"
    )
    add_json(verify)
    verify.set_defaults(run=_verify)


def _verify(arguments: argparse.Namespace) -> int:
    """Exit 0 when all is as it was written, else 1. Changes nothing, also when it is interrupted."""
    from metering.cli.output import fail, print_json
    from metering.cli.running import run_async
    from metering.cli.verifying import describe_fault, verify_all
    from metering.settings import load_settings

    found = run_async(verify_all(load_settings(), topic=arguments.topic))
    if arguments.json:
        print_json(found)
    else:
        for fault in found.found[:SHOWN_MAX]:
            fail(describe_fault(fault))
        put_away = f" ({found.put_away:,} more are put away)" if found.put_away else ""
        told = "" if found.records is None else f", {found.records:,} records of the topic"
        print(
            f"{found.buckets:,} buckets, {found.wallets:,} wallets, {found.entries:,} entries{put_away}{told}:"
            f" {found.faults or 'no'} faults"
        )
    return 1 if found.faults else 0
