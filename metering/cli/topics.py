"""`metering topics create` and `check`. Leaves what a topic should be like to `contracts.topics`."""

from __future__ import annotations

import argparse

from metering.cli.parsing import Commands, add_json, parse_count


def register(commands: Commands) -> None:
    """Add both."""
    parser = commands.add_parser("topics", help="create or check the topics")
    actions = parser.add_subparsers(title="actions", metavar="create|check", required=True)
    create = actions.add_parser("create", help="create the topics that are missing, then check all")
    create.add_argument(
        "--partitions", type=parse_count, metavar="N", help="buckets; METERING_KAFKA__PARTITIONS when left out"
    )
    add_json(create)
    create.set_defaults(run=_create)
    check = actions.add_parser("check", help="compare partition counts and clean-up policies with what they should be")
    add_json(check)
    check.set_defaults(run=_check)


def _create(arguments: argparse.Namespace) -> int:
    from metering.cli.running import run_async
    from metering.settings import load_settings
    from metering.worker.topics import check_topics, create_topics

    kafka = load_settings().kafka
    if arguments.partitions:
        kafka = kafka.model_copy(update={"partitions": arguments.partitions})

    async def run() -> list[str]:
        await create_topics(kafka)
        return await check_topics(kafka)

    return _report(arguments, run_async(run()))


def _check(arguments: argparse.Namespace) -> int:
    from metering.cli.running import run_async
    from metering.settings import load_settings
    from metering.worker.topics import check_topics

    return _report(arguments, run_async(check_topics(load_settings().kafka)))


def _report(arguments: argparse.Namespace, problems: list[str]) -> int:
    """Exit 0 without problems, else 1."""
    from metering.cli.output import fail, print_json

    if arguments.json:
        print_json({"ok": not problems, "problems": problems})
    else:
        for problem in problems:
            fail(problem)
        if not problems:
            print("all topics are as they should be")
    return 1 if problems else 0
