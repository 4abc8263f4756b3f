from libc.stdint cimport int64_t

from metering.native.plain_entries cimport PlainCharge


cdef class ChargeInBytes:
    cdef bytes value
    cdef PlainCharge charge
    cdef int64_t several_or_none  # -1 is None
    cdef readonly int64_t touched_at_ms
