"""Credit is neither made nor lost: what came into a wallet, by column, is there or went out. After each step.

lots (held included) + spent + expired + forfeited + reversed + transferred out
= granted + topped up + adjusted + transferred in + overdrawn
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.ledger_model.bucket import Bucket

CAME = ("granted", "topped_up", "adjusted", "transferred_in", "given_back")
WENT = ("spent", "expired", "forfeited", "reversed", "transferred_out")

COLUMNS = {
    "granted": "granted",
    "topped_up": "topped_up",
    "adjusted": "adjusted",
    "committed": "spent",
    "debited": "spent",
    "recurring_fee": "spent",
    "number_fee": "spent",
    "expired": "expired",
    "forfeited": "forfeited",
    "given_back": "given_back",
    "reversed": "reversed",
}
"""The column of what an entry of that kind changes the balance by."""
MOVES = ("transferred", "closed", "merged", "settings_changed")
"""Kinds that move credit from one wallet to another; no other kind may change a balance."""


class Conservation:
    """The columns of each wallet, from the entries alone."""

    def __init__(self) -> None:
        self.columns: dict[tuple[str, str], Counter[str]] = {}

    def take(self, entry: dict[str, Any]) -> None:
        """Put what an entry changes into its columns."""
        if entry["wallet"] is not None:
            self._add(entry, entry)
            for leg in entry["legs"]:
                self._add(entry, leg)
        check_limits(entry)

    def _add(self, entry: dict[str, Any], part: dict[str, Any]) -> None:
        amount, kind = part["amount"], entry["kind"]
        columns = self.columns.setdefault((entry["customer"], part["wallet"]), Counter())
        if amount == 0:
            return
        moved = "transferred_in" if amount > 0 else "transferred_out"
        column = moved if kind in MOVES else COLUMNS[kind]
        assert column == "adjusted" or (amount > 0) == (column in CAME), f"{kind} of {amount}"
        columns[column] += amount if column in CAME else -amount

    def check(self, bucket: Bucket) -> None:
        """Hold the columns against what is there: per wallet, and what moved between a customer's wallets."""
        for customer in bucket.customers.values():
            moved = 0
            for wallet in customer.wallets.values():
                columns = self.columns.get((customer.name, wallet.name), Counter[str]())
                came = sum(columns[name] for name in CAME) + wallet.overdrawn
                went = sum(columns[name] for name in WENT)
                assert sum(lot.remaining for lot in wallet.lots) + went == came, columns
                moved += columns["transferred_in"] - columns["transferred_out"]
            assert moved == 0, "what left one wallet has come to another"


def check_limits(entry: dict[str, Any]) -> None:
    """Whatever was allowed found room: only what has happened may go over a cap."""
    if entry["decision"] == "allowed" and entry["kind"] in ("reserved", "debited", "extended"):
        for limit in entry["states"]:
            if limit["kind"] == "limit" and limit["window"] != "allotment":
                assert limit["cap_micros"] - limit["used_micros"] - limit["held_micros"] >= 0, limit
