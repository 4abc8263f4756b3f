from metering.native.events cimport PlainEvent
from metering.native.prices cimport KnownPrice, KnownUnit
from metering.native.rows cimport PlainInput
from metering.native.text cimport Slice

cdef bytes carried_part(
    PlainInput* about, PlainEvent event, Slice charge, KnownPrice price, KnownUnit unit, unsigned int bucket,
    bytes rates_version
)
