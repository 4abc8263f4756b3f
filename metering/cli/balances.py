"""A customer's live state, gathered from Redis and worded for people. Leaves its meaning to `ledger`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec
from msgspec import Struct

from metering.cli.kafka import count_buckets
from metering.cli.output import format_amount, format_table
from metering.cli.user_views import UserView, describe_users, view_users
from metering.contracts.allotments import Assignable
from metering.contracts.entries import RuleState
from metering.contracts.fields import MAIN_WALLET
from metering.contracts.partitioning import partition_of
from metering.contracts.states import LimitState, NumbersState
from metering.contracts.wallets import WalletProfile
from metering.ledger.connection import connect_redis
from metering.ledger.live import BucketReader, balance_of
from metering.ledger.state import BlockState, ChargeState, LotState, WalletState
from metering.settings import Settings

HOLDS_MAX = 100
"""Most holds that are listed; `holds_open` counts them all."""


class WalletView(Struct, frozen=True):
    """One wallet. Amounts in micro-units of `unit`."""

    wallet: str
    unit: str
    available_micros: int
    held_micros: int
    overdrawn_micros: int
    nro_micros: int
    """What remains of granted credit, which lapses with its cycle; part of it may be held."""
    fro_micros: int
    """What remains of all other."""
    lots: tuple[LotState, ...]
    rules: tuple[RuleState, ...]
    profile: WalletProfile


class HoldView(Struct, frozen=True):
    """One open hold."""

    charge_id: str
    wallet: str
    held_micros: int
    deadline_at_ms: int


class CustomerView(Struct, frozen=True):
    """What `metering balance --json` prints. `limits` are the customer's caps; room = cap - used - held.

    A limit's figures are those of its last entry: once `ends_at_ms` has passed, the next entry begins a new window.
    """

    customer: str
    bucket: int
    plan: str
    suspended: bool
    wallets: tuple[WalletView, ...]
    holds_open: int
    holds: tuple[HoldView, ...]
    blocks: tuple[BlockState, ...]
    limits: tuple[LimitState, ...] = ()
    numbers: tuple[str, ...] = ()
    number_fees_micros: int = 0
    """What the numbers cost in one cycle of the plan."""
    wallet_mode: str | None = None
    """Where a command has set one; otherwise the plan's."""
    users: tuple[UserView, ...] = ()
    assignable: Assignable | None = None
    """To one more user; None where no user has an allotment."""

    def only(self, wallet: str) -> CustomerView:
        """Return the same with one wallet, and what is about it."""
        holds = tuple(hold for hold in self.holds if hold.wallet == wallet)
        return msgspec.structs.replace(
            self,
            wallets=tuple(view for view in self.wallets if view.wallet == wallet),
            holds=holds,
            holds_open=len(holds) if len(self.holds) == self.holds_open else self.holds_open,
            blocks=tuple(block for block in self.blocks if block.wallet in (wallet, "")),
        )


async def read_customer(settings: Settings, customer: str) -> CustomerView | None:
    """Read a customer's live state; None where Redis does not know it. Raises `Retryable`, `Fatal`."""
    buckets = await count_buckets(settings.kafka)
    async with connect_redis(settings.redis.url) as redis:
        reader = BucketReader(redis, partition_of(customer, buckets))
        (known,) = await reader.settings([customer])
        if known is None:
            return None
        wallets = await reader.wallets(customer)
        charges = await reader.charges_held(customer)
        blocks = await reader.blocks(customer)
        states = await reader.states(customer)
    pool = next((balance_of(wallet).available_micros for wallet in wallets if wallet.wallet == MAIN_WALLET), 0)
    users, assignable = view_users(states, pool)
    numbers = next((state for state in states if isinstance(state, NumbersState)), NumbersState("all", ()))
    return CustomerView(
        customer,
        reader.bucket,
        known.plan,
        known.suspended,
        tuple(_view_wallet(wallet) for wallet in wallets),
        len(charges),
        tuple(_view_hold(charge) for charge in charges[:HOLDS_MAX]),
        tuple(blocks),
        tuple(state for state in states if isinstance(state, LimitState) and state.window != "allotment"),
        tuple(number for number, _ in numbers.numbers),
        numbers.fees_micros,
        wallet_mode=known.wallet_mode,
        users=users,
        assignable=assignable,
    )


def describe_customer(view: CustomerView) -> str:
    """Return the state as text."""
    return "\n".join(_describe(view))


def _describe(view: CustomerView) -> Iterator[str]:
    yield f"{view.customer}  plan {view.plan}, bucket {view.bucket}" + (", SUSPENDED" if view.suspended else "")
    if view.wallet_mode:
        yield f"wallet mode {view.wallet_mode}"
    head = ("wallet", "unit", "available", "held", "overdrawn", "kind", "state", "name")
    rows = [
        (
            wallet.wallet,
            wallet.unit,
            *(
                format_amount(micros)
                for micros in (wallet.available_micros, wallet.held_micros, wallet.overdrawn_micros)
            ),
            wallet.profile.kind,
            wallet.profile.state,
            wallet.profile.name or "",
        )
        for wallet in view.wallets
    ]
    yield format_table(head, rows, right=(2, 3, 4))
    for wallet in view.wallets:
        if wallet.nro_micros:
            nro, fro = (format_amount(micros, wallet.unit) for micros in (wallet.nro_micros, wallet.fro_micros))
            yield f"{wallet.wallet}: NRO {nro}, FRO {fro}"
        for lot in wallet.lots:
            expires = f", expires {_format_time(lot.expires_at_ms)}" if lot.expires_at_ms else ""
            yield f"lot {lot.lot} ({lot.kind}): {format_amount(lot.remaining_micros, wallet.unit)}{expires}"
        for rule in wallet.rules:
            yield f"alert {rule.rule}: at {format_amount(rule.level_micros, wallet.unit)}, {rule.state}"
    for block in view.blocks:
        needed = f", lifted at {format_amount(block.needed_micros)}" if block.needed_micros else ""
        causes = ", ".join(str(cause) for cause in block.causes)
        yield f"BLOCKED {block.level} {block.id} ({causes}) since {_format_time(block.since_ms)}{needed}"
    for limit in view.limits:
        spent = f"{format_amount(limit.used_micros)} used, {format_amount(limit.held_micros)} held"
        ends = f", until {_format_time(limit.ends_at_ms)}" if limit.ends_at_ms else ""
        yield f"limit {limit.id}: {format_amount(limit.cap_micros)}, {spent}{ends}"
    if view.numbers:
        yield f"{len(view.numbers)} phone numbers: {format_amount(view.number_fees_micros)} a cycle"
    yield from describe_users(view.users, view.assignable)
    if view.holds_open:
        yield f"{view.holds_open} open holds"


def _view_wallet(state: WalletState) -> WalletView:
    figures = balance_of(state)
    return WalletView(
        state.wallet,
        state.unit,
        figures.available_micros,
        figures.held_micros,
        figures.overdrawn_micros,
        sum(lot.remaining_micros for lot in state.lots if lot.kind == "nro"),
        sum(lot.remaining_micros for lot in state.lots if lot.kind != "nro"),
        state.lots,
        state.rules,
        state.profile,
    )


def _view_hold(state: ChargeState) -> HoldView:
    charge = state.charge
    return HoldView(charge.id, charge.wallet, charge.held_micros, charge.deadline_at_ms)


def _format_time(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
