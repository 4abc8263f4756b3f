from libc.stdint cimport int64_t

from metering.native.fields cimport TEXTS, Field
from metering.native.text cimport Slice


cdef class Reader:
    cdef readonly tuple kinds
    cdef object understand, make_position
    cdef int64_t window_ms, skew_ms
    cdef unsigned int bucket, partitions
    cdef Py_ssize_t bytes_max


cdef class PlainEvent:
    cdef readonly str customer
    cdef readonly int64_t offset, clock_ms
    cdef bytes value
    cdef int64_t timestamp_ms, time_ms, commands
    cdef Reader reader
    cdef Slice fields[TEXTS]
    cdef object message
    cdef int64_t segments, characters
    cdef int kind
    cdef bint scheduled

    cdef inline str field(self, Field field):
        # Return a text of the event, None where it has none.
        cdef Slice found = self.fields[<int>field]
        if not found.length:
            return None
        return (<const char*>self.value)[found.at : found.at + found.length].decode("ascii")
