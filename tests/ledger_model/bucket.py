"""A bucket as a deterministic state machine: timers, then the input's rule, one entry each. Leaves the rules to their
own modules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

from tests.ledger_model import charges, commands, counters, extensions, outcomes, timers, usage, windows
from tests.ledger_model.inputs import (
    Adjustment,
    CallEnd,
    Command,
    Event,
    Extension,
    Input,
    OpenCustomer,
    Outcome,
    Recorded,
    Submission,
    Tick,
    Unpriced,
)
from tests.ledger_model.plan_state import Plan
from tests.ledger_model.seen import SeenCommand, SeenEvent
from tests.ledger_model.state import Charge, Customer, Wallet

Entry = dict[str, Any]

TIMERS_PER_INPUT = 8
"""At most so many timer effects before one input."""
TIMERS_PER_TICK = 200
"""And before a tick."""


class Bucket:
    """The whole state of one bucket, and its entries so far."""

    def __init__(self, plans: dict[str, Plan], number: int = 0) -> None:
        self.number = number
        self.plans = plans
        self.clock = 0
        self.seq = 0
        self.timers_run = 0
        self.lots_made = self.lots_made_in = 0
        self.customers: dict[str, Customer] = {}
        self.timers: dict[str, int] = {}
        self.events: dict[tuple[str, str], SeenEvent] = {}
        self.commands: dict[tuple[str, str], SeenCommand] = {}
        self.pricing: counters.Price | None = None
        """What counters make of the event that is being applied."""

    def apply(self, given: Input) -> list[Entry]:
        """Run the timers that are due, then the input; return their entries."""
        return list(self.steps(given))

    def steps(self, given: Input) -> Iterator[Entry]:
        """Like `apply`, one entry at a time: the state after each is whole.

        The clock is the newest log timestamp applied; it never runs backwards.
        """
        self.clock = max(self.clock, given.at)
        limit = TIMERS_PER_TICK if isinstance(given, Tick) else TIMERS_PER_INPUT
        while self.timers_run < limit and (due := timers.next_due(self)) is not None:
            effect = timers.run(self, *due)
            if effect is not None:
                self.timers_run += 1
                yield effect
        self.timers_run = 0
        if not isinstance(given, Tick):
            yield self._take(given)

    def _take(self, given: Event | Command) -> Entry:
        """Each input yields exactly one entry, a repeat included."""
        first = windows.first_of(self, given)
        if first is not None:
            return windows.repeat(self, given, first)
        entry = self._effect_of(given)
        windows.remember(self, given, entry)
        return entry

    def _effect_of(self, given: Event | Command) -> Entry:
        customer = self.customers.get(given.customer)
        if isinstance(given, OpenCustomer):
            return commands.open_customer(self, given)
        if customer is None:
            return self._of_unknown_customer(given)
        if isinstance(given, Command):
            return commands.RULES[type(given)](self, customer, given)
        return EVENT_RULES[type(given)](self, customer, counters.priced(self, customer, given))

    def _of_unknown_customer(self, given: Event | Command) -> Entry:
        """Unknown customer on any of these: `denied` (a command: `refused`), `unknown_customer`."""
        if isinstance(given, Command):
            return self.entry(given, "refused", reason="unknown_customer")
        return self.entry(given, "denied", reason="unknown_customer", decision="denied" if asks(given) else None)

    def entry(self, given: Event | Command | None, kind: str, **fields: Any) -> Entry:
        """Make the next entry; what is not given is nothing."""
        self.seq += 1
        return {
            "seq": self.seq,
            "id": f"{self.number}-{self.seq}",
            "applied_at": self.clock,
            "kind": kind,
            "customer": None if given is None else given.customer,
            "input": given,
            **NOTHING_ELSE,
            **fields,
        }

    @property
    def next_lot_id(self) -> str:
        """The id of the entry that is being made; that of further lots of one entry goes on with .002, .003, ..."""
        made = self.lots_made if self.lots_made_in == self.seq + 1 else 0
        return f"{self.number}-{self.seq + 1}" + (f".{made + 1:03}" if made else "")

    def charge(self, customer: Customer, name: str) -> Charge | None:
        """The charge, unless it is settled and no longer remembered."""
        charge = customer.charges.get(name)
        if charge is not None and charge.state != "held" and not windows.slot_is_live(charge.touched_at, self.clock):
            return None
        return charge

    def plan_of(self, customer: Customer) -> Plan:
        """The customer's plan."""
        return self.plans[customer.plan]

    def spendable(self, customer: Customer, wallet: Wallet, *, scheduled: bool = False) -> int:
        """available + overdraft limit, which may be for scheduled messages alone."""
        plan = self.plan_of(customer)
        return wallet.available + (0 if plan.send_until_flag and not scheduled else plan.overdraft_limit)

    def copy(self) -> Bucket:
        """A copy that shares nothing."""
        return deepcopy(self)


NOTHING_ELSE: Entry = {
    "reason": None,
    "decision": None,
    "granted": None,
    "price": None,
    "line_amounts": [],
    "wallet": None,
    "wallet_seq": None,
    "amount": 0,
    "held_change": 0,
    "before": None,
    "after": None,
    "lots": {},
    "legs": [],
    "charge": None,
    "alerts": [],
    "rules": [],
    "blocks": [],
    "settings": None,
    "profile": None,
    "allotment": None,
    "states": [],
    "duplicate_of": None,
    "due_at": None,
}

EVENT_RULES: dict[type[Event], Callable[[Bucket, Customer, Any], Entry]] = {
    Submission: charges.submit,
    Extension: extensions.extend,
    Outcome: outcomes.outcome,
    CallEnd: outcomes.end_call,
    Recorded: usage.record,
    Adjustment: usage.adjust_charge,
    Unpriced: usage.refuse,
}


def asks(given: Event) -> bool:
    """Submissions and extensions ask for a decision; received events get none."""
    if isinstance(given, Unpriced):
        return given.asked
    return isinstance(given, Extension) or (isinstance(given, Submission) and not given.received)
