"""One customer's story, told step by step to a bucket: the model or the real Lua. Leaves expectations to the tests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from tests.ledger_model import inputs as model
from tests.ledger_model.calls import Call
from tests.ledger_model.plan_state import Fee, Plan

Entry = dict[str, Any]
E = TypeVar("E", bound=model.Event)

START = 1_790_000_000_000
SECOND = 1_000
HOUR = 3_600 * SECOND
DAY = 24 * HOUR

PLANS = {
    "plain": Plan("USD"),
    "overdraft": Plan("USD", overdraft_limit=30),
    "level": Plan("USD", alert=(100, 101), locks=True, fixed=True),
    "alert": Plan("USD", alert=(100, 101)),
    "alert at 300": Plan("USD", alert=(300, 301)),
    "off": Plan("USD", alert=(100, 101), alert_enabled=False),
    "locked": Plan("USD", all_features=True),
    "negative": Plan("USD", inbound_when_empty="forward_into_negative"),
    "refuse": Plan("USD", inbound_when_empty="refuse"),
    "flag": Plan("USD", send_until_flag=True),
    "flag and overdraft": Plan("USD", send_until_flag=True, overdraft_limit=2),
    "refuses drafts": Plan("USD", refuses_drafts=True),
    "part": Plan("USD", covered_part=True),
    "final unit": Plan("USD", call_part=True),
    "boundless": Plan("USD", overdraft_limit=2**53 - 1),
    "euro": Plan("EUR"),
    "monthly": Plan(
        "USD",
        cycle_months=1,
        grant=100,
        fees={"code": Fee(5, "USD", 1), "euro": Fee(7, "EUR", 1)},
        numbers={"": Fee(50, "USD", 1), "toll_free": Fee(60, "USD", 1), "short_code": Fee(0, "USD", 1)},
    ),
    "yearly": Plan(
        "USD", cycle_months=12, grant=1200, numbers={"": Fee(30, "USD", 1), "toll_free": Fee(90, "USD", 12)}
    ),
    "yearly at once": Plan(
        "USD", cycle_months=12, grant=1300, on_change="replace", numbers={"toll_free": Fee(80, "USD", 12)}
    ),
    "replace": Plan("USD", cycle_months=1, grant=300, on_change="replace"),
    "prorate": Plan("USD", cycle_months=1, grant=1000, on_change="prorate"),
    "spendable": Plan("USD", cycle_months=1, grant=100, spendable_without=True),
    "resumes": Plan("USD", cycle_months=1, grant=100, rop_resumes=True),
    "later": Plan("USD", cycle_months=1, grant=100, rop_covers_all=False),
    "users": Plan("USD", cycle_months=1, grant=100),
    "users, yearly": Plan("USD", cycle_months=12, grant=1_200),
    "users, company": Plan("USD", cycle_months=1, grant=100, cap_basis="company_total"),
    "users, never": Plan("USD", cycle_months=1, grant=100, rollover="never"),
    "users, rop": Plan("USD", cycle_months=1, grant=100, rollover="only_with_rop"),
    "users, next": Plan("USD", cycle_months=1, grant=100, raise_effect="next_period"),
    "users, reserve": Plan("USD", cycle_months=1, grant=100, reserve=5, reserve_percent=10),
    "users, refuse": Plan("USD", cycle_months=1, grant=100, keeps_negative=True),
    "users, flag": Plan("USD", cycle_months=1, grant=100, send_until_flag=True, overdraft_limit=2),
    "users, alerts": Plan("USD", cycle_months=1, grant=1_000, user_rules=((50, 51),)),
    "users, example": Plan("USD", cycle_months=1, grant=6_000, reserve=500),
    "users, numbers": Plan("USD", cycle_months=1, grant=1_000, numbers={"": Fee(500, "USD", 1)}),
    "users, small": Plan("USD", cycle_months=1, grant=50),
    "notices": Plan("USD", cycle_months=1, grant=100, notice=7 * DAY),
}


class Story:
    """Customer `anna`, whose inputs come one after another. Every step returns the entry of its input."""

    def __init__(self, apply: Callable[[Sequence[model.Input]], Awaitable[list[Entry]]]) -> None:
        self.now = START
        self.entries: list[Entry] = []
        self.told: list[model.Input] = []
        self._apply = apply

    async def do(self, given: model.Input) -> Entry:
        """Apply one input; return its entry (a tick's last timer effect)."""
        self.told.append(given)
        made = await self._apply([given])
        self.entries += made
        return made[-1]

    async def do_all(self, inputs: Sequence[model.Input]) -> list[Entry]:
        """Apply many inputs in one go; return all their entries."""
        self.told += inputs
        made = await self._apply(inputs)
        self.entries += made
        return made

    async def repeat(self, back: int = 1) -> Entry:
        """Tell an earlier input once more: the last, or one further back."""
        return await self.do(self.told[-back])

    async def open(self, plan: str = "plain", credit: int = 100, **fields: Any) -> Entry:
        """Open the customer and top it up."""
        opened = await self.command(model.OpenCustomer, plan=plan, **fields)
        if credit:
            await self.top_up(credit, unit=PLANS[plan].unit)
        return opened

    async def tick(self) -> list[Entry]:
        """Let the timers run that are due now; return their effects."""
        given = model.Tick(at=self.now)
        self.told.append(given)
        made = await self._apply([given])
        self.entries += made
        return made

    def event(self, kind: type[E], **fields: Any) -> E:
        """Make an event of `anna` at the present moment."""
        header = {"at": self.now, "id": f"event-{len(self.told)}", "customer": "anna", "charge": "x"}
        return kind(**{**header, **fields})

    async def submit(self, price: int, *, lasts: int = DAY, **fields: Any) -> Entry:
        """Ask whether a message may go out."""
        return await self.do(self.event(model.Submission, price=price, deadline=self.now + lasts, **fields))

    async def receive(self, price: int, **fields: Any) -> Entry:
        """Receive a message."""
        given = self.event(
            model.Submission, price=price, charge_on="submit", received=True, **{"charge": None, **fields}
        )
        return await self.do(given)

    async def call(self, call: Call, *, lasts: int = DAY, **fields: Any) -> Entry:
        """Ask whether a call may begin."""
        return await self.submit(call.reserved(call.seconds), lasts=lasts, call=call, **fields)

    async def extend(self, price: int | None, *, lasts: int = DAY, **fields: Any) -> Entry:
        """Ask for more seconds of a call."""
        return await self.do(self.event(model.Extension, price=price, deadline=self.now + lasts, **fields))

    async def outcome(self, moment: str, **fields: Any) -> Entry:
        """Tell what became of a message."""
        return await self.do(self.event(model.Outcome, moment=moment, **fields))

    async def end_call(self, price: int | None, **fields: Any) -> Entry:
        """Tell how long a call was."""
        return await self.do(self.event(model.CallEnd, price=price, **fields))

    async def record(self, price: int, **fields: Any) -> Entry:
        """Tell of usage that has happened."""
        return await self.do(self.event(model.Recorded, price=price, **{"charge": None, **fields}))

    async def adjust_charge(self, amount: int, **fields: Any) -> Entry:
        """Correct a charge."""
        return await self.do(self.event(model.Adjustment, amount=amount, **fields))

    async def refuse(self, reason: str, *, asked: bool = True, **fields: Any) -> Entry:
        """Send an event that cannot be priced."""
        return await self.do(self.event(model.Unpriced, reason=reason, asked=asked, **fields))

    async def command(self, kind: type[model.Command], /, **fields: Any) -> Entry:
        """Send a command."""
        header = {"at": self.now, "id": f"command-{len(self.told)}", "customer": "anna"}
        return await self.do(kind(**{**header, **fields}))

    async def top_up(self, amount: int, **fields: Any) -> Entry:
        """Buy credit."""
        return await self.command(model.TopUp, amount=amount, **fields)

    async def adjust(self, amount: int, **fields: Any) -> Entry:
        """Correct the wallet."""
        return await self.command(model.Adjust, amount=amount, **fields)

    async def set_alert(self, level: int, **fields: Any) -> Entry:
        """Make or change a low-credit rule."""
        return await self.command(model.SetAlert, level=level, **fields)

    def wait(self, milliseconds: int) -> None:
        """Let time pass."""
        self.now += milliseconds

    @property
    def figures(self) -> dict[str, int]:
        """The wallet's figures after the last entry that shows them."""
        shown: list[dict[str, int]] = [entry["after"] for entry in self.entries if entry["after"] is not None]
        return shown[-1]

    @property
    def available(self) -> int:
        """What was available after the last entry that shows it."""
        return self.figures["available"]


def alerts(entry: Entry) -> list[str]:
    """The types of the low-credit alerts of an entry."""
    return [alert["type"] for alert in entry["alerts"]]


def rule_told(name: str, state: str, level: int, **fields: Any) -> dict[str, Any]:
    """A rule as an entry shows it: absolute, of the wallet, armed again right above its level."""
    plain = {"enabled": True, "percent": 0, "locks": False, "fixed": False, "user": "", "of_plan": False}
    return {"rule": name, "state": state, "level": level, "rearm": level + 1, **plain, **fields}


def block_events(entry: Entry) -> list[tuple[str, str, bool]]:
    """Level, id and state of the blocks that an entry tells the world of."""
    return [(block["level"], block["id"], block["blocked"]) for block in entry["blocks"] if block["changed"]]


def remaining(entry: Entry) -> dict[str, int]:
    """What an entry leaves in the lots that it changed."""
    return {lot: change["remaining"] for lot, change in entry["lots"].items()}


def taken(entry: Entry) -> list[int]:
    """What an entry took from each lot that it changed, in no order."""
    return sorted(change["amount"] for change in entry["lots"].values())


def told(entry: Entry, *names: str) -> tuple[Any, ...]:
    """The named fields of an entry; `charge.state` is the charge's state."""
    values = []
    for name in names:
        value: Any = entry
        for part in name.split("."):
            value = value[part]
        values.append(value)
    return tuple(values)
