"""Judges what a run left behind by rules of its own and the totals expected. Leaves reading it to `evidence`."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from metering.worker.replay import ReplayReport
from tests.end_to_end.evidence import Evidence, Figures, Wallet
from tests.end_to_end.traffic import Totals

FORWARDED = "metering-forwarded"


def check_all(evidence: Evidence, totals: Mapping[str, Totals] | None = None) -> None:
    """Check everything that holds for any run, and the totals of a run whose traffic has some."""
    check_chain(evidence)
    check_every_input_has_one_end(evidence)
    check_events_took_effect_once(evidence)
    check_wallets(evidence)
    check_decisions(evidence)
    check_answers(evidence)
    check_alerts(evidence)
    check_blocks(evidence)
    if totals is not None:
        check_totals(evidence, totals)


def check_chain(evidence: Evidence) -> None:
    """Entries of a bucket go up by one; with transactions nothing else is to be seen. The books have all of them."""
    for bucket, entries in evidence.entries.items():
        assert [entry["seq"] for entry in entries] == list(range(1, len(entries) + 1))
        assert all(entry["id"] == f"{bucket}-{entry['seq']}" for entry in entries)
        assert evidence.book_seqs.get(bucket, 0) == len(entries)
        positions = [(entry["position"]["usage"], entry["position"]["commands"]) for entry in entries]
        assert positions == sorted(positions, key=sum)
        clocks = [entry["applied_at_ms"] for entry in entries]
        assert clocks == sorted(clocks)
    if evidence.exactly_once:
        assert evidence.dropped == []


def check_every_input_has_one_end(evidence: Evidence) -> None:
    """Each input record ends as one entry, or as a dead letter, or is sent on; a tick only moves the position."""
    entries = Counter(
        (entry["input"]["topic"], bucket, entry["input"]["offset"])
        for bucket, of_bucket in evidence.entries.items()
        for entry in of_bucket
        if "due_at_ms" not in entry
    )
    letters = {
        (letter["topic"], letter["partition"], letter["offset"])
        for letter in evidence.values("dead-letters")
        if "resolution" not in letter
    }
    forwarded = {
        (topic, read.raw)
        for topic in ("usage", "commands")
        for read in evidence.topics[topic]
        if _is_forwarded(read.headers)
    }
    unanswered = []
    for topic in ("usage", "commands"):
        for read in evidence.topics[topic]:
            where = (topic, read.partition, read.offset)
            ends = entries.pop(where, 0) + (where in letters)
            sent_on = ends == 0 and not _is_forwarded(read.headers) and (topic, read.raw) in forwarded
            if ends + sent_on != 1 and not _is_tick(read.value):
                unanswered.append((where, ends, read.raw))
    assert unanswered == []
    assert dict(entries) == {}


def check_events_took_effect_once(evidence: Evidence) -> None:
    """Of all entries of one event or command, exactly one is not a repeat, and the repeats name it."""
    firsts: dict[tuple[str, str, str], int] = {}
    for entry in evidence.all_entries:
        identity = _identity(entry)
        if identity is None:
            continue
        if entry["kind"] != "duplicate":
            assert identity not in firsts, f"{identity} took effect twice"
            firsts[identity] = entry["seq"]
        else:
            assert (firsts.get(identity), entry.get("amount_micros", 0)) == (entry["duplicate_of"], 0)


def check_wallets(evidence: Evidence) -> None:
    """The entries of a wallet add up to what Redis has and to what Postgres has, and follow from one another."""
    balances: dict[Wallet, int] = defaultdict(int)
    held: dict[Wallet, int] = defaultdict(int)
    seqs: dict[Wallet, int] = defaultdict(int)
    afters: dict[Wallet, dict[str, int]] = {}
    for entry in evidence.all_entries:
        sides = [entry, *entry.get("legs", [])]
        assert len(sides) == 1 or sum(side.get("amount_micros", 0) for side in sides) == 0, entry["id"]
        for side in sides:
            if side.get("wallet") is None:
                continue
            wallet = (entry["customer"], side["wallet"])
            balances[wallet] += side.get("amount_micros", 0)
            held[wallet] += side.get("held_change_micros", 0)
            if side.get("before") is not None:
                assert side["before"] == afters.get(wallet, side["before"]), entry["id"]
                afters[wallet] = side["after"]
            if "wallet_seq" in side:
                seqs[wallet] += 1
                assert side["wallet_seq"] == seqs[wallet]
    of_entries: dict[Wallet, Figures] = {
        wallet: (after["available_micros"], after["held_micros"], after["overdrawn_micros"])
        for wallet, after in afters.items()
    }
    sums = {wallet: (balances[wallet], held[wallet]) for wallet in afters}
    assert {wallet: (figures[0] + figures[1], figures[1]) for wallet, figures in of_entries.items()} == sums
    assert _of(evidence.live, of_entries) == of_entries
    assert _of(evidence.books, of_entries) == of_entries
    assert evidence.live == evidence.books
    assert _of(evidence.book_sums, sums) == sums


def check_decisions(evidence: Evidence) -> None:
    """Every event that asked got its decision, the one that its entry has; a repeat of it says the same."""
    told: dict[tuple[str, str], set[str]] = defaultdict(set)
    for decision in evidence.values("decisions"):
        told[decision["source"], decision["event_id"]].add(decision["outcome"])
    asked = {
        (entry["event"]["source"], entry["event"]["id"]): {entry["decision"]}
        for entry in evidence.all_entries
        if entry.get("decision") is not None
    }
    assert told == asked


def check_answers(evidence: Evidence) -> None:
    """Every command is answered; all answers to one say the same."""
    answers: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for answer in evidence.values("answers"):
        answers[answer["customer"], answer["id"]].append(answer)
    commands = Counter((e["customer"], e["command"]["id"]) for e in evidence.all_entries if e.get("command"))
    for identity, count in commands.items():
        found = answers[identity]
        assert len(found) >= count, f"{identity} has {len(found)} answers for {count} entries"
        said = {orjson.dumps({k: v for k, v in answer.items() if k != "duplicate"}) for answer in found}
        assert len(said) == 1, f"the answers to {identity} differ"
        if evidence.exactly_once:
            assert len(found) == count


def check_alerts(evidence: Evidence) -> None:
    """One alert for each change that the entries tell of, no other; a repeat has the same bytes."""
    alerts: dict[str, set[bytes]] = defaultdict(set)
    for read in evidence.topics["alerts"]:
        alerts[read.value["id"]].add(read.raw or b"")
    assert all(len(bodies) == 1 for bodies in alerts.values())
    if evidence.exactly_once:
        assert len(evidence.topics["alerts"]) == len(alerts)
    expected = set()
    for entry in evidence.all_entries:
        changes = len(entry.get("alerts", [])) + sum(block["changed"] for block in entry.get("blocks", []))
        expected |= {f"{entry['id']}:{number}" for number in range(changes)}
    assert set(alerts) == expected


def check_blocks(evidence: Evidence) -> None:
    """The compacted list of blocks, the entries, Redis and Postgres agree on who is blocked."""
    listed: dict[bytes, bytes | None] = {}
    for read in evidence.topics["blocked-senders"]:
        listed[read.key or b""] = read.raw
    from_list = {tuple(orjson.loads(key)) for key, value in listed.items() if value is not None}
    from_entries: set[tuple[str, str, str]] = set()
    for entry in evidence.all_entries:
        for block in entry.get("blocks", []):
            change = from_entries.add if block["blocked"] else from_entries.discard
            change((entry["customer"], block["level"], block["id"]))
    assert from_list == from_entries
    assert {block for block in from_entries if block[1] == "sender"} == evidence.live_blocks
    assert evidence.live_blocks == evidence.book_blocks


def check_totals(evidence: Evidence, totals: Mapping[str, Totals]) -> None:
    """Every customer's wallet is what the traffic must come to."""
    expected = {
        (customer, "main"): (total.balance_micros - total.held_micros, total.held_micros, 0)
        for customer, total in totals.items()
    }
    assert _of(evidence.live, expected) == expected


def check_replay(evidence: Evidence, report: ReplayReport) -> None:
    """The same inputs, in the order that the ledger has them, give every entry again, byte for byte."""
    assert report.differences == []
    assert (report.differing, report.entries) == (0, len(evidence.all_entries))


def _of(found: Mapping[Wallet, Any], wallets: Iterable[Wallet]) -> dict[Wallet, Any]:
    return {wallet: found.get(wallet) for wallet in wallets}


def _identity(entry: dict[str, Any]) -> tuple[str, str, str] | None:
    if "due_at_ms" in entry:
        return None
    if entry.get("event"):
        return ("event", entry["event"]["source"], entry["event"]["id"])
    return ("command", entry["customer"], entry["command"]["id"])


def _is_forwarded(headers: tuple[tuple[str, bytes], ...]) -> bool:
    return any(name == FORWARDED for name, _ in headers)


def _is_tick(value: Any) -> bool:
    return isinstance(value, dict) and value.get("type") == "tick"
