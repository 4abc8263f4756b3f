"""Charges, settings, rules and blocks as a batch leaves them.

Leaves money to `flush_wallets`. All part of the transaction of `flush`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from metering import native
from metering.checkpoint.batch import Batch, BlockStep, ChargeAfter, ChargeKey
from metering.checkpoint.bulk import array_text, copy_made, run_bulk
from metering.checkpoint.database import Connection
from metering.checkpoint.queries import load_queries

if TYPE_CHECKING:
    from metering.native.charges import ChargeInBytes

BlockKey: TypeAlias = tuple[str, str, str]
"""Customer, level and id."""

_encode = msgspec.json.Encoder().encode


CHARGE_COLUMNS = (
    "customer", "charge_id", "wallet", "state", "price_micros", "held_micros", "committed_micros", "charge_on",
    "failed_fee_micros", "deadline_at_ms", "parts", "sender", "several", "touched_at_ms", "call", "takes", "bucket",
)  # fmt: skip
CHARGE_WIDTHS = bytes(4 if column == "bucket" else 8 for column in CHARGE_COLUMNS)
"""Bytes of a number in each column."""


async def save_charges(connection: Connection, batch: Batch, doubtful: Sequence[ChargeKey]) -> None:
    """Write the charges, and the recipients that are not settled yet.

    Most charges are new to the books, and those go out by COPY: half the work of looking for a conflict with each. Only
    the `doubtful` ones are looked for. Raises `UniqueViolationError` where the books have another.
    """
    queries, keys = load_queries("flush"), list(batch.charges)
    named = map(array_text, zip(*doubtful, strict=True))
    found = await connection.fetch(queries["find_charges"], *named) if doubtful else []
    known = {tuple(row.values()) for row in found}
    new = [key for key in keys if key not in known]
    if new and batch.sheet is not None:
        made = native.charges.copy_charges(new, batch.charges, batch.bucket, charge_row, CHARGE_WIDTHS)
        await copy_made(connection, "charges", CHARGE_COLUMNS, made)
    elif new:
        rows = [(*charge_row(key, batch.charges[key]), batch.bucket) for key in new]
        await connection.copy_records_to_table("charges", records=rows, columns=CHARGE_COLUMNS)
    rows = [charge_row(key, batch.charges[key]) for key in keys if key in known]
    await run_bulk(connection, queries["save_charges"], rows, batch.bucket, every="charges")
    await _save_recipients(connection, batch)


def charge_row(key: ChargeKey, after: ChargeAfter | ChargeInBytes) -> tuple[Any, ...]:
    """Return a charge as a row, but for its bucket."""
    if not isinstance(after, ChargeAfter):
        return (*key, *after.row())
    charge = after.charge
    return (
        *key,
        charge.wallet,
        charge.state,
        charge.price_micros,
        charge.held_micros,
        charge.committed_micros,
        charge.charge_on,
        charge.failed_fee_micros,
        charge.deadline_at_ms,
        _encode(charge.parts).decode() if charge.parts else "[]",
        charge.sender,
        after.several,
        after.touched_at_ms,
        _encode(charge.call).decode() if charge.call else None,
        _encode(charge.takes).decode() if charge.takes else None,
    )


async def _save_recipients(connection: Connection, batch: Batch) -> None:
    queries = load_queries("flush")
    if not batch.recipients:
        return
    recipients = batch.recipients.items()
    await run_bulk(connection, queries["forget_recipients"], [key for key, one in recipients if one.renewed])
    settled = [(*key, recipient) for key, one in recipients if not one.renewed for recipient in one.settled]
    await run_bulk(connection, queries["settle_recipients"], settled)
    added = [(*key, recipient, price) for key, one in recipients for recipient, price in one.added.items()]
    if added:
        columns = ["customer", "charge_id", "recipient", "price_micros"]
        await connection.copy_records_to_table("charge_recipients", records=added, columns=columns)


async def save_customers(connection: Connection, batch: Batch) -> None:
    """Write the settings."""
    rows = [
        (
            customer,
            s.version,
            s.plan,
            s.unit,
            s.time_zone,
            s.country,
            ",".join(s.causes),
            s.billing_start_ms,
            s.cycle_months,
            s.wallet_mode,
            s.limits,
            s.limits_count,
            s.rop,
            ",".join(s.equipment),
            at_ms,
        )
        for customer, (s, at_ms) in batch.customers.items()
    ]
    await run_bulk(connection, load_queries("flush")["save_customers"], rows, batch.bucket, every="customers")


async def save_rules(connection: Connection, batch: Batch) -> None:
    """Write the low-credit rules."""
    rows = [
        (
            *key,
            after.state.state,
            after.state.level_micros,
            after.state.rearm_micros,
            after.state.enabled,
            after.state.percent,
            after.state.locks,
            after.state.fixed,
            after.state.user,
            after.state.of_plan,
            after.seq,
            after.place,
            after.at_ms,
        )
        for key, after in batch.rules.items()
    ]
    await run_bulk(connection, load_queries("flush")["save_rules"], rows, batch.bucket, every="rules")


async def save_states(connection: Connection, batch: Batch) -> None:
    """Write customers' other records, and take out those that are gone."""
    queries = load_queries("flush")
    gone = [key for key, (state, _) in batch.states.items() if state.gone]
    await run_bulk(connection, queries["drop_states"], gone)
    rows = [(*key, _encode(state).decode(), at_ms) for key, (state, at_ms) in batch.states.items() if not state.gone]
    await run_bulk(connection, queries["save_states"], rows, batch.bucket, every="records")


async def save_blocks(connection: Connection, batch: Batch) -> None:
    """Write the blocks that stand, and take out those that are gone. The last change of a block tells all of it."""
    last = {_key(step): step.change for step in batch.blocks}
    if not last:
        return
    queries = load_queries("flush")
    await run_bulk(connection, queries["lift_blocks"], [key for key, change in last.items() if not change.blocked])
    rows = [
        (
            *key,
            change.causes[0],
            ",".join(change.causes),
            change.wallet,
            change.needed_micros,
            change.until_ms,
            change.since_ms,
            change.since_seq,
        )
        for key, change in last.items()
        if change.blocked
    ]
    await run_bulk(connection, queries["save_blocks"], rows, batch.bucket, every="blocks")


def _key(step: BlockStep) -> BlockKey:
    return (step.customer, step.change.level, step.change.id)
