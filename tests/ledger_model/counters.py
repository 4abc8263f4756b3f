"""Counters: what an event costs by the units used so far, and when these count. Leaves tiers to `counted`."""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from tests.ledger_model import calendar
from tests.ledger_model.counted import Counted, Person, Used, line_price
from tests.ledger_model.counter_state import Count, Counter
from tests.ledger_model.inputs import CallEnd, Command, Event, Outcome, Submission
from tests.ledger_model.state import Charge, Customer

if TYPE_CHECKING:
    from tests.ledger_model.bucket import Bucket
    from tests.ledger_model.changes import Change

E = TypeVar("E", bound=Event)

FAILURES = ("failed", "cancelled", "expired")


@dataclass
class Price:
    """What an event comes to by the counters as they are, and what they would be after it."""

    by_recipient: dict[str, int]
    by_line: list[int]
    counters: dict[str, Counter]
    """All that were looked at."""
    counts: list[Count]

    @property
    def total(self) -> int:
        """Of all recipients."""
        return sum(self.by_recipient.values())


def at_present(bucket: Bucket, customer: Customer, counter: str) -> Counter:
    """The counter in the window that holds this moment: the one that is open, or a new one."""
    window, name = counter.split(":")
    known = customer.counters.get(counter)
    if known is not None and (known.ends == 0 or bucket.clock < known.ends):
        cycle = customer.cycle
        if window != "cycle" or cycle is None or not cycle.starts_at <= bucket.clock < cycle.ends_at:
            return copy(known)
        if cycle.starts_at <= known.starts + calendar.HALF_MONTH:
            return replace(known, ends=cycle.ends_at)
    return Counter(window, name, 0, *calendar.window(customer, window, bucket.clock))


def priced(bucket: Bucket, customer: Customer, given: E) -> E:
    """The event with the price that counters give it, which the bucket keeps until the entry is made."""
    bucket.pricing = None
    if given.counted is None:
        return given
    found = bucket.pricing = price_of(bucket, customer, given, given.counted)
    if isinstance(given, Submission) and given.recipients is not None:
        return replace(given, price=found.total, recipients=dict(found.by_recipient))
    return replace(given, price=found.total)  # type: ignore[call-arg]  # no adjustment is counted


def price_of(bucket: Bucket, customer: Customer, given: Event, counted: Counted) -> Price:
    """Recipient by recipient and line by line. Outcomes and ends of calls: as if the charge had counted nothing."""
    mine = [] if (charge := priced_anew(bucket, customer, given)) is None else turned_with(charge, [])
    ids = [use.id for line in counted.lines for use in line.uses] + [count.counter for count in mine]
    present = {counter: at_present(bucket, customer, counter) for counter in ids}
    used = Used({name: counter.used for name, counter in present.items()})
    for count in mine:
        if count.units > 0:
            used.look_at(count.counter)
            used.used[count.counter] -= count.units if count.starts == present[count.counter].starts else 0
    by_line = [0] * len(counted.lines)
    by_recipient = {}
    for person in granted(given, counted.people):
        amount = person.others
        for place in person.lines:
            cost = line_price(counted.lines[place], person.to, used)
            by_line[place] += cost
            amount += cost
        by_recipient[person.to] = amount
    after = {name: replace(present[name], used=used.used[name]) for name in used.looked_at}
    counts = [Count(name, to, present[name].starts, units) for name, to, units in used.taken]
    return Price(by_recipient, by_line, after, counts)


def granted(given: Event, people: Iterable[Person]) -> list[Person]:
    """Those to whom it goes."""
    named = given.recipients if isinstance(given, Submission) else None
    return [person for person in people if named is None or person.to in named]


def priced_anew(bucket: Bucket, customer: Customer, given: Event) -> Charge | None:
    """The charge in whose place an event's own price counts."""
    return bucket.charge(customer, given.charge_key) if isinstance(given, Outcome | CallEnd) else None


def turned_with(charge: Charge, settled: list[str]) -> list[Count]:
    """What a charge counted for those whom an entry settles or, where it settles nobody, for all who are left."""
    names = settled or [*(charge.recipients or {})]
    return [count for count in charge.counts if not names or count.to in ("", *names)]


def count(
    bucket: Bucket,
    change: Change,
    given: Event | Command | None,
    kind: str,
    charge: Charge | None,
    settled: list[str],
    *,
    own_price: bool,
) -> dict[str, Any]:
    """What an entry counts, gives back or counts again. Returns what it tells of its price."""
    mine = [] if charge is None else turned_with(charge, settled)
    if isinstance(given, Event) and given.counted is not None and own_price:
        price = bucket.pricing
        assert price is not None
        if kind not in ("denied", "noted"):
            for counter in price.counters.values():
                keep(change, counter)
        if charge is not None:
            if isinstance(given, Outcome | CallEnd):
                charge.counts = [count for count in charge.counts if count not in mine]
            sign = -1 if kind == "denied" else 1
            charge.counts = charge.counts + [replace(count, units=sign * count.units) for count in price.counts]
        return {"price": price.total, "line_amounts": price.by_line}
    failed = isinstance(given, Outcome) and given.moment in FAILURES
    if charge is not None and (kind in ("released", "expired") or (kind == "committed" and failed)):
        turn(bucket, change, [count for count in mine if count.units > 0])
    elif charge is not None and kind == "debited":
        turn(bucket, change, [count for count in mine if count.units < 0])
    return {}


def turn(bucket: Bucket, change: Change, counts: list[Count]) -> None:
    """Give back what was counted, or count again what was given back: in its window, or nowhere when another has begun
    since. A window in which nothing has counted yet, since all was denied, begins with what counts after all.
    """
    for count in counts:
        counter = change.customer.counters.get(count.counter)
        if count.units < 0 and (counter is None or counter.starts != count.starts):
            counter = at_present(bucket, change.customer, count.counter)
        if counter is not None and counter.starts == count.starts:
            keep(change, replace(counter, used=counter.used - count.units))
        count.units = -count.units


def keep(change: Change, counter: Counter) -> None:
    """The counter after the entry, which shows it."""
    change.customer.counters[counter.id] = counter
    change.counters[counter.id] = {
        "kind": "counter",
        "id": counter.id,
        "window": counter.window,
        "name": counter.name,
        "used": counter.used,
        "starts_at_ms": counter.starts,
        "ends_at_ms": counter.ends,
        "gone": False,
    }


def takes_told(charge: Charge) -> list[tuple[str, int, int]]:
    """What a charge counted, as an entry shows it."""
    return [
        (f"counter:{count.counter}" + (f":{count.to}" if count.to else ""), count.starts, count.units)
        for count in charge.counts
    ]
