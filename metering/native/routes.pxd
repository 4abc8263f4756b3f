from libc.stdint cimport int64_t, uint64_t

from metering.native.events cimport PlainEvent
from metering.native.prices cimport KnownPrice, Terms

cdef enum:
    HEADS = 1_000


cdef class Lane:
    cdef dict routes
    cdef int reach[HEADS]


cdef class Route:
    cdef int64_t from_ms, to_ms
    cdef list prices


cdef class KnownPlan:
    cdef Terms terms
    cdef object end
    cdef int64_t hold_ms
    cdef bint counts_plainly
    cdef dict lanes
    cdef Lane usual
    cdef Py_ssize_t kept

    cdef KnownPrice price(self, plan, PlainEvent event, sender_type)
    cdef Lane lane(self, sender_type)
    cdef Route route(self, PlainEvent event, sender_type)
    cdef KnownPrice find(self, plan, PlainEvent event, sender_type, int64_t segments, characters)
    cdef int keep(self, plan, PlainEvent event, sender_type, int64_t segments, KnownPrice price) except -1


cdef KnownPlan plan_known(Terms terms, plan)
