"""The small world of random histories: its plans, names and times, and how a number becomes choices."""

from __future__ import annotations

from typing import TypeVar

from tests.ledger_model.plan_state import Fee, Plan

T = TypeVar("T")

START = 1_790_000_000_000
SECOND = 1_000
HOUR = 3_600 * SECOND
DAY = 24 * HOUR
HUGE = 10**14 + 1
MOST = 2**53 - 1

PLANS = {
    "strict": Plan("USD", alert=(10, 15), cycle_months=1, grant=50, notice=7 * DAY, user_rules=((5, 8),)),
    "yearly": Plan(
        "USD",
        cycle_months=12,
        grant=333,
        on_change="prorate",
        rop_resumes=True,
        spendable_without=True,
        fees={"code": Fee(20, "USD", 1), "line": Fee(70, "USD", 12)},
        numbers={"": Fee(11, "USD", 12), "toll_free": Fee(2, "USD", 1)},
        cap_basis="company_total",
        rollover="only_with_rop",
        reserve_percent=10,
    ),
    "monthly": Plan(
        "USD",
        cycle_months=1,
        grant=77,
        notice=40 * DAY,
        on_change="replace",
        rop_covers_all=False,
        fees={"code": Fee(9, "USD", 1), "foreign": Fee(5, "EUR", 1)},
        numbers={"": Fee(4, "USD", 1), "toll_free": Fee(0, "USD", 1)},
        cap_basis="company_total",
        rollover="never",
        raise_effect="next_period",
        reserve=7,
        keeps_negative=True,
    ),
    "once": Plan("USD", grant=31, grant_kind="credit", on_change="prorate", fees={"code": Fee(3, "USD", 1)}),
    "overdraft": Plan(
        "USD", overdraft_limit=30, numbers={"": Fee(6, "USD", 1)}, cap_basis="company_total", rollover="never"
    ),
    "level": Plan("USD", alert=(20, 21), locks=True, fixed=True, all_features=True, call_part=True),
    "both": Plan(
        "USD",
        refuses_drafts=True,
        overdraft_limit=12,
        alert=(-3, 4),
        inbound_when_empty="refuse",
        covered_part=True,
        call_part=True,
    ),
    "flag": Plan(
        "USD",
        overdraft_limit=9,
        send_until_flag=True,
        inbound_when_empty="forward_into_negative",
        cycle_months=1,
        grant=60,
        user_rules=((3, 4), (12, 20)),
    ),
    "locks": Plan("USD", alert=(8, 30), locks=True, covered_part=True, send_until_flag=True),
    "off": Plan("USD", alert=(25, 26), alert_enabled=False),
    "boundless": Plan("USD", overdraft_limit=MOST),
    "euro": Plan("EUR", cycle_months=12),
}
WALLETS = ("main", "other", "third")
CHARGES = ("x", "y", "Z")
SENDERS = (None, "s1", "S2", "s3")
LIMITED = (
    ("customer", ("anna",)),
    ("wallet", ("main",)),
    ("user", ("u1", "u2")),
    ("sender", ("s1", "S2")),
    ("sender", ("s1", "s3")),
    ("campaign", ("c1",)),
)
"""Whom limits are put on."""
RECIPIENTS = ("+1", "+2", "+10")
OUTCOMES = ("sent", "delivered", "failed", "cancelled", "expired")
DUES = ("submit", "sent", "delivered")
PAUSES = (0,) * 20 + (1,) * 20 + (40,) * 8 + (SECOND,) * 6 + (-SECOND, 60 * SECOND, 60 * SECOND, HOUR, HOUR) * 2 + (
    6 * HOUR, 17 * HOUR, DAY, 25 * HOUR, 8 * DAY, 20 * DAY, 33 * DAY, 75 * DAY, 400 * DAY
)  # fmt: skip
EVE = "eve"
"""A pause until a second before the next month begins."""
COUNTER_LINES = (
    (("cycle", "free", "included"),),
    (("month", "texts", "graduated"),),
    (("cycle", "free", "included"), ("month", "texts", "graduated")),
    (("cycle", "minutes", "volume"),),
    (("month", "bundle", "included"), ("cycle", "free", "included"), ("cycle", "minutes", "volume")),
    (("month", "bundle", "included"),),
)
"""Counters that take part in a line together: window, name, how it decides."""
LASTS = (HOUR, DAY, 2 * DAY, 9 * DAY, 9 * DAY, 2 * DAY, HOUR, 61 * SECOND, SECOND, 50, 1, 0, 2 * DAY, 9 * DAY, 40 * DAY)
AMOUNTS = ("zero", "one", "few", "few", "some", "below", "below", "exactly", "exactly", "above", "all") * 3 + (
    "huge", "most"
)  # fmt: skip
CUSTOMERS = ("anna",) * 8 + ("bob",) * 3 + ("Ghost",)


class Choices:
    """Draws small choices from one number."""

    def __init__(self, number: int) -> None:
        self._number = number

    def of(self, *options: T) -> T:
        """Choose one."""
        self._number, index = divmod(self._number, len(options))
        return options[index]

    def rarely(self, usual: T, rare: T) -> T:
        """Choose the rare one once in thirty."""
        self._number, index = divmod(self._number, 30)
        return rare if index == 29 else usual
