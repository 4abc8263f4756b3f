"""The shortest traces as text: one file a check, so that they can be read without running anything."""

from dataclasses import replace
from pathlib import Path

from tests.protocol_model.config import Check, Config
from tests.protocol_model.explore import Result, explore

FOLDER = Path(__file__).parent / "traces"


def trace_path(check: Check) -> Path:
    """Return the file that holds the traces of a check left out."""
    return FOLDER / f"{check.name.lower()}.txt"


def find_traces(check: Check, bounds: tuple[Config, ...]) -> list[Result]:
    """Search each of the bounds with the check left out."""
    return [explore(replace(config, without=check)) for config in bounds]


def render_traces(check: Check, results: list[Result]) -> str:
    """Write the traces of one check as a page."""
    blocks = [f"Left out: {check.value}."]
    for result in results:
        steps = [f"{number:4}. {label}" for number, label in enumerate(result.trace, 1)]
        blocks.append("\n".join([f"{result.config}:", *steps, f"   => {result.failure}"]))
    return "\n\n".join(blocks) + "\n"
