"""Histories of one bucket in records of the ledger: plain entries, those that tell more, and repeats, as they come."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from tests.native.ledger_records import AT_MS, CHARGE, DAY_MS, DEBITED, FURTHER_FIELDS, LOT, PLAIN_FIELDS, written

CUSTOMERS = ("acme", "bolt", "ñandú")
WALLETS = ("main", "w-2")
LOTS = ("3-1", "3-2", "")
CHARGES = ("m-1", "m-2")
KINDS = ("debited", "reserved", "committed", "released", "expired", "noted", "denied", "duplicate", "topped_up")
STATES = ("held", "committed", "released", "expired", "denied")


@dataclass
class Story:
    """What is written so far, and where each wallet stands."""

    values: list[bytes] = field(default_factory=list)
    seq: int = 7
    chunk: str = "c1"
    wallets: dict[tuple[str, str], tuple[int, list[int]]] = field(default_factory=dict)

    def add(self, fields: dict[str, Any], *, moves: bool) -> None:
        """Write an entry that follows, and moves its wallet or does not."""
        self.seq += 1
        key = (fields["customer"], fields["wallet"])
        seq, figures = self.wallets.get(key, (4, [100, 0, 0]))
        after = [figures[0] - 1, figures[1], figures[2]] if moves else figures
        names = ("available_micros", "held_micros", "overdrawn_micros")
        balances = {"before": dict(zip(names, figures, strict=True)), "after": dict(zip(names, after, strict=True))}
        own = {"id": f"3-{self.seq}", "seq": self.seq, "prev_chunk": self.chunk}
        if moves:
            own["wallet_seq"] = seq + 1
            self.wallets[key] = (seq + 1, after)
        self.values.append(written(fields | balances | own))
        self.chunk = fields["chunk"]


@st.composite
def _stories(draw: st.DrawFn) -> list[bytes]:
    story = Story()
    for _ in range(draw(st.integers(1, 12))):
        fields = {name: value for name, value in DEBITED.items() if name not in ("wallet_seq", "lots", "charge")}
        fields |= {name: draw(st.sampled_from(some)) for name, some in _OWN.items()}
        fields["position"] = {"usage": draw(st.integers(3, 5)), "commands": 5}
        lots = [LOT | {"lot": draw(st.sampled_from(LOTS)), "remaining_micros": draw(st.integers(0, 99))} for _ in "12"]
        fields["lots"] = lots[: draw(st.integers(0, 2))]
        if draw(st.booleans()):
            fields["charge"] = _charge(draw)
        for name in draw(st.lists(st.sampled_from([*PLAIN_FIELDS]), max_size=2)):
            fields[name] = PLAIN_FIELDS[name]
        if draw(st.integers(0, 3)) == 0:
            fields["reason"] = "blocked"
        if draw(st.integers(0, 3)) == 0:
            name = draw(st.sampled_from([*FURTHER_FIELDS]))
            fields[name] = FURTHER_FIELDS[name]
        story.add({name: value for name, value in fields.items() if value != []}, moves=draw(st.booleans()))
        if draw(st.integers(0, 4)) == 0:
            story.values.append(draw(st.sampled_from([*story.values, b"{}", written(DEBITED | {"seq": 99})])))
    return story.values


_OWN = {
    "customer": CUSTOMERS,
    "wallet": WALLETS,
    "kind": KINDS,
    "chunk": ("c2", "c3"),
    "applied_at_ms": (AT_MS, AT_MS + 1, AT_MS + DAY_MS, AT_MS - 1),
}


def _charge(draw: st.DrawFn) -> dict[str, Any]:
    charge: dict[str, Any] = {name: value for name, value in CHARGE.items() if name != "sender"}
    charge |= {"id": draw(st.sampled_from(CHARGES)), "state": draw(st.sampled_from(STATES))}
    more: dict[str, Any] = {
        "failed_fee_micros": 2,
        "deadline_at_ms": AT_MS + 9,
        "parts": [["3-1", 5], ["", 2]],
        "sender": "+34600",
        "recipients": {"+1": 5, "+2": 6},
        "settled": ["+1"],
        "takes": [["l-1", 2, 5]],
    }
    for name, value in more.items():  # in the order in which they are written
        if draw(st.integers(0, 2)) == 0:
            charge[name] = value
    return charge


STORIES = _stories()
