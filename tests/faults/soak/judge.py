"""What a soak came to: lost, doubled, overspent, drift, and each check that did not hold. Leaves reading to `evidence`.

The checks of `verifier` say whether; the numbers here are counted apart from them, so that a report can say how much.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping

from msgspec import Struct

from tests.end_to_end import verifier
from tests.end_to_end.evidence import Evidence
from tests.end_to_end.traffic import Totals
from tests.faults.soak.stream import POOR_PAID

PROBLEM_SHOWN_MAX = 2_000


class Verdict(Struct):
    """Numbers of a run, each of which must be 0, and what did not hold in words."""

    inputs: int = 0
    entries: int = 0
    decisions: int = 0
    lost: int = 0
    """Events and commands that were sent and have no entry and no dead letter."""
    doubled: int = 0
    """Events and commands that took effect more than once, and entries that repeat a number."""
    overspent: int = 0
    """Customers without overdraft who were allowed more than their credit, or stand below zero."""
    drift: int = 0
    """Wallets that Redis, Postgres, the entries' sums and the plain model do not agree on."""
    problems: list[str] = []

    @property
    def is_exact(self) -> bool:
        """Whether all is as it must be."""
        return not (self.lost or self.doubled or self.overspent or self.drift or self.problems)


def judge(evidence: Evidence, totals: Mapping[str, Totals], poor: list[str]) -> Verdict:
    """Count, and run every check."""
    problems = _tell_poor(evidence, poor)
    verdict = Verdict(
        inputs=len(evidence.topics["usage"]) + len(evidence.topics["commands"]),
        entries=len(evidence.all_entries),
        decisions=len(evidence.topics["decisions"]),
        lost=_count_lost(evidence),
        doubled=_count_doubled(evidence),
        overspent=_count_overspent(evidence, poor),
        drift=_count_drift(evidence, totals),
        problems=problems,
    )
    checks: list[Callable[[Evidence], None]] = [
        verifier.check_chain,
        verifier.check_every_input_has_one_end,
        verifier.check_events_took_effect_once,
        verifier.check_wallets,
        verifier.check_decisions,
        verifier.check_answers,
        verifier.check_alerts,
        verifier.check_blocks,
    ]
    for check in checks:
        try:
            check(evidence)
        except AssertionError as error:
            verdict.problems.append(f"{check.__name__}: {str(error)[:PROBLEM_SHOWN_MAX]}")
    return verdict


def _count_lost(evidence: Evidence) -> int:
    ended = {
        (name, *_identity(entry)) for entry in evidence.all_entries for name in ("event", "command") if name in entry
    }
    letters = {(letter["topic"], letter["partition"], letter["offset"]) for letter in evidence.values("dead-letters")}
    lost = 0
    for topic, name in (("usage", "event"), ("commands", "command")):
        for read in evidence.topics[topic]:
            if (topic, read.partition, read.offset) in letters or verifier._is_tick(read.value):
                continue
            value = read.value if isinstance(read.value, dict) else {}
            source = value.get("source") if name == "event" else value.get("customer")
            lost += (name, source, value.get("id")) not in ended
    return lost


def _count_doubled(evidence: Evidence) -> int:
    effects = Counter(
        _identity(entry)
        for entry in evidence.all_entries
        if entry["kind"] != "duplicate" and "due_at_ms" not in entry and (entry.get("event") or entry.get("command"))
    )
    return sum(count - 1 for count in effects.values()) + len(evidence.dropped)


def _count_overspent(evidence: Evidence, poor: list[str]) -> int:
    allowed: dict[str, set[str]] = defaultdict(set)
    for entry in evidence.all_entries:
        if entry.get("decision") == "allowed":
            allowed[entry["customer"]].add(entry["event"]["id"])
    over = sum(len(allowed[customer]) != POOR_PAID for customer in poor)
    return over + sum(figures[2] > 0 or figures[0] < 0 for figures in evidence.live.values())


def _tell_poor(evidence: Evidence, poor: list[str]) -> list[str]:
    """What became of the texts of a poor customer that was not allowed as many as its credit covers."""
    became: dict[str, Counter[str]] = defaultdict(Counter)
    for entry in evidence.all_entries:
        if entry.get("decision") and entry["kind"] != "duplicate":
            became[entry["customer"]][f"{entry['decision']} {entry.get('reason') or ''}".strip()] += 1
    return [f"{name}: {dict(became[name])}" for name in poor if became[name]["allowed"] != POOR_PAID]


def _count_drift(evidence: Evidence, totals: Mapping[str, Totals]) -> int:
    drift = 0
    for customer, total in totals.items():
        wallet = (customer, "main")
        expected = (total.balance_micros - total.held_micros, total.held_micros, 0)
        sums = (total.balance_micros, total.held_micros)
        same = evidence.live.get(wallet) == evidence.books.get(wallet) == expected
        drift += not (same and evidence.book_sums.get(wallet) == sums)
    return drift


def _identity(entry: dict[str, object]) -> tuple[object, object]:
    event = entry.get("event")
    if isinstance(event, dict):
        return event["source"], event["id"]
    told = entry.get("command")
    return entry["customer"], told["id"] if isinstance(told, dict) else None
