"""Makes records straight from rows of the books, of what there are millions of: customers, wallets, remembered events.

Each is made once a restore, within some 30 s for a million; a typed object for each would take as long again. Leaves
all other kinds to `restore_part`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import chain, groupby
from operator import itemgetter
from typing import Any

import msgspec

from metering.contracts.entries import Granted, RuleState
from metering.contracts.fields import MAIN_WALLET
from metering.contracts.reasons import Reason
from metering.contracts.wallets import WalletProfile
from metering.errors import BrokenInvariant
from metering.ledger.cause_codes import mask_of
from metering.ledger.folding import wallet_record
from metering.ledger.identity import event_digests
from metering.ledger.keys import slot_of
from metering.ledger.layout import Customer
from metering.ledger.records import (
    customer_record,
    event_codes,
    event_number,
    granted_record,
    profile_or_none,
    rule_record,
)
from metering.ledger.restore_part import PartMaker, RestorePart, add_lots
from metering.ledger.state import CustomerRows, EventRows, StateBatch, WalletRows

_decode_granted = msgspec.json.Decoder(Granted).decode

_ZONE, _CAUSES, _EQUIPMENT = Customer.TIME_ZONE - 1, Customer.CAUSES - 1, Customer.EQUIPMENT - 1


def make_part(maker: PartMaker, batch: StateBatch) -> RestorePart:
    """Return the part that holds a batch. Raises `BrokenInvariant` where a wallet's lots do not add up."""
    match batch:
        case CustomerRows(rows):
            return _customers(maker, rows)
        case WalletRows():
            return _wallets(maker, batch)
        case EventRows(rows):
            return _events(maker, rows)
    return maker.make(batch)


def count_of(batch: StateBatch) -> int:
    """Return how many records a batch holds; what belongs to a wallet is part of it."""
    return len(batch.rows) if isinstance(batch, CustomerRows | WalletRows | EventRows) else len(batch)


def _customers(maker: PartMaker, rows: Sequence[Any]) -> RestorePart:
    part = maker.empty()
    customers, zones = part.customers, maker.zones
    for customer, *record in rows:
        causes, zone = record[_CAUSES], record[_ZONE]
        record[_CAUSES] = mask_of(map(Reason, causes)) if causes else 0
        if record[_EQUIPMENT] is None:
            record[_EQUIPMENT] = ()
        customers.append(customer.encode())
        customers.append(customer_record(record))
        if zone not in zones:
            maker.add_zone(part, zone)
    return part


def _wallets(maker: PartMaker, batch: WalletRows) -> RestorePart:
    part = maker.empty()
    wallets, blocked, senders = part.wallets, maker.blocks.wallets, maker.blocks.senders
    for row, lots, rules in zip(batch.rows, batch.lots, batch.rules, strict=True):
        customer, wallet, unit, seq, available, held, overdrawn, topped_up = row[:8]
        name = f"{customer}\0{wallet}"
        credit, held_of_lots = add_lots(part, name, lots)
        if held_of_lots > held or credit != available + held + overdrawn:
            raise BrokenInvariant(
                f"the lots of wallet {wallet!r} of {customer!r} do not add up to its figures in Postgres"
            )
        record = [
            unit,
            seq,
            credit,
            held,
            overdrawn,
            held - held_of_lots,
            blocked.get(name, False),
            lots,
            [_rule(rule) for rule in rules] if rules else rules,
            topped_up,
            _profile(row[8:]),
            senders.get(name, ()),
        ]
        key = name.encode()
        wallets.append(key)
        wallets.append(wallet_record(record))
        if wallet != MAIN_WALLET:
            part.names += (b"0", key)
    return part


@lru_cache(maxsize=1024)
def _profile(profile: tuple[Any, ...]) -> Any:
    """Return a profile; most wallets share one."""
    return profile_or_none(WalletProfile(*profile))


@lru_cache(maxsize=1024)
def _rule(rule: tuple[Any, ...]) -> list[Any]:
    """Return a rule; most wallets have those of their plan."""
    return rule_record(RuleState(*rule))


@lru_cache(maxsize=1024)
def _codes(decision: str | None, reason: str | None) -> int:
    return event_codes(decision, Reason(reason) if reason else None)


def _events(maker: PartMaker, rows: Sequence[Any]) -> RestorePart:
    part = maker.empty()
    sources, ids, ats_ms, seqs, decisions, reasons, granted = zip(*rows, strict=True)
    codes = map(_codes, decisions, reasons)
    values = [event_number(seq, code) for seq, code in zip(seqs, codes, strict=True)]
    for n, of in enumerate(granted):
        if of is not None:
            values[n] += granted_record(_decode_granted(of))
    remembered = zip(map(slot_of, ats_ms), event_digests(sources, ids), values, strict=True)
    for slot, group in groupby(remembered, itemgetter(0)):
        at = maker.place.get(slot)
        if at is not None:
            part.ids[at].extend(chain.from_iterable([pair[1:] for pair in group]))
    return part
