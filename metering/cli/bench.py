"""`metering bench`: what metering costs and how fast it is, on a stack of its own. Leaves measuring to `benchmark`."""

from __future__ import annotations

import argparse

from metering.cli.parsing import Commands, add_json, parse_count

MIXES = ("debit", "reserve", "life", "voice", "denied", "lots", "limits")


def register(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "bench", help="measure speed, CPU per event and latency on a stack of its own, and check every sum"
    )
    parser.add_argument("--suite", choices=("short", "full"), help="a set of scenarios instead of one")
    parser.add_argument(
        "--kafka", choices=("embedded", "apache"), default="embedded", help="apache needs Java and Maven"
    )
    parser.add_argument("--mix", choices=MIXES, default="debit", help="what the events are (debit)")
    parser.add_argument(
        "--customers",
        type=parse_count,
        nargs="+",
        default=[100_000],
        metavar="N",
        help="(100000); of several numbers a scenario each, to be compared",
    )
    parser.add_argument("--distribution", choices=("zipf", "uniform"), default="zipf", help="of events over customers")
    parser.add_argument("--events", type=parse_count, default=100_000, metavar="N", help="of a backlog (100000)")
    parser.add_argument(
        "--warm-up", type=parse_count, metavar="N", help="events of it that are applied before the measuring (a tenth)"
    )
    parser.add_argument("--workers", type=parse_count, default=1, metavar="N", help="(1)")
    parser.add_argument("--partitions", type=parse_count, default=8, metavar="N", help="buckets (8)")
    parser.add_argument(
        "--aof", action="store_true", help="Valkey's append-only file, and Postgres' fsync, every second"
    )
    parser.add_argument("--checkpointer", action="store_true", help="with a checkpointer beside the workers")
    parser.add_argument(
        "--pace", type=parse_count, metavar="N", help="so many events a second; else a backlog is drained"
    )
    parser.add_argument("--seconds", type=parse_count, default=10, metavar="S", help="how long a pace is measured (10)")
    parser.add_argument(
        "--baselines", action="store_true", help="before it, a Faust agent, Postgres alone and Redis alone"
    )
    parser.add_argument("--profile", metavar="DIR", help="write flame graph, Redis' and Postgres' own figures there")
    add_json(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    """Exit 0 when every scenario ended and was exact, else 1. Interrupted, servers and processes end with it."""
    from pathlib import Path

    import uvloop
    from msgspec.structs import replace

    from metering.cli.benchmark.report import describe, run_all
    from metering.cli.benchmark.scenario import Scenario, suite
    from metering.cli.output import print_json
    from metering.cli.running import run_async
    from metering.errors import Fatal
    from metering.settings import load_settings

    if (arguments.warm_up or 0) >= arguments.events:
        raise Fatal(f"--warm-up is a part of --events: of {arguments.events:,} events, give fewer for it")
    given = Scenario(
        mix=arguments.mix,
        customers=arguments.customers[0],
        distribution=arguments.distribution,
        events=arguments.events,
        warm_up=arguments.warm_up or 0,
        workers=arguments.workers,
        partitions=arguments.partitions,
        broker="apache" if arguments.kafka == "apache" else "tansu",
        appendonly=arguments.aof,
        checkpointer=arguments.checkpointer,
        pace=arguments.pace or 0,
        seconds=arguments.seconds,
        baselines=arguments.baselines,
    )
    each = [replace(given, customers=customers) for customers in dict.fromkeys(arguments.customers)]
    scenarios = suite(arguments.suite, given) if arguments.suite else each
    profiles = Path(arguments.profile).absolute() if arguments.profile else None
    report = run_async(run_all(scenarios, load_settings(), profiles), uvloop.new_event_loop)
    if arguments.json:
        print_json(report)
    else:
        print(describe(report))
    return 1 if report.failed else 0
