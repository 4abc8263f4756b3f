"""`metering drill`: faults over a stream on a staging system, and the proof after them. Leaves the work to `drill`."""

from __future__ import annotations

import argparse

from metering.cli.parsing import Commands, add_json, parse_seconds

CONSENT = "--yes-this-is-staging"


def register(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "drill", help="let things go wrong on a staging system under a stream of its own, and prove that all came right"
    )
    parser.add_argument(CONSENT, action="store_true", help="the settings name a system that may be disturbed")
    parser.add_argument(
        "--customers", required=True, metavar="PREFIX", help="how the names of the drill's own customers begin"
    )
    parser.add_argument("--seed", type=int, help="of the order of faults and of the traffic; a random one is printed")
    parser.add_argument(
        "--seconds", type=parse_seconds, default=60.0, help="how long faults are injected, each at least once (60)"
    )
    parser.add_argument("--per-second", type=int, default=50, metavar="N", help="events a second, about (50)")
    parser.add_argument("--plan", default="payg-usd", help="the plan of the drill's customers (payg-usd)")
    parser.add_argument("--unit", default="USD", help="the plan's unit (USD)")
    parser.add_argument(
        "--break",
        dest="breaks",
        type=parse_break,
        action="append",
        default=[],
        metavar="NAME=COMMAND",
        help="a shell command that breaks something, such as a worker's kill; may be given several times",
    )
    add_json(parser)
    parser.set_defaults(run=_run)


def parse_break(text: str) -> tuple[str, str]:
    """Read `worker=kubectl delete pod …`. An argparse type."""
    name, equals, command = text.partition("=")
    if not (name and equals and command.strip()):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=COMMAND")
    return name, command


def _run(arguments: argparse.Namespace) -> int:
    """Exit 0 when all was exact, 1 when not or refused. Interrupted, its customers stay as they are."""
    import secrets

    from metering.cli.output import fail, note, print_json
    from metering.cli.running import run_async
    from metering.drill.run import Drill, DrillOptions
    from metering.errors import Fatal
    from metering.settings import load_settings

    settings = load_settings()
    if not arguments.yes_this_is_staging:
        where = f"{settings.kafka.bootstrap}, topics {settings.kafka.topic_prefix}usage, …"
        raise Fatal(f"a drill disturbs the system at {where}: with {CONSENT} you say that it may")
    if len(arguments.customers) < 3:  # noqa: PLR2004  the message says why
        raise Fatal("--customers must have three characters or more, so that no real customer is called so")
    seed = secrets.randbelow(10**6) if arguments.seed is None else arguments.seed
    note(f"seed {seed}")
    options = DrillOptions(
        prefix=arguments.customers,
        seed=seed,
        seconds=arguments.seconds,
        per_second=arguments.per_second,
        plan=arguments.plan,
        unit=arguments.unit,
        breaks=dict(arguments.breaks),
    )
    try:
        report = run_async(Drill(settings, options).run())
    except* Fatal as failures:
        raise failures.exceptions[0] from None
    proof = report.proof
    if arguments.json:
        print_json(report)
    else:
        for name, count in report.faults.items():
            print(f"{count:4d}  {name}")
        if report.recoveries:
            print(f"decisions again after what was given: {', '.join(f'{one:.1f} s' for one in report.recoveries)}")
        print(
            f"{report.records:,} records, {proof.entries:,} entries: lost {proof.lost}, doubled {proof.doubled},"
            f" gaps {proof.gaps}, undecided {proof.undecided}, drift {proof.drift}"
        )
        for problem in proof.problems:
            fail(problem)
    return 0 if proof.is_exact else 1
