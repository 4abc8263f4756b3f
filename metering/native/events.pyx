# Reads usual usage events from their JSON without an object for each field. Leaves all others to `worker/decoding`.
#
# Usual are texts to one number and what became of them, every name in ASCII without an escape. What is read here is what
# msgspec reads by `contracts/events`, and nothing is read here that it or `decoding` would refuse: whatever is unknown,
# there twice or in doubt is left. Tests hold both to the same on events, on changed events and on random bytes.

from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.stdint cimport int64_t, uint8_t, uint32_t

from metering.native.fields cimport (
    COUNT_MAX, ID_MAX, TEXT_MAX, Field, field_of_data, field_of_event, is_allowed,
)
from metering.native.reading cimport (
    is_text, read_count, read_flag, read_slice, read_time, skip, skip_space, skip_word,
)
from metering.native.strict cimport Cursor
from metering.native.text cimport Slice

import msgspec

decode_text = msgspec.json.Decoder(str).decode

LAST_MS = 2 ** 63 - 1

cdef enum:
    CREATE_TIME = 0  # of a record's timestamp: its producer's


cdef class Reader:
    # Reads the events of a bucket. `kinds`: of each type its name, whether it needs `to`, and the moment it tells of.
    # For when somebody asks for more of an event: `understand(value, timestamp, window)` is `decoding.decode_usage`, and
    # `make_position(usage, commands)` a `Position`.

    def __init__(self, tuple kinds, understand, make_position, *, window_ms, skew_ms, bytes_max, bucket, partitions):
        self.kinds, self.understand, self.make_position = kinds, understand, make_position
        self.window_ms, self.skew_ms, self.bytes_max = window_ms, skew_ms, bytes_max
        self.bucket, self.partitions = bucket, partitions

    def read(self, value, int64_t timestamp_ms):
        """Return the event in a value that was logged at `timestamp_ms`; None where it is not usual."""
        return read_event(self, value, timestamp_ms)

    def take(
        self, records, list inputs, Py_ssize_t count_max, int64_t commands, int64_t clock_ms, int64_t from_ms, until_ms,
        before_ms, int64_t ahead_ms
    ):
        """Move usual events from the queue's `records` to `inputs`; return how many.

        It ends before the first that is not usual, belongs to another bucket, is stamped `before_ms` or later or too far
        ahead, or whose clock is not within `from_ms` <= clock < `until_ms`: who takes the next one finds out which.
        """
        cdef Py_ssize_t count = 0
        cdef int64_t timestamp, clock, until = min(until_ms, LAST_MS), before = min(before_ms, LAST_MS)
        cdef PlainEvent event
        while count < count_max and records:
            record = records[0]
            timestamp = record.timestamp
            clock = clock_ms if clock_ms > timestamp else timestamp
            if timestamp >= before or not from_ms <= clock < until:
                break
            if timestamp > ahead_ms and record.timestamp_type == CREATE_TIME:
                break
            event = read_event(self, record.value, timestamp)
            if event is None or partition_of(event, self.partitions) != self.bucket:
                break
            records.popleft()
            event.offset, event.commands, event.clock_ms = record.offset, commands, clock
            clock_ms = clock
            inputs.append(event)
            count += 1
        return count


cdef class PlainEvent:
    # A usual event as it was taken, in the place of a `chunking.Taken` and with its face.

    @property
    def topic(self):
        """The topic it was taken from."""
        return "usage"

    @property
    def after(self):
        """The position after it."""
        return self.reader.make_position(self.offset + 1, self.commands)

    @property
    def content(self):
        """The `UsageInput` that the general way makes of it, anew each time."""
        return self.reader.understand(self.value, self.timestamp_ms, self.reader.window_ms)

    def seen(self):
        """Return what was read, by the contract's names, for tests."""
        names = {"id": Field.ID, "source": Field.SOURCE, "type": Field.TYPE, "customer": Field.CUSTOMER, "to": Field.TO}
        names |= {"sender_type": Field.SENDER_TYPE, "mcc_mnc": Field.MCC_MNC, "charge_id": Field.CHARGE_ID}
        names |= {"sender": Field.SENDER, "user": Field.USER, "campaign": Field.CAMPAIGN, "reply_to": Field.REPLY_TO}
        names |= {"on_behalf_of": Field.ON_BEHALF_OF}
        texts = {name: self.field(field) for name, field in names.items()}
        counts = {"segments": self.segments, "characters": self.characters}
        counts = {name: None if count < 0 else count for name, count in counts.items()}
        return texts | counts | {"text": self.text(), "scheduled": bool(self.scheduled), "time_ms": self.time_ms}


cdef bint read_message(Cursor* cursor, PlainEvent event) except -1:
    # Read a text in any characters; False where it is in doubt. With an escape msgspec reads it, by itself.
    cdef const char* first
    cdef bint is_escaped = False
    cdef bint is_ascii = True
    if not skip(cursor, c'"'):
        return False
    first = cursor.at
    while cursor.at[0] != c'"':
        if cursor.at[0] == c'\\':
            is_escaped = True
            cursor.at += 1
        if <uint8_t>cursor.at[0] < 0x20:
            return False
        if <uint8_t>cursor.at[0] >= 0x80:
            is_ascii = False
        cursor.at += 1
    cursor.at += 1
    event.message.at = <unsigned int>(first - cursor.start)
    event.message.length = <unsigned int>(cursor.at - first - 1)
    if is_ascii and not is_escaped:
        return event.message.length <= TEXT_MAX
    try:
        if is_escaped:
            text = decode_text((first - 1)[: event.message.length + 2])
            if "\0" in text:
                return False
        else:
            text = PyUnicode_DecodeUTF8(first, event.message.length, NULL)
    except ValueError:
        return False
    event.message_read = text
    return len(text) <= TEXT_MAX


cdef bint read_data(Cursor* cursor, PlainEvent event) except -1:
    # Read the event's `data`; False where it is not usual.
    cdef Slice key, found
    cdef Field field
    cdef unsigned int seen = 0
    if not skip(cursor, c'{'):
        return False
    while True:
        if not read_slice(cursor, &key) or not skip(cursor, c':'):
            return False
        field = field_of_data(cursor, key)
        if field == Field.UNKNOWN or seen >> <int>field & 1:
            return False
        seen |= <unsigned int>1 << <int>field
        if field == Field.SCHEDULED:
            if not read_flag(cursor, &event.scheduled):
                return False
        elif field != Field.CUSTOMER and skip_word(cursor, "null"):
            pass
        elif field == Field.MESSAGE:
            if not read_message(cursor, event):
                return False
        elif field == Field.SEGMENTS:
            if not read_count(cursor, &event.segments) or event.segments > COUNT_MAX:
                return False
        elif field == Field.CHARACTERS:
            if not read_count(cursor, &event.characters) or event.characters > COUNT_MAX:
                return False
        elif not read_slice(cursor, &found) or not is_allowed(cursor, field, found):
            return False
        elif field != Field.ENCODING:
            event.fields[<int>field] = found
        if not skip(cursor, c','):
            return skip(cursor, c'}')


cdef bint read_fields(Cursor* cursor, PlainEvent event) except -1:
    # Read the whole event; False where it is not usual.
    cdef Slice key, found
    cdef Field field
    cdef unsigned int seen = 0
    if not skip(cursor, c'{'):
        return False
    while True:
        if not read_slice(cursor, &key) or not skip(cursor, c':'):
            return False
        field = field_of_event(cursor, key)
        if field == Field.UNKNOWN or seen >> <int>field & 1:
            return False
        seen |= <unsigned int>1 << <int>field
        if field == Field.DATA:
            if not read_data(cursor, event):
                return False
        elif (field == Field.SUBJECT or field == Field.DATACONTENTTYPE) and skip_word(cursor, "null"):
            pass
        elif not read_slice(cursor, &found):
            return False
        elif field == Field.SPECVERSION:
            if not is_text(cursor, found, "1.0", 3):
                return False
        elif field < Field.TEXTS:
            if not 0 < found.length <= ID_MAX:
                return False
            event.fields[<int>field] = found
        if not skip(cursor, c','):
            return skip(cursor, c'}') and seen >> <int>Field.SPECVERSION & 1


cdef bint has_kind(Cursor* cursor, PlainEvent event) except -1:
    # Find the event's type; False where it is none of the usual ones or lacks the field that such an event needs.
    cdef Py_ssize_t number
    cdef tuple kind
    cdef bytes name
    for number in range(len(event.reader.kinds)):
        kind = <tuple>event.reader.kinds[number]
        name = <bytes>kind[0]
        if is_text(cursor, event.fields[<int>Field.TYPE], name, len(name)):
            event.kind = <int>number
            return event.fields[<int>(Field.TO if kind[1] else Field.CHARGE_ID)].length > 0
    return False


cdef PlainEvent read_event(Reader reader, value, int64_t timestamp_ms):
    cdef PlainEvent event
    cdef Cursor cursor
    if type(value) is not bytes or len(<bytes>value) > reader.bytes_max:
        return None
    event = PlainEvent.__new__(PlainEvent)
    event.value, event.reader, event.timestamp_ms = <bytes>value, reader, timestamp_ms
    event.segments = event.characters = -1
    cursor.start = cursor.at = <const char*>event.value
    if not read_fields(&cursor, event):
        return None
    skip_space(&cursor)
    if cursor.at - cursor.start != len(event.value) or not has_kind(&cursor, event):
        return None
    if not (event.fields[<int>Field.ID].length and event.fields[<int>Field.SOURCE].length):
        return None
    if not event.fields[<int>Field.CUSTOMER].length:
        return None
    event.time_ms = read_time(cursor.start + event.fields[<int>Field.TIME].at, event.fields[<int>Field.TIME].length)
    if event.time_ms < 0 or not -reader.window_ms <= event.time_ms - timestamp_ms <= reader.skew_ms:
        return None
    event.customer = event.field(Field.CUSTOMER)
    return event


cdef unsigned int partition_of(PlainEvent event, unsigned int partitions) noexcept:
    # As `contracts/partitioning.partition_of`: Kafka's murmur2.
    cdef Slice name = event.fields[<int>Field.CUSTOMER]
    cdef const uint8_t* at = <const uint8_t*>(<const char*>event.value) + name.at
    cdef unsigned int left = name.length
    cdef uint32_t multiplier = 0x5BD1E995
    cdef uint32_t word, hashed = <uint32_t>0x9747B28C ^ name.length
    while left >= 4:
        word = (at[0] | <uint32_t>at[1] << 8 | <uint32_t>at[2] << 16 | <uint32_t>at[3] << 24) * multiplier
        word = (word ^ word >> 24) * multiplier
        hashed = (hashed * multiplier) ^ word
        at += 4
        left -= 4
    if left:
        word = 0
        while left:
            left -= 1
            word = word << 8 | at[left]
        hashed = (hashed ^ word) * multiplier
    hashed = (hashed ^ hashed >> 13) * multiplier
    hashed ^= hashed >> 15
    return (hashed & 0x7FFFFFFF) % partitions
