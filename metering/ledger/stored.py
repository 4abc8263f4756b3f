"""Reads the records in Redis as typed state. Leaves fetching them to `live`, and making them to `records`."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from metering.contracts.allotments import Allotment
from metering.contracts.decisions import AnswerLeg
from metering.contracts.entries import Balance, Charge, CustomerSettings
from metering.contracts.reasons import Reason
from metering.errors import ensure
from metering.ledger.cause_codes import causes_of
from metering.ledger.codes import REASONS, Moment, State
from metering.ledger.entry_parts import allotment_of, call_of, make_settings, rule_of, takes_of
from metering.ledger.identity import SEPARATOR, split_scoped
from metering.ledger.layout import Lot, Wallet
from metering.ledger.profiles import make_profile
from metering.ledger.rows import CHARGE_HEAD, CHARGE_REST, CUSTOMER_HEAD, FOLDED, PLAIN_CHARGE, WALLET_HEAD, WHOLE
from metering.ledger.state import COMPANY_POOL, BlockState, ChargeState, LotState, WalletState

unpack = msgspec.msgpack.Decoder().decode

_STATE_NAMES = {state.value: state.name.lower() for state in State}
_MOMENT_NAMES = {Moment.SUBMIT.value: "submit", Moment.SENT.value: "sent", Moment.DELIVERED.value: "delivered"}


class FirstAnswer(Struct, frozen=True):
    """What is remembered of a command to answer its repeats."""

    seq: int
    reason: Reason | None
    """Of a refusal."""
    wallet: str | None
    amount_micros: int
    after: Balance | None
    legs: tuple[AnswerLeg, ...]
    allotment: Allotment | None = None


def read_answer(record: list[Any]) -> FirstAnswer:
    """Return what is remembered of a command."""
    seq, _, reason, wallet, amount, after, legs, *allotment = record
    return FirstAnswer(
        seq,
        REASONS.get(reason),
        wallet or None,
        amount,
        Balance(*after) if after else None,
        tuple(AnswerLeg(name, moved, Balance(*figures)) for name, moved, *figures in legs or ()),
        allotment_of(allotment[0]) if allotment and allotment[0] else None,
    )


def read_settings(record: bytes) -> CustomerSettings:
    """Return the settings in a customer's record."""
    return make_settings(unpack(record[CUSTOMER_HEAD.size :]))


def unpack_wallet(record: bytes) -> list[Any]:
    """Return a wallet by `layout.Wallet`: the figures in front of it are put where they belong."""
    form, behind = record[:1], record[1:]
    if form == WHOLE:
        whole: list[Any] = unpack(behind)
        return whole
    ensure(form == FOLDED, "a wallet of no known form")
    _, seq, credit, held, remaining, lot_held, _, _, _, place, _, length = WALLET_HEAD.unpack_from(record)
    wallet: list[Any] = unpack(record[WALLET_HEAD.size + length :])
    wallet[Wallet.SEQ - 1], wallet[Wallet.CREDIT - 1], wallet[Wallet.HELD - 1] = seq, credit, held
    lot = wallet[Wallet.LOTS - 1][place - 1]
    lot[Lot.REMAINING - 1], lot[Lot.HELD - 1] = remaining, lot_held
    return wallet


def unpack_charge(record: bytes) -> list[Any]:
    """Return a charge by `layout.Charge`."""
    if record[0] != PLAIN_CHARGE:
        listed: list[Any] = unpack(record)
        return listed
    _, state, charge_on, touched = CHARGE_HEAD.unpack_from(record)
    behind_wallet = record.index(0, CHARGE_HEAD.size) + 1
    wallet = record[CHARGE_HEAD.size : behind_wallet - 1].decode()
    price, fee, deadline = CHARGE_REST.unpack_from(record, behind_wallet)
    lot, sender, _ = record[behind_wallet + CHARGE_REST.size :].decode().split(SEPARATOR)
    held, parts = (price, [[lot, price]]) if state == State.HELD else (0, [])
    committed = price if state == State.COMMITTED else 0
    return [state, wallet, price, held, committed, charge_on, fee, deadline, parts, sender, None, touched, False]


def read_wallet(key: str, record: bytes) -> WalletState:
    """Return the wallet in a record; `key` is customer, U+0000, wallet."""
    customer, wallet = split_scoped(key)
    unit, seq, _, _, overdrawn, held_over, _, lots, rules, topped_up, profile, _ = unpack_wallet(record)
    return WalletState(
        customer,
        wallet,
        unit,
        seq,
        overdrawn,
        held_over,
        tuple(LotState(*[*figures, bool(transferable), notice]) for *figures, transferable, notice in lots),
        tuple(rule_of(*rule) for rule in rules),
        topped_up,
        make_profile(profile) if profile else COMPANY_POOL,
    )


def read_wallet_block(key: str, record: bytes) -> BlockState | None:
    """Return the block of the wallet itself, if it has one."""
    customer, wallet = split_scoped(key)
    block = unpack_wallet(record)[6]
    if not block:
        return None
    causes, *rest = block
    return BlockState(customer, "wallet", wallet, causes_of(causes), *rest)


def read_sender(key: str, record: bytes) -> BlockState:
    """Return the block of a sender."""
    customer, sender = split_scoped(key)
    causes, *rest = unpack(record)
    return BlockState(customer, "sender", sender, causes_of(causes), *rest)


def read_charge(key: str, record: bytes) -> ChargeState:
    """Return the charge in a record."""
    customer, charge_id = split_scoped(key)
    image = unpack_charge(record)
    state, wallet, price, held, committed, charge_on, fee, deadline, parts, sender = image[:10]
    recipients, touched, call, *takes = image[10:]
    charge = Charge(
        charge_id,
        _STATE_NAMES[state],  # type: ignore[arg-type]
        wallet,
        price,
        held,
        committed,
        _MOMENT_NAMES[charge_on],  # type: ignore[arg-type]
        fee,
        deadline,
        tuple((part[0], part[1]) for part in parts),
        sender or None,
        recipients or None,
        call=call_of(call),
        takes=takes_of(takes),
    )
    return ChargeState(customer, charge, touched)
