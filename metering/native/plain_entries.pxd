# A plain entry of the ledger as `plain_entries` reads it: of its texts where they are, of its numbers what they are.

from libc.stdint cimport int64_t

from metering.native.text cimport Slice

cdef enum:
    LOTS_MAX = 4  # of one entry; one that draws from more is not plain


cdef struct PlainLot:
    Slice name
    int64_t remaining, held


cdef struct PlainCharge:
    Slice id, state, wallet, charge_on, parts, sender
    int64_t price, held, committed, fee, deadline


cdef struct PlainEntry:
    # Without `at` a text is not there. `lots`, `rates` and `line_amounts` are JSON.
    Slice id, chunk, prev_chunk, kind, wallet, lots, reason, decision, topic, customer, unit, charge_id, source, event
    Slice event_type, command, command_type, channel, country, rates, line_amounts, rates_version, sender, user
    Slice campaign, on_behalf_of, actor, note, terms_version, reply_to
    int64_t bucket, seq, wallet_seq, amount, held_change, duplicate_of, due_at_ms, usage, commands, applied_at_ms
    int64_t input_offset, price, event_time_ms, quantity
    int64_t before[3]
    int64_t after[3]
    bint has_before, has_after, has_duplicate_of, has_due, has_price, has_event, has_quantity, has_charge
    int lots_count
    PlainLot each_lot[LOTS_MAX]
    PlainCharge charge
    Py_ssize_t rows_before  # how many rows of others are to be written first


cdef bint read_plain(PlainEntry* found, const char* source, Py_ssize_t length) noexcept
