"""`metering statement`: every change of a customer's wallets, from the books. Leaves live figures to `balance`."""

from __future__ import annotations

import argparse

from metering.cli.parsing import Commands, add_customer, parse_moment


def register(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser("statement", help="every change of a customer's wallets, with the running balance")
    add_customer(parser)
    parser.add_argument("--user", help="instead: every change of what this user may spend of the company pool")
    parser.add_argument("--from", dest="since", type=parse_moment, metavar="TIME", help="first moment, included")
    parser.add_argument("--to", dest="until", type=parse_moment, metavar="TIME", help="last moment, excluded")
    parser.add_argument("--format", choices=("text", "csv", "json"), default="text", help="text when left out")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    """Exit 1 when the books know no such customer or wallet. Interrupted, what was printed holds as far as it goes."""
    from metering.cli.output import fail
    from metering.cli.running import run_async
    from metering.cli.statements import Period, print_statement
    from metering.cli.user_statements import print_user_statement
    from metering.settings import load_settings

    def milliseconds(moment: object) -> int | None:
        return None if moment is None else int(moment.timestamp()) * 1_000  # type: ignore[attr-defined]

    period = Period(milliseconds(arguments.since), milliseconds(arguments.until))
    dsn = load_settings().postgres.dsn
    customer, form = arguments.customer, arguments.format
    if arguments.user is None:
        missing = run_async(print_statement(dsn, customer, arguments.wallet, period, form))
    else:
        missing = run_async(print_user_statement(dsn, customer, arguments.user, period, form))
    if missing:
        fail(missing)
        return 1
    return 0
