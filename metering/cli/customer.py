"""`metering customer set-mode`: who of a customer holds credit and pays. Leaves all other commands to `command`."""

from __future__ import annotations

import argparse

from metering.cli.parsing import Commands, parse_seconds

MODES = ("per_user", "shared_pool", "per_account")


def register(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser("customer", help="change a customer's wallet mode")
    actions = parser.add_subparsers(title="actions", metavar="set-mode", required=True)
    set_mode = actions.add_parser("set-mode", help="who pays; to shared_pool, free credit goes into the pool")
    set_mode.add_argument("mode", choices=MODES)
    set_mode.add_argument("--customer", required=True, help="whose")
    set_mode.add_argument("--actor", required=True, help="who wants it, as it stands in the entry")
    set_mode.add_argument("--reason", help="why, in your words")
    set_mode.add_argument(
        "--timeout", type=parse_seconds, default=30.0, metavar="SECONDS", help="longest wait for an answer (30)"
    )
    set_mode.set_defaults(run=_set_mode)


def _set_mode(arguments: argparse.Namespace) -> int:
    """Exit 1 when the customer is not known, or a command was refused or not answered in time.

    Interrupted, what was answered has been done; the same again does the rest.
    """
    from metering.cli.modes import set_mode
    from metering.cli.output import fail, print_json_line
    from metering.cli.running import run_async
    from metering.settings import load_settings

    async def run() -> int:
        code = 0
        wanted = (arguments.customer, arguments.mode, arguments.actor, arguments.reason)
        async for result in set_mode(load_settings(), *wanted, timeout_seconds=arguments.timeout):
            if result.answer is not None:
                print_json_line(result.answer)
            else:
                fail(result.problem)
            if result.answer is None or result.answer.outcome != "done":
                code = 1
        return code

    return run_async(run())
