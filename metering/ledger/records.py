"""Makes the records in Redis. Leaves putting them together to `restore_part`, and reading them back to `stored`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import msgspec

from metering.contracts.entries import Balance, CustomerSettings, Granted, RuleState
from metering.contracts.reasons import Reason
from metering.contracts.wallets import WalletProfile
from metering.ledger.cause_codes import mask_of
from metering.ledger.codes import REASON_CODES, Moment, RuleStateCode, State
from metering.ledger.effects import DECISIONS
from metering.ledger.entry_parts import CHANGEABLE, FIXED, allotment_record, call_record
from metering.ledger.grant_codes import GrantOf
from metering.ledger.identity import scoped
from metering.ledger.profiles import profile_record
from metering.ledger.rows import CUSTOMER_HEAD
from metering.ledger.state import (
    COMPANY_POOL,
    BlockState,
    ChargeState,
    LotState,
    RememberedCommand,
    RememberedEvent,
)

pack = msgspec.msgpack.Encoder().encode

_STATES = {state.name.lower(): state.value for state in State}
_MOMENTS = {"submit": Moment.SUBMIT.value, "sent": Moment.SENT.value, "delivered": Moment.DELIVERED.value}
_RULE_STATES = {state.name.lower(): state.value for state in RuleStateCode}
_GRANTS = {of.name.lower(): of.value for of in GrantOf}
_DECISIONS = {decision: code for code, decision in enumerate(DECISIONS)}


class BlocksByWallet:
    """What wallets must know of blocks: their own, and their senders without credit in order of blocking."""

    def __init__(self, blocks: Iterable[BlockState]) -> None:
        self.wallets: dict[str, list[Any]] = {}
        self.senders: dict[str, list[str]] = {}
        for block in sorted(blocks, key=lambda block: block.since_seq):
            if block.level == "wallet":
                self.wallets[scoped(block.customer, block.id)] = block_record(block)
            elif block.wallet:
                self.senders.setdefault(scoped(block.customer, block.wallet), []).append(block.id)


def customer_record(record: list[Any]) -> bytes:
    """Return a customer's record, given as a list by `layout.Customer`."""
    return CUSTOMER_HEAD.pack(record[0], record[5], record[9]) + pack(record)


def customer_of_settings(settings: CustomerSettings) -> bytes:
    """Return a customer's record."""
    return customer_record(
        [
            settings.version,
            settings.plan,
            settings.unit,
            settings.time_zone,
            settings.country or "",
            mask_of(settings.causes) if settings.causes else 0,
            settings.billing_start_ms,
            settings.cycle_months,
            settings.wallet_mode or "",
            settings.limits,
            settings.limits_count,
            int(settings.rop),
            list(settings.equipment),
        ]
    )


def profile_or_none(profile: WalletProfile) -> list[Any] | Literal[False]:
    """Return a profile as a wallet's record has it: most wallets share one, which is not written."""
    return False if profile == COMPANY_POOL else profile_record(profile)


def lot_record(lot: LotState) -> list[Any]:
    """Return a lot by `layout.Lot`."""
    return [
        lot.lot,
        lot.kind,
        lot.remaining_micros,
        lot.held_micros,
        lot.expires_at_ms,
        lot.made_seq,
        int(lot.transferable),
        lot.notice_at_ms,
    ]


def lot_order(lot: Sequence[Any]) -> tuple[int, int, int, str]:
    """Return the place of a lot by `layout.Lot` in the order of use.

    `nro` first, soonest expiry (never = last), oldest; of one entry, the first.
    """
    return (0 if lot[1] == "nro" else 1, lot[4] or 2**63, lot[5], lot[0])


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


def charge_record(state: ChargeState) -> bytes:
    """Return a charge's record."""
    charge = state.charge
    return pack(
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


def block_record(block: BlockState) -> list[Any]:
    """Return a block by `layout.Block`."""
    causes = mask_of(block.causes)
    return [causes, block.wallet, block.needed_micros, block.until_ms, block.since_ms, block.since_seq]


def event_codes(decision: str | None, reason: Reason | None) -> int:
    """Return what a remembered event keeps of its answer, below its seq."""
    return _DECISIONS[decision] + 4 * (REASON_CODES[reason] if reason else 0)


def granted_record(granted: Granted) -> bytes:
    """Return what was granted of an event in part: the end of what is remembered of it."""
    return b" " + pack([_GRANTS[granted.of], granted.count, granted.asked])


def event_number(seq: int, codes: int) -> bytes:
    """Return what is remembered of an event that was not granted in part; `codes` by `event_codes`."""
    return b"%d" % (1024 * seq + codes)


def event_record(event: RememberedEvent) -> bytes:
    """Return what is remembered of an event."""
    part = granted_record(event.granted) if event.granted else b""
    return event_number(event.seq, event_codes(event.decision, event.reason)) + part


def answer_record(command: RememberedCommand) -> list[Any]:
    """Return what is remembered of a command."""
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
