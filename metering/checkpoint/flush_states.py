"""Charges, settings, rules and blocks as a batch leaves them.

Leaves money to `flush_wallets`. All part of the transaction of `flush`.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from metering.checkpoint.batch import Batch, BlockStep
from metering.checkpoint.bulk import run_bulk
from metering.checkpoint.database import Connection
from metering.checkpoint.queries import load_queries
from metering.checkpoint.records import Block
from metering.contracts.reasons import Reason

BlockKey: TypeAlias = tuple[str, str, str]
"""Customer, level and id."""

MANUAL = "manual"

_encode = msgspec.json.Encoder().encode


async def save_charges(connection: Connection, batch: Batch) -> None:
    """Write the charges, and the recipients that are not settled yet."""
    queries = load_queries("flush")
    rows = [
        (
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
        )
        for key, after in batch.charges.items()
        for charge in (after.charge,)
    ]
    await run_bulk(connection, queries["save_charges"], rows, batch.bucket, every="charges")
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
        (customer, s.version, s.plan, s.unit, s.time_zone, s.country, s.suspended, at_ms)
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
            after.seq,
            after.place,
            after.at_ms,
        )
        for key, after in batch.rules.items()
    ]
    await run_bulk(connection, load_queries("flush")["save_rules"], rows, batch.bucket, every="rules")


async def save_blocks(connection: Connection, batch: Batch) -> None:
    """Write the blocks that stand, and take out those that are gone."""
    if not batch.blocks:
        return
    queries = load_queries("flush")
    keys = list(dict.fromkeys(_key(step) for step in batch.blocks))
    found = await connection.fetch(queries["read_blocks"], *(list(column) for column in zip(*keys, strict=True)))
    began = {(customer, level, name): (since_ms, seq) for customer, level, name, since_ms, seq in found}
    standing = follow_blocks(batch.blocks, began)
    await run_bulk(connection, queries["lift_blocks"], [key for key in keys if key not in standing])
    rows = [
        (*key, _reason(step.change), step.change.wallet, step.change.needed_micros, step.change.manual, *since)
        for key, (step, since) in standing.items()
    ]
    await run_bulk(connection, queries["save_blocks"], rows, batch.bucket, every="blocks")


def follow_blocks(
    steps: list[BlockStep], began: dict[BlockKey, tuple[int, int]]
) -> dict[BlockKey, tuple[BlockStep, tuple[int, int]]]:
    """Return the blocks that stand after `steps`, each with its last step and with since when it stands: time and seq.

    `began` is when those in the books began. A sender that is blocked by hand and now for want of credit too is blocked
    since the first, but stands in the wallet's line since the second: so the time stays and the seq moves. Everything
    else moves neither.
    """
    since = dict(began)
    standing: dict[BlockKey, tuple[BlockStep, tuple[int, int]]] = {}
    for step in steps:
        key, change = _key(step), step.change
        if not change.blocked:
            since.pop(key, None)
            standing.pop(key, None)
            continue
        since_ms, since_seq = since.get(key, (step.at_ms, step.seq))
        if change.reason == Reason.INSUFFICIENT_CREDIT and change.wallet:
            since_seq = step.seq
        since[key] = (since_ms, since_seq)
        standing[key] = (step, since[key])
    return standing


def _reason(change: Block) -> str:
    """Return why a block stands: once the want of credit is over, what is left was set by hand."""
    return MANUAL if change.manual and not change.wallet else change.reason


def _key(step: BlockStep) -> BlockKey:
    return (step.customer, step.change.level, step.change.id)
