# Writes what an event carries through the ledger: the bytes that `ledger/carried.encode_carried` makes of it.

from cpython.bytes cimport PyBytes_FromStringAndSize

from metering.native.events cimport PlainEvent
from metering.native.fields cimport Field
from metering.native.prices cimport KnownPrice, KnownUnit
from metering.native.rows cimport PlainInput
from metering.native.text cimport Slice, Text, put, put_bytes, put_number, put_word, room

cdef enum:
    FIGURES_BYTES_MAX = 700  # of all figures and the names of all fields, generously

cdef Text writing
"""Written over by each."""


cdef inline char* put_name(
    char* to, const char* word, PlainEvent event, Slice name, const char* start, Slice* written
) noexcept:
    # Put a field whose text has no escape, after `word` that ends with its quotation mark. Tell where in `start` it is.
    to = put_word(to, word)
    written.at, written.length = <unsigned int>(to - start), name.length
    to = put(to, <const char*>event.value + name.at, name.length)
    to[0] = c'"'
    return to + 1


cdef inline char* put_maybe(char* to, const char* word, PlainEvent event, Field field) noexcept:
    cdef Slice written
    cdef Slice name = event.fields[<int>field]
    return put_name(to, word, event, name, to, &written) if name.length else to


cdef bytes carried_part(
    PlainInput* about, PlainEvent event, Slice charge, KnownPrice price, KnownUnit unit, unsigned int bucket,
    bytes rates_version
):
    # Return the carried part of an event with a price or without one, and tell `about` what is where in it.
    cdef Py_ssize_t size = FIGURES_BYTES_MAX + len(event.value) + charge.length + len(unit.carried) + len(rates_version)
    cdef char* start = room(&writing, size if price is None else size + len(price.carried))
    cdef char* to = start
    about.applied_at_ms = event.clock_ms
    to = put_number(put_word(to, '{"position":{"usage":'), event.offset + 1)
    to = put_number(put_word(to, ',"commands":'), event.commands)
    to = put_number(put_word(to, '},"applied_at_ms":'), event.clock_ms)
    to = put_number(put_word(to, ',"input":{"topic":"usage","partition":'), bucket)
    to = put_number(put_word(to, ',"offset":'), event.offset)
    to = put_name(to, '},"customer":"', event, event.fields[<int>Field.CUSTOMER], start, &about.customer)
    to = put_word(to, ',"unit":')
    about.unit.at, about.unit.length = <unsigned int>(to - start), <unsigned int>len(unit.carried)
    to = put_bytes(to, unit.carried)
    about.has_price = price is not None
    if price is not None:
        about.price = price.amount
        to = put_number(put_word(to, ',"price_micros":'), price.amount)
    to = put_name(to, ',"charge_id":"', event, charge, start, &about.charge)
    to = put_name(to, ',"event":{"source":"', event, event.fields[<int>Field.SOURCE], start, &about.source)
    to = put_name(to, ',"id":"', event, event.fields[<int>Field.ID], start, &about.event)
    to = put_maybe(to, ',"type":"', event, Field.TYPE)
    to = put_number(put_word(to, ',"time_ms":'), event.time_ms)
    to = put_word(to, '},"channel":"sms"')
    if price is not None:
        to = put_bytes(to, price.carried)
        to = put_bytes(put_word(to, ',"rates_version":'), rates_version)
    to = put_maybe(to, ',"sender":"', event, Field.SENDER)
    to = put_maybe(to, ',"user":"', event, Field.USER)
    to = put_maybe(to, ',"campaign":"', event, Field.CAMPAIGN)
    to = put_maybe(to, ',"on_behalf_of":"', event, Field.ON_BEHALF_OF)
    to = put_maybe(to, ',"reply_to":"', event, Field.REPLY_TO)
    to[0] = c'}'
    return PyBytes_FromStringAndSize(start, to + 1 - start)
