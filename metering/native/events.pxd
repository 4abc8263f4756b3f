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
    cdef Slice message
    cdef object message_read
    cdef int64_t segments, characters
    cdef int kind
    cdef bint scheduled

    cdef inline bint has_message(self) noexcept:
        return self.message.at > 0

    cdef inline bint is_message_ascii(self) noexcept:
        # Whether the message stands there as it is, in ASCII and without an escape.
        return self.message_read is None

    cdef inline str text(self):
        # Return the message, None where there is none.
        if self.message_read is None and self.message.at:
            at = self.message.at
            self.message_read = (<const char*>self.value)[at : at + self.message.length].decode("ascii")
        return self.message_read

    cdef inline str field(self, Field field):
        # Return a text of the event, None where it has none.
        cdef Slice found = self.fields[<int>field]
        if not found.length:
            return None
        return (<const char*>self.value)[found.at : found.at + found.length].decode("ascii")
