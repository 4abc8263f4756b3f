"""`metering command`: publish commands and print their answers. Leaves carrying them out to the worker."""

from __future__ import annotations

import argparse

from metering.cli.parsing import Commands, parse_seconds


def register(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser("command", help="publish commands, one JSON document a line, and print their answers")
    parser.add_argument("file", metavar="FILE|-", help="the lines; - for stdin")
    parser.add_argument(
        "--timeout", type=parse_seconds, default=30.0, metavar="SECONDS", help="longest wait between two answers (30)"
    )
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    """Exit 0 when every command was done, 1 when one was refused, could not be read or had no answer in time."""
    from metering.cli.asking import ask
    from metering.cli.output import fail, print_json_line
    from metering.cli.reading import read_all_lines
    from metering.cli.running import run_async
    from metering.settings import load_settings

    async def run() -> int:
        code = 0
        lines = read_all_lines(arguments.file)
        async for result in ask(load_settings().kafka, lines, timeout_seconds=arguments.timeout):
            if result.answer is not None:
                print_json_line(result.answer)
            else:
                fail(f"line {result.line}: {result.problem}")
            if result.answer is None or result.answer.outcome != "done":
                code = 1
        return code

    return run_async(run())
