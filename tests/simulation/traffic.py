"""What producers send in a run: bytes for the broker, and the same as the ledger's model takes it.

Leaves when it is sent to `schedule`.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from tests.ledger_model import inputs as model
from tests.ledger_model.plan_state import Plan

PLANS = {
    "payg-usd": Plan("USD", alert=(5_000_000, 6_000_000), cycle_months=1),
    "brief-holds": Plan("USD", cycle_months=1),
}
"""As the model has the plans in tests/end_to_end/rates."""
HOLD_MS = {"payg-usd": 72 * 3_600_000, "brief-holds": 1_000}

CUSTOMERS = {f"customer-{n}": ("brief-holds" if n % 3 == 2 else "payg-usd") for n in range(4)}
NOBODY = "nobody"
SOURCE = "/gateway"

PRICES: dict[str, tuple[int, Literal["submit", "sent", "delivered"], int]] = {
    "+34600000001": (50_000, "sent", 0),
    "+12025550101": (10_000, "submit", 0),
    "+447700900001": (40_000, "delivered", 10_000),
}
"""What a segment costs, when it is charged, and what a failed one costs."""
UNRATED = "+491700000001"


@dataclass(frozen=True)
class Message:
    """One thing that is sent: `verb` says what, `id` is its idempotency key, `time_ms` when it happened."""

    verb: str
    id: str
    customer: str
    time_ms: int = 0
    to: str | None = None
    amount: int = 0
    """Segments of a text, micro-units of money."""
    charge: str | None = None
    sender: str | None = None

    @property
    def topic(self) -> Literal["usage", "commands"]:
        """The topic that it belongs into."""
        return "commands" if self.verb in COMMANDS else "usage"

    def value(self) -> bytes:
        """The record's value; what is no message at all is spoilt."""
        if self.verb == "poison":
            return b"{" + self.id.encode()
        if self.verb in COMMANDS:
            body = {"type": self.verb, "id": self.id, "customer": self.customer, "actor": "operator"}
            if self.verb == "open_customer":
                body["plan"] = CUSTOMERS[self.customer]
            if self.verb == "top_up":
                return json.dumps(body | {"amount_micros": self.amount, "unit": "USD"}).encode()
            return json.dumps(body).encode()
        return json.dumps(
            {
                "specversion": "1.0",
                "id": self.id,
                "source": SOURCE,
                "type": self.verb,
                "time": datetime.fromtimestamp(self.time_ms / 1_000, UTC).isoformat(),
                "data": self._data(),
            }
        ).encode()

    def _data(self) -> dict[str, Any]:
        if self.verb == "usage.recorded":
            fields: dict[str, Any] = {"amount_micros": self.amount}
        elif self.verb == "sms.submitted":
            fields = {"to": self.to, "segments": self.amount, "charge_id": self.charge}
        else:
            fields = {"charge_id": self.charge}
        return (
            {"customer": self.customer, "sender": self.sender} | fields
            if self.sender
            else ({"customer": self.customer} | fields)
        )

    def as_input(self, at: int) -> model.Input:
        """The same for the model, applied at `at`."""
        if self.verb in COMMANDS:
            return self._as_command(at)
        known: dict[str, Any] = {
            "at": at,
            "source": SOURCE,
            "id": self.id,
            "customer": self.customer,
            "sender": self.sender,
        }
        if self.verb == "usage.recorded":
            return model.Recorded(**known, price=self.amount)
        if self.verb != "sms.submitted":
            return model.Outcome(**known, charge=self.charge, moment=self.verb.removeprefix("sms."))
        if self.to not in PRICES:
            return model.Unpriced(**known, charge=self.charge, reason="unrated", asked=True)
        micros, charge_on, fee = PRICES[self.to]
        return model.Submission(
            **known,
            charge=self.charge,
            price=micros * self.amount,
            charge_on=charge_on,
            fee=fee,
            deadline=at + HOLD_MS[CUSTOMERS.get(self.customer, "payg-usd")],
        )

    def _as_command(self, at: int) -> model.Command:
        known: dict[str, Any] = {"at": at, "id": self.id, "customer": self.customer}
        match self.verb:
            case "open_customer":
                return model.OpenCustomer(**known, plan=CUSTOMERS[self.customer])
            case "top_up":
                return model.TopUp(**known, amount=self.amount)
            case "suspend":
                return model.Suspend(**known)
        return model.Resume(**known)


COMMANDS = ("open_customer", "top_up", "suspend", "resume")


class Author:
    """Thinks up messages that belong together."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._number = 0
        self._sent: list[Message] = []
        self._charges: list[Message] = []

    def opening(self, customer: str) -> list[Message]:
        """A customer with some credit; not much, so that some messages are denied."""
        return [
            Message("open_customer", f"open-{customer}", customer),
            Message("top_up", f"credit-{customer}", customer, amount=self._rng.choice([60_000, 300_000, 5_200_000])),
        ]

    def next(self, now_ms: int) -> Message:
        """One more message of `now_ms`; sometimes one that was sent before."""
        rng = self._rng
        if self._sent and rng.random() < 0.15:
            return rng.choice(self._sent)
        message = self._new(now_ms)
        self._sent.append(message)
        return message

    def _new(self, now_ms: int) -> Message:
        rng = self._rng
        self._number += 1
        name = f"m{self._number}"
        customer = rng.choice([*CUSTOMERS, *CUSTOMERS, NOBODY])
        kind = rng.random()
        if kind < 0.45:
            text = Message(
                "sms.submitted",
                name,
                customer,
                now_ms,
                rng.choice([*PRICES, *PRICES, UNRATED]),
                rng.randint(1, 3),
                name,
                rng.choice([None, "s1", "s2"]),
            )
            self._charges.append(text)
            return text
        if kind < 0.75 and self._charges:
            of = rng.choice(self._charges[-6:])
            verb = rng.choice(["sent", "sent", "delivered", "failed", "cancelled"])
            return Message(f"sms.{verb}", name, of.customer, now_ms, charge=of.charge)
        if kind < 0.8:
            return Message("usage.recorded", name, customer, now_ms, amount=rng.randint(0, 90_000))
        if kind < 0.92:
            return Message("top_up", name, customer, amount=rng.choice([30_000, 100_000]))
        if kind < 0.96:
            return Message(rng.choice(["suspend", "resume"]), name, rng.choice(list(CUSTOMERS)))
        return Message("poison", name, customer)
