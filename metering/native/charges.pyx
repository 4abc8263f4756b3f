# Charges as plain entries leave them: still in the bytes of the entry, until COPY takes them.

from cpython.bytes cimport PyBytes_AS_STRING
from cpython.unicode cimport PyUnicode_AsUTF8AndSize, PyUnicode_DecodeASCII
from cython cimport freelist
from libc.stdint cimport int64_t, uint64_t

from metering.native.copies cimport begin_copy, end_copy, put_rows
from metering.native.copying cimport NO_VALUE, VALUE_BYTES_MAX, put_big
from metering.native.plain_entries cimport PlainCharge
from metering.native.text cimport Slice, Text, put, put_word, release, room

cdef enum:
    COLUMNS = 17


cdef inline str text_of(const char* source, Slice found):
    return PyUnicode_DecodeASCII(source + found.at, found.length, NULL)


@freelist(64)
cdef class ChargeInBytes:
    # The twin of `ChargeAfter` in `checkpoint/batch`, of a charge without recipients, call or takes.

    @property
    def several(self):
        return None if self.several_or_none < 0 else self.several_or_none == 1

    def row(self):
        """Return what `flush_states` makes of a charge, behind its key."""
        cdef PlainCharge* charge = &self.charge
        cdef const char* source = PyBytes_AS_STRING(self.value)
        return (
            text_of(source, charge.wallet), text_of(source, charge.state), charge.price, charge.held, charge.committed,
            text_of(source, charge.charge_on), charge.fee, charge.deadline,
            text_of(source, charge.parts) if charge.parts.at else "[]",
            text_of(source, charge.sender) if charge.sender.at else None,
            self.several, self.touched_at_ms, None, None,
        )


def copy_charges(list keys, dict charges, int64_t bucket, row_of, bytes widths):
    """Return charges as COPY takes them, with their bucket. `row_of` makes the row of one that is not in its bytes."""
    cdef Text out
    cdef char* to
    cdef Py_ssize_t done, needed
    out.start, out.size = NULL, 0
    try:
        to = begin_copy(&out)
        for key in keys:
            after = charges[key]
            if type(after) is ChargeInBytes:
                done = to - out.start
                needed = 4 * (len(<str>key[0]) + len(<str>key[1])) + len((<ChargeInBytes>after).value)
                to = room(&out, done + needed + COLUMNS * VALUE_BYTES_MAX) + done
                to = put_charge(to, <tuple>key, <ChargeInBytes>after)
                to = put_big(put_big(to, 4, 4), bucket, 4)
            else:
                to = put_rows(&out, to, [(*row_of(key, after), bucket)], widths)
        return end_copy(&out, to)
    finally:
        release(&out)


cdef inline char* copy_text(char* to, const char* source, Slice found) noexcept:
    if found.at == 0:
        return put_big(to, NO_VALUE, 4)
    return put(put_big(to, found.length, 4), source + found.at, found.length)


cdef inline char* copy_bigint(char* to, int64_t number) noexcept:
    return put_big(put_big(to, 8, 4), <uint64_t>number, 8)


cdef inline char* copy_str(char* to, str value) except NULL:
    cdef Py_ssize_t length
    cdef const char* text = PyUnicode_AsUTF8AndSize(value, &length)
    return put(put_big(to, length, 4), text, length)


cdef char* put_charge(char* to, tuple key, ChargeInBytes after) except NULL:
    # Put a charge but for its bucket.
    cdef PlainCharge* charge = &after.charge
    cdef const char* source = PyBytes_AS_STRING(after.value)
    to = copy_str(copy_str(put_big(to, COLUMNS, 2), <str>key[0]), <str>key[1])
    to = copy_text(copy_text(to, source, charge.wallet), source, charge.state)
    to = copy_bigint(copy_bigint(copy_bigint(to, charge.price), charge.held), charge.committed)
    to = copy_text(to, source, charge.charge_on)
    to = copy_bigint(copy_bigint(to, charge.fee), charge.deadline)
    if charge.parts.at:
        to = copy_text(to, source, charge.parts)
    else:
        to = put_word(put_big(to, 2, 4), "[]")
    to = copy_text(to, source, charge.sender)
    if after.several_or_none < 0:
        to = put_big(to, NO_VALUE, 4)
    else:
        to = put_big(put_big(to, 1, 4), after.several_or_none, 1)
    to = copy_bigint(to, after.touched_at_ms)
    return put_big(put_big(to, NO_VALUE, 4), NO_VALUE, 4)  # neither call nor takes
