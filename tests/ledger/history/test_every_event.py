"""Every event against every state of a charge: docs/ledger-rules.md has the table, each cell is held here.

On the model and on the real Lua.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.ledger.history.story import HOUR, Entry, Story, told
from tests.ledger.history.test_outcome_table import bring_charge_to

STATES = ("none", "held", "committed", "released", "expired", "denied")
PRICE, MORE, FEWER, FEE = 40, 55, 15, 3

EVENTS: dict[str, Callable[[Story], Awaitable[Entry]]] = {
    "submission": lambda story: story.submit(PRICE),
    "extension": lambda story: story.extend(FEWER),
    "sent": lambda story: story.outcome("sent"),
    "sent, priced": lambda story: story.outcome("sent", price=MORE),
    "sent, more segments": lambda story: story.outcome("sent", price=MORE, actual=True),
    "sent, fewer segments": lambda story: story.outcome("sent", price=FEWER, actual=True),
    "delivered": lambda story: story.outcome("delivered"),
    "sent, due when delivered": lambda story: story.outcome("sent", charge_on="delivered"),
    "failed": lambda story: story.outcome("failed"),
    "failed, with a fee": lambda story: story.outcome("failed"),
    "cancelled": lambda story: story.outcome("cancelled"),
    "expired": lambda story: story.outcome("expired"),
    "end of call, priced": lambda story: story.end_call(FEWER),
    "end of call, unpriced": lambda story: story.end_call(None),
    "adjusted, dearer": lambda story: story.adjust_charge(5),
    "adjusted, cheaper": lambda story: story.adjust_charge(-5),
}
"""Everything that may happen to a charge, told to a story in which the charge `x` is in some state."""

AMOUNTS = {
    "submission": 0,
    "extension": 0,
    "sent": PRICE,
    "sent, priced": PRICE,
    "sent, more segments": MORE,
    "sent, fewer segments": FEWER,
    "delivered": PRICE,
    "failed, with a fee": FEE,
    "end of call, priced": FEWER,
    "end of call, unpriced": PRICE,
    "adjusted, dearer": 5,
    "adjusted, cheaper": -5,
}
"""What a cell in which credit moves takes, unless the price that was agreed does: see `amount_of`."""


def cells() -> dict[tuple[str, str], tuple[str, str | None]]:
    """Kind and reason of every cell of the table in the docs."""
    text = Path("docs/ledger-rules.md").read_text(encoding="utf-8")
    table = text.partition("## Every event against every state of a charge")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if line[:1] == "|"]
    assert rows[0] == ["event", *STATES]
    found = {}
    for event, *told_of in rows[2:]:
        for state, cell in zip(STATES, told_of, strict=True):
            words = re.findall(r"`(\w+)`", cell)
            if words:
                found[event, state] = (words[0], words[1] if len(words) > 1 else None)
    return found


CELLS = cells()


def amount_of(event: str, state: str, kind: str) -> int:
    """What the entry's amount is: the agreed price where a hold is gone, or nothing is said of segments."""
    if kind not in ("committed", "debited", "adjusted"):
        return 0
    if event == "sent, priced" and state == "none":
        return -MORE
    agreed = kind == "debited" and state != "none" and not event.startswith("end of call")
    return -(PRICE if agreed else AMOUNTS[event])


def held_of(event: str, state: str, kind: str) -> int:
    """What the entry's change of held is."""
    if kind in ("committed", "released"):
        return -PRICE
    return {"reserved": PRICE, "extended": FEWER}.get(kind, 0) if state in ("none", "held", "denied") else 0


def state_of(event: str, state: str, kind: str, reason: str | None) -> str | None:
    """The state of the charge that the entry shows; none where it leaves the charge alone."""
    after = {"reserved": "held", "extended": "held", "committed": "committed", "released": "released"}
    if kind == "debited":
        return "committed"
    is_failure = event.startswith(("failed", "cancelled", "expired"))
    is_remembered = kind == "noted" and state == "none" and is_failure
    return "released" if is_remembered else after.get(kind)


def test_table_has_a_cell_for_every_event_in_every_state() -> None:
    expected = {(event, state) for event in EVENTS for state in STATES} | {("its deadline", "held")}

    assert set(CELLS) == expected


@pytest.mark.requirement("INF-04")
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("event", EVENTS)
async def test_event_in_a_state_does_what_its_cell_says(story: Story, event: str, state: str) -> None:
    charge_on = "delivered" if event == "sent, due when delivered" else "sent"
    await bring_charge_to(story, state, charge_on, fee=FEE if event == "failed, with a fee" else 0)
    kind, reason = CELLS[event, state]

    entry = await EVENTS[event](story)

    assert told(entry, "kind", "reason") == (kind, reason)
    assert told(entry, "amount", "held_change") == (amount_of(event, state, kind), held_of(event, state, kind))
    shown = None if entry["charge"] is None else entry["charge"]["state"]
    assert shown == state_of(event, state, kind, reason)


@pytest.mark.requirement("INF-01")
@pytest.mark.parametrize("state", STATES[1:])
async def test_repeat_of_its_submission_is_a_duplicate_in_every_state(story: Story, state: str) -> None:
    await bring_charge_to(story, state, "sent")
    first = next(given for given in story.told if getattr(given, "charge", None) == "x")

    entry = await story.do(first)

    assert told(entry, "kind", "amount", "held_change") == ("duplicate", 0, 0)


@pytest.mark.requirement("INF-03")
async def test_deadline_of_a_hold_releases_it(story: Story) -> None:
    await bring_charge_to(story, "held", "sent")
    story.wait(HOUR)

    (entry,) = await story.tick()

    assert told(entry, "kind", "reason") == CELLS["its deadline", "held"]
    assert told(entry, "amount", "held_change", "charge.state") == (0, -PRICE, "expired")


@pytest.mark.parametrize("told_of", [None, 3])
async def test_reports_for_the_parts_of_one_message_charge_it_once(story: Story, told_of: int | None) -> None:
    await bring_charge_to(story, "held", "delivered")

    reports = [
        await story.outcome("delivered", price=None if told_of is None else FEWER, actual=told_of is not None)
        for _ in range(3)
    ]

    price = PRICE if told_of is None else FEWER
    assert [told(report, "kind", "reason", "amount") for report in reports] == [
        ("committed", None, -price),
        ("noted", "settled", 0),
        ("noted", "settled", 0),
    ]
