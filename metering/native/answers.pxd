# Reads what Lua answered: rows of figures, and the names in them. Leaves what they come to to `entries`.

from cpython.bytes cimport PyBytes_AS_STRING
from libc.stdint cimport int64_t, uint8_t, uint16_t
from libc.string cimport memcpy

cdef enum:
    ROW_BYTES = 84
    FIGURE_BITS = 50  # sums of as many smaller figures as a chunk has entries stay exact


cdef struct Row:
    # As `ledger/rows.RESULT_ROW`.
    uint16_t number, wallet_at, lot_at, sender_at
    uint8_t kind, reason, decision, charge_state
    int64_t available, held, wallet_seq, amount, lot_remaining, lot_held, held_change, fee, deadline


cdef struct Name:
    # Of a wallet, a lot or a sender. One that is not plain needs an escape.
    const char* text
    Py_ssize_t length
    bint is_plain


cdef inline Py_ssize_t list_names(Name* listed, bytes names) noexcept:
    # List names that stand one after the other with U+0000 between; return how many. The one at 0 is for none.
    cdef const char* at = PyBytes_AS_STRING(names)
    cdef const char* end = at + len(names)
    cdef Py_ssize_t count = 1
    listed[0].text, listed[0].length, listed[0].is_plain = at, 0, True
    while True:
        listed[count].text, listed[count].is_plain = at, True
        while at < end and at[0]:
            if <uint8_t>at[0] < 0x20 or at[0] == c'"' or at[0] == c'\\':
                listed[count].is_plain = False
            at += 1
        listed[count].length = at - listed[count].text
        count += 1
        if at >= end:
            return count
        at += 1


cdef inline void read_row(Row* row, const char* at) noexcept:
    # Numbers are read as they lie in memory: little-endian machines only.
    memcpy(&row.number, at, 2)
    row.kind, row.reason, row.decision, row.charge_state = <uint8_t>at[2], <uint8_t>at[3], <uint8_t>at[4], <uint8_t>at[5]
    memcpy(&row.wallet_at, at + 6, 2)
    memcpy(&row.lot_at, at + 8, 2)
    memcpy(&row.sender_at, at + 10, 2)
    memcpy(&row.available, at + 12, ROW_BYTES - 12)


cdef inline bint is_small(int64_t figure) noexcept:
    return -(<int64_t>1 << FIGURE_BITS) < figure < <int64_t>1 << FIGURE_BITS


cdef inline int64_t available_after(Row* row) noexcept:
    return row.available + row.amount - row.held_change
