# Writes a plain entry as a row of the table `entries`, but for its hash. Leaves room for it to `books`.

from metering.native.copying cimport Pens, put_bigint, put_bigint_or_none, put_integer, put_none, put_text
from metering.native.plain_entries cimport PlainEntry

cdef enum:
    COLUMNS = 63
    NESTED = 10  # columns at the end that hold what no plain entry tells


cdef inline void put_row(Pens* pens, PlainEntry* plain) noexcept:
    # As `entry_rows.row_of`.
    cdef int number
    put_integer(pens, plain.bucket, 4)
    put_bigint(pens, plain.seq)
    put_integer(pens, 0, 2)
    put_text(pens, plain.id)
    put_bigint(pens, plain.applied_at_ms)
    put_text(pens, plain.kind)
    put_text(pens, plain.customer)
    put_text(pens, plain.wallet)
    put_none(pens)
    put_bigint_or_none(pens, plain.wallet_seq != 0, plain.wallet_seq)
    put_text(pens, plain.unit)
    put_bigint(pens, plain.amount)
    put_bigint(pens, plain.held_change)
    put_bigint_or_none(pens, plain.has_price, plain.price)
    for number in range(3):
        put_bigint_or_none(pens, plain.has_before, plain.before[number])
    for number in range(3):
        put_bigint_or_none(pens, plain.has_after, plain.after[number])
    put_text(pens, plain.charge.id if plain.has_charge else plain.charge_id)
    put_text(pens, plain.charge.state)
    put_text(pens, plain.reason)
    put_text(pens, plain.decision)
    put_bigint_or_none(pens, plain.has_duplicate_of, plain.duplicate_of)
    put_bigint_or_none(pens, plain.has_due, plain.due_at_ms)
    put_text(pens, plain.source)
    put_text(pens, plain.event)
    put_text(pens, plain.event_type)
    put_bigint_or_none(pens, plain.has_event, plain.event_time_ms)
    put_text(pens, plain.command)
    put_text(pens, plain.command_type)
    put_text(pens, plain.channel)
    put_text(pens, plain.country)
    put_bigint_or_none(pens, plain.has_quantity, plain.quantity)
    put_text(pens, plain.sender)
    put_text(pens, plain.user)
    put_text(pens, plain.campaign)
    put_text(pens, plain.on_behalf_of)
    put_text(pens, plain.actor)
    put_text(pens, plain.note)
    put_text(pens, plain.terms_version)
    put_text(pens, plain.reply_to)
    put_text(pens, plain.topic)
    put_bigint(pens, plain.input_offset)
    put_bigint(pens, plain.usage)
    put_bigint(pens, plain.commands)
    put_text(pens, plain.chunk)
    put_text(pens, plain.prev_chunk)
    put_text(pens, plain.rates_version)
    put_text(pens, plain.rates)
    put_text(pens, plain.line_amounts)
    put_text(pens, plain.lots)
    for number in range(NESTED):
        put_none(pens)
