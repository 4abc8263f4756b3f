"""`metering estimate --jsonl`: what something would cost, one answer a request. Leaves prices to `rating`."""

from __future__ import annotations

import argparse

from metering.cli.parsing import Commands


def register(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser("estimate", help="price requests from stdin, one JSON document a line")
    parser.add_argument(
        "--jsonl", action="store_true", required=True, help="requests on stdin, one answer a line on stdout, same order"
    )
    parser.add_argument(
        "--rates",
        metavar="SOURCE",
        help="a rates tree, a published version, or `published` (in force now); METERING_RATES__DIR when left out",
    )
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    """Exit 0 also when some requests cannot be priced: each has its answer, with an `error`."""
    import sys
    import time

    from metering.cli.rates_sources import load_rates
    from metering.rating.estimate import estimate_json
    from metering.settings import load_settings

    catalog = load_rates(load_settings(), arguments.rates)
    now_ms = time.time_ns() // 1_000_000
    output = sys.stdout.buffer
    for line in sys.stdin.buffer:
        if line.strip():
            output.write(estimate_json(catalog, line, now_ms) + b"\n")
            # A program that asks one at a time waits for each answer; one that streams loses little by it.
            output.flush()
    return 0
