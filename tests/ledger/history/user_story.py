"""Stories about users and what they may spend: shorthands. Leaves expectations to the tests."""

from __future__ import annotations

from typing import Any

from tests.ledger.history.story import START, Entry, Story
from tests.ledger_model.anniversaries import month_at
from tests.ledger_model.state import Customer
from tests.ledger_model.user_inputs import PutUser, SetAllotment

ANNA = Customer("anna", 1, "users", "USD", "UTC", None, START, 1)
MONTHS = [month_at(ANNA, number) for number in range(5)]
"""The beginnings of the months of a customer that was opened when stories begin."""
SHARED = ("owner", "admin", "admin_plus")


async def open_with(story: Story, plan: str = "users", **per_month: int) -> None:
    """Open the customer, let its first grant come, and put users with so much by the month."""
    await story.open(plan, credit=0)
    await story.tick()
    for user, amount in per_month.items():
        await put(story, user, per_month=amount)


async def put(story: Story, user: str, **fields: Any) -> Entry:
    """Put a user."""
    return await story.command(PutUser, user=user, **fields)


async def assign(story: Story, user: str, **fields: Any) -> Entry:
    """Change an allotment."""
    return await story.command(SetAllotment, user=user, **fields)


async def send(story: Story, user: str, price: int, **fields: Any) -> Entry:
    """Send a message that is charged at once."""
    return await story.submit(price, user=user, charge_on="submit", charge=None, **fields)


async def pass_month(story: Story, number: int) -> list[Entry]:
    """Let time go on to the beginning of a month, and return the monthly additions."""
    story.now = MONTHS[number]
    return [entry for entry in await story.tick() if entry["kind"] == "allotted"]


def line(entry: Entry, *names: str) -> Any:
    """Fields of the line of a user's total."""
    found = tuple(entry["allotment"][name] for name in names)
    return found if len(names) > 1 else found[0]


def can(entry: Entry) -> tuple[int, int]:
    """The greatest amounts by the month and in all."""
    assignable = entry["allotment"]["assignable"]
    return assignable["max_per_month"], assignable["max_total"]
