"""Makes the records in Redis from the typed state. Leaves sending them to `till`, and reading them back to `stored`."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from itertools import chain
from sys import byteorder
from typing import Any

import msgspec
from msgspec import Struct

from metering.contracts.entries import Balance, CustomerSettings, RuleState
from metering.contracts.fields import MAIN_WALLET
from metering.ledger.cause_codes import mask_of
from metering.ledger.codes import REASON_CODES, Moment, RuleStateCode, State
from metering.ledger.effects import DECISIONS
from metering.ledger.entry_parts import CHANGEABLE, FIXED, allotment_record, call_record
from metering.ledger.grant_codes import GrantOf
from metering.ledger.identity import scoped
from metering.ledger.keys import slot_of
from metering.ledger.profiles import profile_record
from metering.ledger.rows import CUSTOMER_HEAD, WHOLE
from metering.ledger.state import (
    COMPANY_POOL,
    BlockState,
    ChargeState,
    CustomerState,
    LotState,
    RecordState,
    RememberedCommand,
    RememberedEvent,
    StateRecord,
    WalletState,
)
from metering.ledger.states import field_of, pack_state, state_timers
from metering.ledger.zones import zone_record

pack = msgspec.msgpack.Encoder().encode

_STATES = {state.name.lower(): state.value for state in State}
_MOMENTS = {"submit": Moment.SUBMIT.value, "sent": Moment.SENT.value, "delivered": Moment.DELIVERED.value}
_RULE_STATES = {state.name.lower(): state.value for state in RuleStateCode}
_GRANTS = {of.name.lower(): of.value for of in GrantOf}
_DECISIONS = {decision: code for code, decision in enumerate(DECISIONS)}


class RestorePart(Struct):
    """One part of a restore: flat lists of field and value per hash, score and name for the timers, slots in order."""

    customers: list[Any]
    wallets: list[Any]
    charges: list[Any]
    senders: list[Any]
    timers: list[Any]
    commands: list[Any]
    states: list[Any]
    zones: list[Any]
    names: list[Any]
    ids: list[list[Any]]
    settled: list[list[Any]]


class BlocksByWallet:
    """What wallets must know of blocks: their own, and their senders without credit in order of blocking."""

    def __init__(self, blocks: Iterable[BlockState]) -> None:
        self.wallets: dict[str, list[Any]] = {}
        self.senders: dict[str, list[str]] = {}
        for block in sorted(blocks, key=lambda block: block.since_seq):
            if block.level == "wallet":
                self.wallets[scoped(block.customer, block.id)] = _block_record(block)
            elif block.wallet:
                self.senders.setdefault(scoped(block.customer, block.wallet), []).append(block.id)


def part_arguments(part: RestorePart) -> list[int | bytes]:
    """Return a part as the arguments of `restore_chunk`: how many values are each key's, their lengths, all values.

    Two blobs and not an argument a value: the client takes ten times as long for those.
    """
    lists = [
        part.customers,
        part.wallets,
        part.charges,
        part.senders,
        part.timers,
        part.commands,
        part.states,
        part.zones,
        part.names,
        *part.ids,
        *part.settled,
    ]
    values = [
        value.encode() if isinstance(value, str) else b"%d" % value if isinstance(value, int) else value
        for value in chain.from_iterable(lists)
    ]
    lengths = array("I", map(len, values))
    if byteorder == "big":
        lengths.byteswap()
    return [*map(len, lists), lengths.tobytes(), b"".join(values)]


def restore_part(  # noqa: C901  one case for each kind of record
    records: Sequence[StateRecord], slots: Sequence[int], blocks: BlocksByWallet, command_window_ms: int
) -> RestorePart:
    """Return the part of a restore that holds `records`.

    Remembered things of slots not named are left out: forgotten.
    """
    part = RestorePart([], [], [], [], [], [], [], [], [], [[] for _ in slots], [[] for _ in slots])
    place = {slot: n for n, slot in enumerate(slots)}
    for record in records:
        match record:
            case CustomerState(customer, settings):
                part.customers += (customer, _customer_record(settings))
                if settings.time_zone not in part.zones:
                    part.zones += (settings.time_zone, pack(zone_record(settings.time_zone)))
            case RecordState(customer, state):
                part.states += (field_of(customer, state), pack_state(state))
                for due_ms, name in state_timers(customer, state):
                    part.timers += (due_ms, name)
            case WalletState():
                _restore_wallet(part, record, blocks)
            case ChargeState():
                _restore_charge(part, record, place)
            case BlockState():
                if record.level == "sender":
                    part.senders += (scoped(record.customer, record.id), pack(_block_record(record)))
            case RememberedEvent():
                at = place.get(slot_of(record.applied_at_ms))
                if at is not None:
                    part.ids[at] += (record.digest, _event_record(record))
            case RememberedCommand():
                key = scoped(record.customer, record.id)
                part.commands += (key, pack(_answer_record(record)))
                part.timers += (record.applied_at_ms + command_window_ms, f"c\0{key}")
    return part


def _customer_record(settings: CustomerSettings) -> bytes:
    causes = mask_of(settings.causes) if settings.causes else 0
    record = [
        settings.version,
        settings.plan,
        settings.unit,
        settings.time_zone,
        settings.country or "",
        causes,
        settings.billing_start_ms,
        settings.cycle_months,
        settings.wallet_mode or "",
        settings.limits,
        settings.limits_count,
        int(settings.rop),
        list(settings.equipment),
    ]
    return CUSTOMER_HEAD.pack(settings.version, causes, settings.limits) + pack(record)


def _restore_wallet(part: RestorePart, state: WalletState, blocks: BlocksByWallet) -> None:
    key = scoped(state.customer, state.wallet)
    lots = sorted(state.lots, key=_lot_order) if len(state.lots) > 1 else state.lots
    remaining, held = 0, state.held_over_micros
    for lot in lots:
        remaining += lot.remaining_micros
        held += lot.held_micros
    rules = [rule_record(rule) for rule in state.rules] if state.rules else []
    record = [
        state.unit,
        state.wallet_seq,
        remaining,
        held,
        state.overdrawn_micros,
        state.held_over_micros,
        blocks.wallets.get(key, False),
        [
            [
                x.lot,
                x.kind,
                x.remaining_micros,
                x.held_micros,
                x.expires_at_ms,
                x.made_seq,
                int(x.transferable),
                x.notice_at_ms,
            ]
            for x in lots
        ],
        rules,
        blocks.senders.get(key, []),
        state.last_top_up_micros,
        False if state.profile == COMPANY_POOL else profile_record(state.profile),
    ]
    part.wallets += (key, WHOLE + pack(record))
    if state.wallet != MAIN_WALLET:
        part.names += (0, key)
    for lot in lots:
        # What has expired while it was held has had its timer; it lapses when it is released.
        if lot.expires_at_ms > 0:
            part.timers += (lot.expires_at_ms, f"l\0{key}\0{lot.lot}")
        if lot.notice_at_ms > 0:
            part.timers += (lot.notice_at_ms, f"e\0{key}\0{lot.lot}")


def rule_record(rule: RuleState) -> list[Any]:
    """Return a rule as Lua keeps it."""
    return [
        rule.rule,
        _RULE_STATES[rule.state],
        rule.level_micros,
        rule.rearm_micros,
        int(rule.enabled),
        rule.percent,
        int(rule.locks),
        FIXED if rule.fixed else CHANGEABLE if rule.of_plan else 0,
        rule.user,
    ]


def _lot_order(lot: LotState) -> tuple[int, int, int, str]:
    """Return the order of use: kind (`nro` first), soonest expiry (never = last), oldest; of one entry, the first."""
    return (0 if lot.kind == "nro" else 1, lot.expires_at_ms or 2**63, lot.made_seq, lot.lot)


def _restore_charge(part: RestorePart, state: ChargeState, place: dict[int, int]) -> None:
    charge = state.charge
    key = scoped(state.customer, charge.id)
    record = pack(
        [
            _STATES[charge.state],
            charge.wallet,
            charge.price_micros,
            charge.held_micros,
            charge.committed_micros,
            _MOMENTS[charge.charge_on],
            charge.failed_fee_micros,
            charge.deadline_at_ms,
            [list(p) for p in charge.parts],
            charge.sender or False,
            charge.recipients or False,
            state.touched_at_ms,
            call_record(charge.call),
            [list(take) for take in charge.takes] or False,
        ]
    )
    if charge.state == "held":
        part.charges += (key, record)
        part.timers += (charge.deadline_at_ms, f"h\0{key}")
    else:
        at = place.get(slot_of(state.touched_at_ms))
        if at is not None:
            part.settled[at] += (key, record)


def _block_record(block: BlockState) -> list[Any]:
    causes = mask_of(block.causes)
    return [causes, block.wallet, block.needed_micros, block.until_ms, block.since_ms, block.since_seq]


def _event_record(event: RememberedEvent) -> bytes:
    reason = REASON_CODES[event.reason] if event.reason else 0
    granted = event.granted
    part = pack([_GRANTS[granted.of], granted.count, granted.asked]) if granted else b""
    return event.seq.to_bytes(6, "little") + bytes((_DECISIONS[event.decision], reason)) + part


def _answer_record(command: RememberedCommand) -> list[Any]:
    after = command.after
    return [
        command.seq,
        command.applied_at_ms,
        REASON_CODES[command.reason] if command.reason else 0,
        command.wallet or False,
        command.amount_micros,
        _figures(after) if after else False,
        [[leg.wallet, leg.amount_micros, *_figures(leg.after)] for leg in command.legs] or False,
        allotment_record(command.allotment),
    ]


def _figures(balance: Balance) -> list[int]:
    return [balance.available_micros, balance.held_micros, balance.overdrawn_micros]
