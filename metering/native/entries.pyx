# Tells what Lua answered in rows of figures: entries, decisions and counts, from the figures straight to their JSON.
#
# The twin of the loop in `worker/telling`, of `PlainEffect` and `PlainDecision`, for inputs that `rows` has added; tests
# hold both to the same bytes and counts. Whatever else is in an answer it leaves to the one who asked.

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.mem cimport PyMem_Calloc, PyMem_Free, PyMem_Malloc
from cpython.unicode cimport PyUnicode_AsUTF8AndSize
from libc.stdint cimport int64_t, uint8_t, uint16_t

from metering.native.answers cimport ROW_BYTES, Name, Row, available_after, is_small, list_names, read_row
from metering.native.rows cimport PlainInput, Rows
from metering.native.text cimport Text, put, put_bytes, put_number, put_slice, put_word, room
from metering.native.words cimport CODES, Word, Words

cdef enum:
    FIGURES_BYTES_MAX = 1_400  # of all figures and words of an entry and the names of all fields, generously

cdef Text writing
"""Written over by each."""


cdef struct Tally:
    int64_t entries, credited, debited, held, freed


cdef class Teller:
    # Tells one answer, for the chunk that `rows` are of, into the columns of `told`. `chunk` and `previous` are JSON,
    # `names` those of the answer; `row_at` is where in it the next row is.
    cdef Words words
    cdef Rows rows
    cdef bytes packed, packed_names, marks, chunk, previous
    cdef int64_t bucket, first_seq, asked_ms
    cdef list keys, values, asked_keys, decisions
    cdef dict asked_at, tally_at
    cdef Name* names
    cdef Tally* tallies
    cdef Py_ssize_t names_count, asked_count, at
    cdef readonly Py_ssize_t row_at

    def __init__(
        self, Words words, Rows rows, told, *, int64_t bucket, int64_t first_seq, bytes chunk, bytes previous,
        bytes packed, bytes marks, bytes names, Py_ssize_t row_at
    ):
        self.words, self.rows, self.bucket, self.first_seq = words, rows, bucket, first_seq
        self.chunk, self.previous, self.packed, self.marks, self.packed_names = chunk, previous, packed, marks, names
        self.keys, self.values, self.asked_keys, self.decisions = told.keys, told.values, told.asked_keys, told.decisions
        self.asked_at, self.row_at, self.tally_at = told.asked_at, row_at, {}
        self.tallies = <Tally*>PyMem_Calloc(len(marks) + 1, sizeof(Tally))
        self.names = <Name*>PyMem_Malloc((names.count(b"\0") + 2) * sizeof(Name))
        if self.tallies is NULL or self.names is NULL:
            raise MemoryError
        self.names_count = list_names(self.names, names)

    def __dealloc__(self):
        PyMem_Free(self.names)
        PyMem_Free(self.tallies)

    def tell(self):
        """Tell entries up to the first that is left to the one who asked; return its place, or that after the last."""
        cdef const uint8_t* marks = <const uint8_t*>PyBytes_AS_STRING(self.marks)
        cdef Py_ssize_t count = len(self.marks)
        cdef Row row
        cdef PlainInput* about
        while self.at < count and marks[self.at] == self.words.in_a_row:
            read_row(&row, PyBytes_AS_STRING(self.packed) + self.row_at)
            about = self.plain_input(&row)
            if about is NULL:
                break
            self.tell_row(&row, about)
            self.at += 1
            self.row_at += ROW_BYTES
        return self.at

    def leave(self):
        """Go past an entry that another has told."""
        if <uint8_t>PyBytes_AS_STRING(self.marks)[self.at] == self.words.in_a_row:
            self.row_at += ROW_BYTES
        self.at += 1

    def counted(self):
        """Return what was told, to be asked once, at the end: labels, how many entries, and what they moved."""
        cdef Tally* tally
        cdef Py_ssize_t place
        self.keep_asked()
        found = []
        for what, place in self.tally_at.items():
            event_type, channel, country, unit = self.rows.labels[what // CODES]
            tally = &self.tallies[place]
            moved = [tally.entries, tally.credited, tally.debited, tally.held, tally.freed]
            found.append(((event_type, channel, country, what % CODES, unit), moved))
        return found

    cdef PlainInput* plain_input(self, Row* row) noexcept:
        # Return the input of a row that can be told here, NULL for any other.
        cdef Words words = self.words
        cdef PlainInput* about
        if not 0 < row.number <= self.rows.count:
            return NULL
        about = &self.rows.inputs[row.number - 1]
        if not about.is_plain or words.is_left_kind[row.kind] or words.is_left_reason[row.reason]:
            return NULL
        if not (words.kinds[row.kind].length and words.reasons[row.reason].length):
            return NULL
        if not words.decisions[row.decision].length or not row.wallet_at:
            return NULL
        if not (self.is_plain(row.wallet_at) and self.is_plain(row.lot_at) and self.is_plain(row.sender_at)):
            return NULL
        if not (is_small(row.available) and is_small(row.held) and is_small(row.amount) and is_small(row.held_change)):
            return NULL
        if row.charge_state and (state_of(words, row).length <= 0 or moment_of(words, row).length <= 0):
            return NULL
        return about

    cdef inline bint is_plain(self, uint16_t name_at) noexcept:
        return name_at < self.names_count and self.names[name_at].is_plain

    cdef int tell_row(self, Row* row, PlainInput* about) except -1:
        cdef bytes carried = <bytes>self.rows.fragments[row.number - 1]
        cdef Tally* tally = &self.tallies[self.tally_of(about.label * CODES + row.kind)]
        key = PyBytes_FromStringAndSize(PyBytes_AS_STRING(carried) + about.customer.at, about.customer.length)
        self.keys.append(key)
        self.values.append(self.entry(row, about, carried))
        if row.decision:
            self.asked_keys.append(key)
            self.decisions.append(self.decision(row, about, PyBytes_AS_STRING(carried), len(carried)))
            if about.applied_at_ms != self.asked_ms:
                self.keep_asked()
                self.asked_ms = about.applied_at_ms
            self.asked_count += 1
        tally.entries += 1
        if row.amount < 0:
            tally.debited -= row.amount
        else:
            tally.credited += row.amount
        if row.held_change < 0:
            tally.freed -= row.held_change
        else:
            tally.held += row.held_change
        return 0

    cdef Py_ssize_t tally_of(self, int what) except -1:
        # Return the place of what entries of a label and kind are added up in: there are no more than entries.
        place = self.tally_at.get(what)
        if place is None:
            place = self.tally_at[what] = len(self.tally_at)
        return place

    cdef int keep_asked(self) except -1:
        # Most are asked at one moment, so they are noted when it is another.
        if self.asked_count:
            self.asked_at[self.asked_ms] = self.asked_at.get(self.asked_ms, 0) + self.asked_count
            self.asked_count = 0
        return 0

    cdef bytes entry(self, Row* row, PlainInput* about, bytes carried):
        # Return the JSON that `made.entry_value` makes of a plain effect and of what was carried.
        cdef Words words = self.words
        cdef Name* wallet = &self.names[row.wallet_at]
        cdef Name* lot = &self.names[row.lot_at]
        cdef Name* sender = &self.names[row.sender_at]
        cdef Py_ssize_t names = 2 * (wallet.length + lot.length) + sender.length + about.charge.length
        cdef Py_ssize_t chunks = len(self.chunk) + len(self.previous)
        cdef char* start = room(&writing, FIGURES_BYTES_MAX + chunks + names + len(carried))
        cdef char* to = self.put_id(put_word(start, '{"id":"'))
        to = put_number(put_word(to, '","bucket":'), self.bucket)
        to = put_number(put_word(to, ',"seq":'), self.first_seq + self.at)
        to = put_bytes(put_word(to, ',"chunk":'), self.chunk)
        to = put_bytes(put_word(to, ',"prev_chunk":'), self.chunk if self.at else self.previous)
        to = put_code(put_word(to, ',"kind":'), &words.kinds[row.kind])
        to = put_name(put_word(to, ',"wallet":"'), wallet)
        if row.wallet_seq:
            to = put_number(put_word(to, ',"wallet_seq":'), row.wallet_seq)
        if row.amount:
            to = put_number(put_word(to, ',"amount_micros":'), row.amount)
        if row.held_change:
            to = put_number(put_word(to, ',"held_change_micros":'), row.held_change)
        to = put_balance(put_word(to, ',"before":'), row.available, row.held)
        to = put_balance(put_word(to, ',"after":'), available_after(row), row.held + row.held_change)
        if row.lot_at:
            to = put_name(put_word(to, ',"lots":[{"lot":"'), lot)
            to = put_number(put_word(to, ',"amount_micros":'), row.amount)
            to = put_number(put_word(to, ',"held_change_micros":'), row.held_change)
            to = put_number(put_word(to, ',"remaining_micros":'), row.lot_remaining)
            to = put_number(put_word(to, ',"held_micros":'), row.lot_held)
            to = put_word(to, '}]')
        if row.charge_state:
            to = put_slice(put_word(to, ',"charge":{"id":"'), PyBytes_AS_STRING(carried), about.charge)
            to = put_charge(to, words, row, wallet, lot, sender)
        if words.reasons[row.reason].length > 0:
            to = put_code(put_word(to, ',"reason":'), &words.reasons[row.reason])
        if words.decisions[row.decision].length > 0:
            to = put_code(put_word(to, ',"decision":'), &words.decisions[row.decision])
        to[0] = c','
        to = put(to + 1, PyBytes_AS_STRING(carried) + 1, len(carried) - 1)
        return PyBytes_FromStringAndSize(start, to - start)

    cdef bytes decision(self, Row* row, PlainInput* about, const char* carried, Py_ssize_t length):
        # Return the JSON of a `PlainDecision`.
        cdef Words words = self.words
        cdef Py_ssize_t digest_length
        cdef const char* digest = PyUnicode_AsUTF8AndSize(self.rows.digests[row.number - 1], &digest_length)
        cdef char* start = room(&writing, FIGURES_BYTES_MAX + digest_length + length)
        cdef char* to = put(put_word(start, '{"id":"'), digest, digest_length)
        to = put_slice(put_word(to, '","source":"'), carried, about.source)
        to = put_slice(put_word(to, '","event_id":"'), carried, about.event)
        to = put_slice(put_word(to, '","customer":"'), carried, about.customer)
        to = put_slice(put_word(to, '","charge_id":"'), carried, about.charge)
        to = put_code(put_word(to, '","outcome":'), &words.decisions[row.decision])
        if words.reasons[row.reason].length > 0:
            to = put_code(put_word(to, ',"reason":'), &words.reasons[row.reason])
        to = put_slice(put_word(to, ',"unit":'), carried, about.unit)
        if about.has_price:
            to = put_number(put_word(to, ',"price_micros":'), about.price)
        to = put_number(put_word(to, ',"available_micros":'), available_after(row))
        if row.charge_state and row.deadline:
            to = put_number(put_word(to, ',"expires_at_ms":'), row.deadline)
        to = self.put_id(put_word(to, ',"entry":"'))
        to = put_number(put_word(to, '","applied_at_ms":'), about.applied_at_ms)
        to[0] = c'}'
        return PyBytes_FromStringAndSize(start, to + 1 - start)

    cdef inline char* put_id(self, char* to) noexcept:
        to = put_number(to, self.bucket)
        to[0] = c'-'
        return put_number(to + 1, self.first_seq + self.at)


cdef inline Word* state_of(Words words, Row* row) noexcept:
    return &words.states[row.charge_state % words.charge_on_at]


cdef inline Word* moment_of(Words words, Row* row) noexcept:
    return &words.moments[row.charge_state // words.charge_on_at]


cdef inline char* put_code(char* to, Word* word) noexcept:
    return put(to, word.text, word.length)


cdef inline char* put_name(char* to, Name* name) noexcept:
    # Put a name and the quotation mark behind it.
    to = put(to, name.text, name.length)
    to[0] = c'"'
    return to + 1


cdef char* put_balance(char* to, int64_t available, int64_t held) noexcept:
    to = put_number(put_word(to, '{"available_micros":'), available)
    to = put_number(put_word(to, ',"held_micros":'), held)
    return put_word(to, ',"overdrawn_micros":0}')


cdef char* put_charge(char* to, Words words, Row* row, Name* wallet, Name* lot, Name* sender) noexcept:
    # Put what follows on the id of a charge.
    cdef int state = row.charge_state % words.charge_on_at
    cdef int64_t price = row.held_change if row.held_change > 0 else -row.held_change
    if not price:
        price = -row.amount
    to = put_code(put_word(to, '","state":'), &words.states[state])
    to = put_name(put_word(to, ',"wallet":"'), wallet)
    to = put_number(put_word(to, ',"price_micros":'), price)
    to = put_number(put_word(to, ',"held_micros":'), price if state == words.held else 0)
    to = put_number(put_word(to, ',"committed_micros":'), price if state == words.committed else 0)
    to = put_code(put_word(to, ',"charge_on":'), moment_of(words, row))
    if row.fee:
        to = put_number(put_word(to, ',"failed_fee_micros":'), row.fee)
    if row.deadline:
        to = put_number(put_word(to, ',"deadline_at_ms":'), row.deadline)
    if state == words.held:
        to = put_name(put_word(to, ',"parts":[["'), lot)
        to[0] = c','
        to = put_word(put_number(to + 1, price), ']]')
    if sender.length:
        to = put_name(put_word(to, ',"sender":"'), sender)
    to[0] = c'}'
    return to + 1
