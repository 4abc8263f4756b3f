"""The model's state as the books would hand it to a restore, and as live reads show it. Leaves loading it to `till`."""

from __future__ import annotations

from typing import Any, Literal

from metering.contracts.entries import Balance, Charge, CustomerSettings, Granted, Position, RuleState
from metering.contracts.reasons import Reason
from metering.contracts.states import (
    AllotmentsState,
    CounterState,
    CycleState,
    FeeState,
    ForfeitState,
    LimitState,
    NumbersState,
    ReversalState,
    State,
    SweepState,
    UserState,
)
from metering.contracts.wallets import WalletProfile
from metering.ledger.identity import event_digest
from metering.ledger.state import (
    BlockState,
    BucketPosition,
    ChargeState,
    CustomerState,
    LotState,
    RecordState,
    RememberedCommand,
    RememberedEvent,
    StateRecord,
    WalletState,
)
from tests.ledger.history.plan_requests import rules_of
from tests.ledger.history.requests import terms_of
from tests.ledger_model import state as model
from tests.ledger_model.bucket import Bucket
from tests.ledger_model.counters import takes_told
from tests.ledger_model.credit import lots_in_order
from tests.ledger_model.numbers import fees_of
from tests.ledger_model.plan_state import Plan
from tests.ledger_model.state import in_order


def state_records(bucket: Bucket) -> list[StateRecord]:
    """Return everything that a restore needs."""
    records: list[StateRecord] = []
    for customer in bucket.customers.values():
        records.append(CustomerState(customer.name, settings_of(customer)))
        records += wallets_of(customer)
        records += [charge_state(customer, charge) for charge in customer.charges.values()]
        records += blocks_of(customer)
        records += [RecordState(customer.name, state) for state in states_of(bucket, customer)]
    for (source, event_id), seen in bucket.events.items():
        digest = event_digest(source, event_id)
        decision: Literal["allowed", "denied"] | None = seen.decision  # type: ignore[assignment]
        granted = None if seen.granted is None else Granted(**seen.granted)
        records.append(RememberedEvent(digest, seen.applied_at, seen.seq, decision, _reason(seen.reason), granted))
    for (name, command_id), first in bucket.commands.items():
        after = None if first.after is None else Balance(**{f"{k}_micros": v for k, v in first.after.items()})
        reason = _reason(first.reason)
        records.append(
            RememberedCommand(name, command_id, first.applied_at, first.seq, reason, first.wallet, first.amount, after)
        )
    return records


def position_of(bucket: Bucket, position: Position, chunk: str) -> BucketPosition:
    """Return where the model stands, at `position` of the input topics."""
    return BucketPosition(
        seq=bucket.seq,
        chunk=chunk,
        usage=position.usage,
        commands=position.commands,
        clock_ms=bucket.clock,
        timers_run=bucket.timers_run,
    )


def settings_of(customer: model.Customer) -> CustomerSettings:
    """Return a customer's settings."""
    causes = tuple(Reason(cause) for cause in in_order(customer.causes))
    return CustomerSettings(
        customer.version,
        customer.plan,
        customer.unit,
        customer.time_zone,
        customer.country,
        causes,
        customer.billing_start,
        customer.cycle_months,
        customer.wallet_mode,  # type: ignore[arg-type]
        customer.settings["limits"],  # type: ignore[arg-type]
        len(customer.limits),
        customer.rop,
        tuple(customer.equipment),
    )


def limit_state(limit: model.Limit) -> LimitState:
    """Return a limit."""
    return LimitState(
        limit.id,
        limit.level,  # type: ignore[arg-type]
        limit.window,  # type: ignore[arg-type]
        limit.name,
        limit.cap,
        limit.used,
        limit.held,
        limit.carry,
        limit.starts,
        limit.ends,
        limit.since_seq,
        limit.reached,
        tuple(limit.blocked),
    )


def wallets_of(customer: model.Customer) -> list[WalletState]:
    """Return a customer's wallets, lots in the order of their use."""
    return [
        WalletState(
            customer.name,
            wallet.name,
            wallet.unit,
            wallet.seq,
            wallet.overdrawn,
            wallet.held_over,
            tuple(
                LotState(
                    lot.id,
                    lot.kind,
                    lot.remaining,
                    lot.held,
                    lot.expires_at or 0,
                    lot.made_seq,
                    lot.transferable,
                    lot.notice_at,
                )
                for lot in lots_in_order(wallet)
            ),
            tuple(
                RuleState(
                    rule.name,
                    rule.state,  # type: ignore[arg-type]
                    rule.level,
                    rule.rearm,
                    rule.enabled,
                    rule.percent,
                    rule.locks,
                    rule.fixed,
                    rule.user,
                    rule.of_plan,
                )
                for rule in wallet.rules
            ),
            wallet.last_top_up,
            WalletProfile(**wallet.profile),  # type: ignore[arg-type]
        )
        for _, wallet in sorted(customer.wallets.items())
    ]


def states_of(bucket: Bucket, customer: model.Customer) -> list[State]:
    """Return a customer's other records, by kind and id."""
    states: list[State] = [limit_state(limit) for _, limit in sorted(customer.limits.items())]
    for name, c in sorted(customer.counters.items()):
        states.append(CounterState(name, c.window, c.name, c.used, c.starts, c.ends))  # type: ignore[arg-type]
    states += [ReversalState(top_up, wallet, amount) for top_up, (wallet, amount) in sorted(customer.reversals.items())]
    states += [user_state(user) for _, user in sorted(customer.users.items())]
    states += terms_state(bucket, customer)
    if customer.cycle is not None:
        cycle = customer.cycle
        states.append(
            CycleState(
                "plan",
                cycle.months,
                cycle.grant,
                cycle.kind,
                cycle.notice,
                cycle.starts_at,
                cycle.ends_at,
                cycle.next_at,
                cycle.next_month,
                cycle.next_amount,
                cycle.cancelled,
                tuple(cycle.fees),
                tuple(cycle.runs),
            )
        )
    states += [
        FeeState(name, fee.amount, fee.unit, fee.months, fee.due_at, fee.due_month, fee.of)  # type: ignore[arg-type]
        for name, fee in sorted(customer.fees.items())
    ]
    for name, lots in sorted(customer.forfeited.items()):
        taken = [(lot.kind, lot.remaining, lot.expires_at or 0, int(lot.transferable), lot.notice_at) for lot in lots]
        states.append(ForfeitState(name, tuple(taken)))
    if customer.numbers:
        states.append(NumbersState("all", tuple(customer.numbers.items()), fees_of(customer)))
    states += [
        SweepState(job, sweep.after, sweep.due, sweep.on, sweep.expires, sweep.notice, _rules_of(sweep.plan))
        for job, sweep in sorted(customer.sweeps.items())
    ]
    return states


def user_state(user: model.User) -> UserState:
    """Return a user."""
    rules = tuple((r.name, r.state, r.level, r.rearm, int(r.enabled), int(r.fixed)) for r in user.rules)
    return UserState(user.name, user.role, user.per_month, user.assigned, user.next_at, user.next_month, rules)  # type: ignore[arg-type]


def terms_state(bucket: Bucket, customer: model.Customer) -> list[State]:
    """Return what the customer's plan says of allotments, where there was ever one."""
    if not customer.has_terms:
        return []
    plan = bucket.plan_of(customer)
    terms = (plan.cap_basis, plan.rollover, plan.raise_effect, plan.reserve, plan.reserve_percent)
    return [AllotmentsState("plan", *terms, tuple(customer.allotted))]  # type: ignore[arg-type]


def _rules_of(plan: Plan | None) -> tuple[Any, ...]:
    return tuple(tuple(rule) for rule in rules_of(plan)) if plan else ()


def charge_state(customer: model.Customer, charge: model.Charge) -> ChargeState:
    """Return a charge, held or settled."""
    known = Charge(
        charge.id,
        charge.state,  # type: ignore[arg-type]
        charge.wallet,
        charge.price,
        charge.held,
        charge.committed,
        charge.charge_on,  # type: ignore[arg-type]
        charge.fee,
        charge.deadline,
        tuple((part.lot, part.amount) for part in charge.parts),
        charge.sender,
        charge.recipients or None,
        call=terms_of(charge.call),
        takes=(*takes_told(charge), *((take.limit, take.since, take.held) for take in charge.takes)),
    )
    return ChargeState(customer.name, known, charge.touched_at)


def charges_held(customer: model.Customer) -> list[ChargeState]:
    """Return a customer's open holds, by charge."""
    held = [charge_state(customer, charge) for charge in customer.charges.values() if charge.state == "held"]
    return sorted(held, key=lambda state: state.charge.id)


def blocks_of(customer: model.Customer) -> list[BlockState]:
    """Return the blocks of a customer's wallets and senders, oldest first."""
    blocks = [
        _block_state(customer, "wallet", name, wallet.block)
        for name, wallet in customer.wallets.items()
        if wallet.block is not None
    ]
    blocks += [_block_state(customer, "sender", name, block) for name, block in customer.senders.items()]
    return sorted(blocks, key=lambda block: (block.since_seq, block.level, block.id))


def _block_state(
    customer: model.Customer, level: Literal["wallet", "sender"], name: str, block: model.Block
) -> BlockState:
    return BlockState(
        customer.name,
        level,
        name,
        tuple(Reason(cause) for cause in block.in_order),
        block.wallet,
        block.needed,
        block.until,
        block.since,
        block.since_seq,
    )


def _reason(reason: str | None) -> Reason | None:
    return None if reason is None else Reason(reason)
