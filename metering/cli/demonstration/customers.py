"""The customers of the demo, and the commands that open them. Leaves what they send to `traffic`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from metering.cli.asking import ask
from metering.errors import Fatal
from metering.settings import KafkaSettings


def customer_name(number: int) -> str:
    """Return the name of a made-up customer."""
    return f"demo-{number:04d}"


def open_commands(customers: int, *, top_up_micros: int, run: str, unit: str = "USD") -> Iterator[bytes]:
    """Yield the commands that open each customer and top it up; `run` stands in their ids, so that twice is as once."""
    for number in range(customers):
        header = {"customer": customer_name(number), "actor": "demo"}
        yield msgspec.json.encode({"type": "open_customer", "id": f"{run}-open", **header})
        yield msgspec.json.encode(
            {"type": "top_up", "id": f"{run}-top-up", "amount_micros": top_up_micros, "unit": unit, **header}
        )


async def command_all(kafka: KafkaSettings, lines: Iterable[bytes]) -> int:
    """Have commands carried out; return how many. Raises `Fatal` on the first that is refused or not answered."""
    count = 0
    async for result in ask(kafka, list(lines)):
        answer = result.answer
        if answer is None or answer.outcome != "done":
            why = result.problem if answer is None else f"{answer.type} of {answer.customer}: {answer.reason}"
            raise Fatal(f"a command was not carried out: {why}")
        count += 1
    return count
