"""Judges what a run left behind. Every check raises `AssertionError` with what is wrong.

Leaves the rules of money to `tests/ledger_model`, which is driven here with the inputs in the ledger's order.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

import orjson

from metering.contracts.entries import LedgerEntry
from metering.contracts.partitioning import partition_of
from metering.ledger.state import ChargeState, CustomerState, WalletState
from metering.ledger.stored import read_charge, read_settings, read_wallet
from metering.worker.chunking import FORWARDED
from tests.ledger.history.plain import plain_entry
from tests.ledger_model import inputs as model
from tests.ledger_model.bucket import Bucket
from tests.simulation.broker import Stored
from tests.simulation.traffic import PLANS
from tests.simulation.world import Outcome


def judge(outcome: Outcome) -> None:
    """Hold a run against every promise. Raises `AssertionError`."""
    assert outcome.problem is None, f"it does not come to its end: {outcome.problem}"
    assert outcome.servers.loop.unhandled == [], outcome.servers.loop.unhandled
    for number in range(outcome.schedule.buckets):
        check_ends_of_inputs(outcome, number)
        check_against_model(outcome, number)
        check_redis(outcome, number)
    check_decisions(outcome)
    check_sides(outcome)


def visible(outcome: Outcome, topic: str, number: int) -> Iterator[Stored]:
    """The records of a partition that a read-committed reader sees."""
    found, _ = outcome.servers.broker.log((topic, number)).read(0, 1_000_000)
    return iter(found)


def entries(outcome: Outcome, number: int) -> list[LedgerEntry]:
    """The entries of a bucket that count."""
    return outcome.servers.books.buckets[number].entries


def check_ends_of_inputs(outcome: Outcome, number: int) -> None:
    """Each input record has one entry, or a dead letter, or was sent on; a tick has none of these."""
    found = Counter((e.input.topic, e.input.offset) for e in entries(outcome, number) if e.due_at_ms is None)
    for entry in entries(outcome, number):
        home = partition_of(entry.customer, outcome.schedule.buckets)
        assert home == number, f"entry {entry.id} of {entry.customer}, who belongs into bucket {home}"
    letters = {
        (letter["topic"], letter["offset"])
        for stored in visible(outcome, "dead-letters", 0)
        if (letter := orjson.loads(stored.record.value or b""))["partition"] == number
    }
    forwarded = {
        stored.record.value
        for other in range(outcome.schedule.buckets)
        for stored in visible(outcome, "usage", other)
        if stored.record.headers
    }
    for topic in ("usage", "commands"):
        for stored in visible(outcome, topic, number):
            where: tuple[Any, int] = (topic, stored.offset)
            value = stored.record.value
            ends = found.pop(where, 0) + (where in letters)
            if value not in outcome.messages:
                assert ends == 0, f"a tick at {where} of bucket {number} has an entry"
                continue
            is_forwarded = any(name == FORWARDED for name, _ in stored.record.headers)
            ends += ends == 0 and not is_forwarded and value in forwarded
            assert ends == 1, f"{topic}[{number}] offset {stored.offset} has {ends} ends: {outcome.messages[value]}"
    assert not found, f"entries of bucket {number} without an input: {found}"


def check_against_model(outcome: Outcome, number: int) -> None:
    """The ledger is what the model makes of the same inputs in the same order: effects, balances, decisions."""
    mine = entries(outcome, number)
    bucket = Bucket(PLANS, number)
    expected: list[dict[str, Any]] = []
    last: tuple[str, int] | None = None
    for entry in mine:
        where = (entry.input.topic, entry.input.offset)
        if where == last:
            continue
        last = where
        value = outcome.servers.broker.log((entry.input.topic, number)).stored[entry.input.offset].record.value
        message = outcome.messages.get(value or b"")
        given = model.Tick(at=entry.applied_at_ms) if message is None else message.as_input(entry.applied_at_ms)
        expected += [{k: v for k, v in made.items() if k != "input"} for made in bucket.apply(given)]
    for entry, wanted in zip(mine, expected, strict=False):
        # The price is the rating's, carried along; what it did to the wallet is compared.
        found = {name: value for name, value in plain_entry(entry).items() if name != "price"}
        differs = {name: (found[name], wanted[name]) for name in found if found[name] != wanted.get(name)}
        assert not differs, f"entry {entry.id} ({entry.kind}) is not the model's: {differs}"
    assert len(mine) == len(expected), f"bucket {number} has {len(mine)} entries, the model {len(expected)}"


def check_redis(outcome: Outcome, number: int) -> None:
    """Redis holds what the ledger folds to."""
    store = outcome.servers.redis.store
    fold = outcome.servers.books.buckets[number].fold

    def hash_of(name: str) -> dict[str, bytes]:
        found: dict[bytes, bytes] = store.get(f"{{b{number}}}:{name}".encode(), {})
        return {field.decode(): value for field, value in found.items()}

    records = fold.records()
    wallets = {(r.customer, r.wallet): r for r in records if isinstance(r, WalletState)}
    live = {(w.customer, w.wallet): w for w in (read_wallet(k, v) for k, v in hash_of("wallets").items())}
    assert _by_lot(live) == _by_lot(wallets), f"wallets of bucket {number} in Redis are not the ledger's"
    held = {r.charge.id: r for r in records if isinstance(r, ChargeState) and r.charge.state == "held"}
    charges = [read_charge(k, v) for k, v in hash_of("charges").items()]
    assert {c.charge.id: c.charge.held_micros for c in charges} == {i: c.charge.held_micros for i, c in held.items()}
    settings = {r.customer: r.settings for r in records if isinstance(r, CustomerState)}
    assert {name: read_settings(value) for name, value in hash_of("customers").items()} == settings


def _by_lot(wallets: dict[tuple[str, str], WalletState]) -> dict[tuple[str, str], Any]:
    return {
        key: (w.wallet_seq, w.overdrawn_micros, w.held_over_micros, {lot.lot: lot for lot in w.lots}, w.rules)
        for key, w in wallets.items()
    }


def check_decisions(outcome: Outcome) -> None:
    """Whoever asked was told what the entry says, and nothing else.

    Only where Redis forgot *and* a worker lost its memory may another answer have gone out before.
    """
    schedule = outcome.schedule
    told: dict[str, set[str]] = defaultdict(set)
    asked: dict[str, set[str]] = defaultdict(set)
    for number in range(schedule.buckets):
        for stored in visible(outcome, "decisions", number):
            decision = orjson.loads(stored.record.value or b"")
            told[decision["event_id"]].add(decision["outcome"])
        for entry in entries(outcome, number):
            if entry.decision is not None and entry.event is not None:
                asked[entry.event.id].add(entry.decision)
    for event_id, outcomes in asked.items():
        assert outcomes <= told[event_id], f"the decision on {event_id} was never sent: {outcomes}, {told[event_id]}"
    if not (schedule.loses_redis and schedule.loses_memory):
        assert told == asked, "decisions that no entry has: " + str({k: v for k, v in told.items() if v != asked[k]})


def check_sides(outcome: Outcome) -> None:
    """Every command is answered, every alert told; with transactions once."""
    schedule = outcome.schedule
    alerts = Counter(
        orjson.loads(stored.record.value or b"")["id"]
        for number in range(schedule.buckets)
        for stored in visible(outcome, "alerts", number)
    )
    answers = Counter(orjson.loads(stored.record.value or b"")["id"] for stored in visible(outcome, "answers", 0))
    expected: Counter[str] = Counter()
    commands: Counter[str] = Counter()
    for number in range(schedule.buckets):
        for entry in entries(outcome, number):
            changes = len(entry.alerts) + sum(block.changed for block in entry.blocks)
            expected.update(f"{entry.id}:{n}" for n in range(changes))
            if entry.command is not None and entry.due_at_ms is None:
                commands[entry.command.id] += 1
    if schedule.transactions:
        assert alerts == expected, f"alerts: {alerts - expected} too many, {expected - alerts} missing"
        assert answers == commands, f"answers: {answers - commands} too many, {commands - answers} missing"
    else:
        assert not expected.keys() - alerts.keys(), f"alerts missing: {expected.keys() - alerts.keys()}"
        assert not commands - answers, f"answers missing: {commands - answers}"
