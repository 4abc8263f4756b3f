from libc.stdint cimport int64_t

from metering.native.text cimport Slice, Text


cdef struct PlainInput:
    # What its entry needs to know of an input. Slices are of its carried part.
    int64_t price, applied_at_ms
    Slice customer, charge, source, event, unit
    int label
    bint is_plain, has_price


cdef class Rows:
    cdef str wallet
    cdef dict customers, wallets, charges, senders, known, label_at
    cdef list policies, wallet_names, carried, fragments, digests
    cdef readonly list labels
    cdef readonly int64_t clock_first_ms, clock_last_ms
    cdef long label_last
    cdef int label_last_at
    cdef PlainInput* inputs
    cdef Py_ssize_t count, inputs_size, packed_length
    cdef Text packed
