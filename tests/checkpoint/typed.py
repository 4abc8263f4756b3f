"""What a restore brings, as typed state: rows by way of the records that Redis holds. Leaves reading to `books`."""

from __future__ import annotations

from metering.checkpoint.books import Restoration
from metering.contracts.entries import Granted
from metering.ledger.bulk_records import make_part
from metering.ledger.codes import REASONS
from metering.ledger.effects import DECISIONS
from metering.ledger.grant_codes import GrantOf
from metering.ledger.keys import SLOT_MS, oldest_live_slot, slot_of
from metering.ledger.records import BlocksByWallet
from metering.ledger.restore_part import PartMaker, RestorePart
from metering.ledger.state import CustomerRows, CustomerState, EventRows, RememberedEvent, StateRecord, WalletRows
from metering.ledger.stored import read_settings, read_wallet, unpack
from metering.ledger.till import Windows


async def read_records(restoration: Restoration, windows: Windows | None = None) -> list[StateRecord]:
    """Return all records. Of a remembered event the moment is the start of its slot: no more is kept of it."""
    clock_ms = restoration.position.head.clock_ms
    oldest = oldest_live_slot(clock_ms, (windows or Windows()).events_ms)
    maker = PartMaker(range(max(0, oldest), slot_of(clock_ms) + 1), BlocksByWallet(restoration.blocks), 0)
    records: list[StateRecord] = []
    async for batch in restoration.batches():
        if isinstance(batch, CustomerRows | WalletRows | EventRows):
            records += _records_of(make_part(maker, batch), maker)
        else:
            records += [at_slot(record) for record in batch]
    return records


def at_slot(record: StateRecord) -> StateRecord:
    """Return a record with as much of its moment as Redis keeps."""
    if not isinstance(record, RememberedEvent):
        return record
    slot_ms = slot_of(record.applied_at_ms) * SLOT_MS
    return RememberedEvent(record.digest, slot_ms, record.seq, record.decision, record.reason, record.granted)


def _records_of(part: RestorePart, maker: PartMaker) -> list[StateRecord]:
    records: list[StateRecord] = []
    customers, wallets = part.customers, part.wallets
    named = zip(customers[::2], customers[1::2], strict=True)
    records += [CustomerState(name.decode(), read_settings(record)) for name, record in named]
    records += [read_wallet(key.decode(), record) for key, record in zip(wallets[::2], wallets[1::2], strict=True)]
    for slot, n in maker.place.items():
        ids = part.ids[n]
        records += [_event_of(slot, *pair) for pair in zip(ids[::2], ids[1::2], strict=True)]
    return records


def _event_of(slot: int, digest: bytes, record: bytes) -> RememberedEvent:
    number, _, rest = record.partition(b" ")
    seq, codes = divmod(int(number), 1024)
    reason, decision = divmod(codes, 4)
    granted = None
    if rest:
        of, count, asked = unpack(rest)
        granted = Granted(GrantOf(of).name.lower(), count, asked)  # type: ignore[arg-type]  # one of its two
    told = DECISIONS[decision]
    return RememberedEvent(digest.decode(), slot * SLOT_MS, seq, told, REASONS.get(reason), granted)  # type: ignore[arg-type]
