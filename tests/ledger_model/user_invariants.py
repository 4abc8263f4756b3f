"""What must be true of users and their allotments after each step. Leaves all else to `invariants`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.ledger_model.allotments import limit_name
from tests.ledger_model.state import Customer

if TYPE_CHECKING:
    from tests.ledger_model.bucket import Bucket

Key = tuple[str, str]
"""Customer and user."""


class UserLines:
    """Follows the lines of users' totals, as a reader of the ledger would."""

    def __init__(self) -> None:
        self.subtotals: dict[Key, int] = {}
        self.per_month: dict[Key, int] = {}
        self.added_at: dict[Key, int] = {}

    def take(self, entry: dict[str, Any]) -> None:
        """Every line carries the sum of all before it; a month is added once, in order; a raise never goes beyond the
        plan, and no line moves credit.
        """
        line = entry["allotment"]
        if line is None or not line["user"]:
            return
        assert (entry["amount"], entry["held_change"], entry["lots"]) == (0, 0, {})
        key = (entry["customer"], line["user"])
        if entry["kind"] == "refused":
            assert line["change"] == 0
            return
        subtotal = self.subtotals.get(key, 0) + line["change"]
        if self.per_month.get(key) is None and line["per_month"] is not None:
            subtotal = line["change"]
        assert line["subtotal"] == subtotal
        self.subtotals[key] = subtotal
        if entry["kind"] == "allotted":
            assert entry["due_at"] > self.added_at.get(key, 0), "each beginning of a month adds once"
            self.added_at[key] = entry["due_at"]
        elif (line["per_month"] or 0) > (self.per_month.get(key) or 0):
            assert line["assignable"]["over_assigned"] == 0, "assigned by the month is what the plan covers"
        if line["per_month"] is None:
            self.per_month.pop(key, None)
        else:
            self.per_month[key] = line["per_month"]

    def check(self, bucket: Bucket) -> None:
        """What the lines told is what stands."""
        for customer in bucket.customers.values():
            check_users(customer)
            for user in customer.users.values():
                assert self.subtotals[customer.name, user.name] == user.assigned


def blocked_users(customer: Customer) -> dict[tuple[str, str, str], list[str]]:
    """The causes of all users who are blocked: one who has something to spend is not."""
    blocked = [limit for limit in customer.limits.values() if limit.window == "allotment" and limit.blocked]
    assert all(limit.room <= 0 and limit.blocked == [limit.name] for limit in blocked)
    return {(customer.name, "user", limit.name): ["limit_reached"] for limit in blocked}


def check_users(customer: Customer) -> None:
    """Plain users have an allotment and its timer's time, others have none."""
    plain = [user for user in customer.users.values() if user.role == "user"]
    assert sorted(customer.allotted) == sorted(user.name for user in plain)
    kept = {limit.id for limit in customer.limits.values() if limit.window == "allotment"}
    assert kept == {limit_name(user.name) for user in plain}
    for user in customer.users.values():
        assert (user.next_at > 0) == (user.role == "user")
        assert user.per_month >= 0
