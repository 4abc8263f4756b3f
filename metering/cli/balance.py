"""`metering balance`: what a customer has at this moment, from Redis. Leaves history to `statement`."""

from __future__ import annotations

import argparse

from metering.cli.parsing import Commands, add_customer, add_json


def register(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser("balance", help="available, held, lots, limits and blocks of a customer, live")
    add_customer(parser)
    add_json(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    """Exit 1 when there is no such customer or wallet."""
    from metering.cli.balances import describe_customer, read_customer
    from metering.cli.output import fail, print_json
    from metering.cli.running import run_async
    from metering.settings import load_settings

    customer = run_async(read_customer(load_settings(), arguments.customer))
    if customer is None:
        fail(f"there is no customer {arguments.customer!r}")
        return 1
    if arguments.wallet is not None:
        customer = customer.only(arguments.wallet)
        if not customer.wallets:
            fail(f"customer {arguments.customer!r} has no wallet {arguments.wallet!r}")
            return 1
    if arguments.json:
        print_json(customer)
    else:
        print(describe_customer(customer))
    return 0
