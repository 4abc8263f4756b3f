# Writes plain entries of the ledger into the books: from their JSON to the bytes of COPY, without an object for each value.
#
# The twin of `checkpoint/batch`, `entry_rows`, `wallet_tails` and `chain` for plain entries; tests hold both to the same
# rows, hashes and verdicts. Whatever is not plain, or does not follow, it leaves to them, in its place.

from hashlib import sha256

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_FromStringAndSize
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from cpython.unicode cimport PyUnicode_AsUTF8AndSize, PyUnicode_DecodeASCII
from libc.stdint cimport int64_t
from libc.string cimport memcmp, memcpy

from metering.native.charges cimport ChargeInBytes
from metering.native.copies cimport begin_copy, end_copy, put_rows
from metering.native.copying cimport NO_VALUE, VALUE_BYTES_MAX, Pens, put_big
from metering.native.plain_entries cimport PlainEntry, read_plain
from metering.native.plain_rows cimport COLUMNS, put_row
from metering.native.text cimport Slice, Text, put_bytes, release, room

cdef enum:
    DAY_MS = 86_400_000
    HASH = 32
    NAME_BYTES_MAX = 512  # of customer and wallet together
    PACKED_ARRAY = 0xDC  # MessagePack's, with its length in two bytes

cdef Text packing
"""Written over by each."""


cdef inline str text_of(const char* source, Slice found):
    return PyUnicode_DecodeASCII(source + found.at, found.length, NULL)


cdef inline bint is_same(const char* one, Slice found, const char* other, Py_ssize_t length) noexcept:
    return found.length == length and memcmp(one + found.at, other, length) == 0


cdef class Wallet:
    # One that a batch touches: what it is called, and the lot that was touched last.
    cdef tuple key, lot_key
    cdef bytes lot_name
    cdef object tail


cdef class LotAfter:
    # As `LotChange`, as far as the books keep it of a lot that they have.
    cdef readonly int64_t remaining_micros, held_micros


cdef class Sheet:
    # The plain entries of one slice of a batch, and what they do to the states that its dictionaries hold.
    cdef object follower
    cdef set days
    cdef dict wallets, lots, charges, recipients, known
    cdef list wallets_new, charges_older, values, touched
    cdef PlainEntry* plains
    cdef Py_ssize_t count, size
    cdef int64_t bucket, seq, usage, commands, clock_ms, timers_run, day, at_ms
    cdef object at_ms_object
    cdef const char* chunk
    cdef Py_ssize_t chunk_length
    cdef readonly int64_t ledger_offset_next

    def __init__(
        self, follower, set days, dict wallets, list wallets_new, dict lots, dict charges, list charges_older,
        dict recipients,
    ):
        self.follower, self.days, self.wallets, self.wallets_new = follower, days, wallets, wallets_new
        self.lots, self.charges, self.charges_older, self.recipients = lots, charges, charges_older, recipients
        self.known = {}
        self.values, self.touched = [], []
        self.bucket, self.day, self.at_ms = follower.bucket, -1, -1

    def __dealloc__(self):
        PyMem_Free(self.plains)

    def take(self, list records, Py_ssize_t at, Py_ssize_t rows_before):
        """Take records from `at` on, behind so many rows of others; return the place of the first that it leaves."""
        cdef Py_ssize_t first = at
        cdef PlainEntry* plain
        cdef tuple record
        follower, chunk = self.follower, self.follower.chunk
        self.seq, self.usage, self.commands = follower.seq, follower.usage, follower.commands
        self.clock_ms, self.timers_run = follower.clock_ms, follower.timers_run
        self.chunk = PyUnicode_AsUTF8AndSize(chunk, &self.chunk_length)
        while at < len(records):
            record = <tuple>records[at]
            value = record[1]
            if not PyBytes_CheckExact(value):
                break
            plain = self.next_plain()
            if not read_plain(plain, PyBytes_AS_STRING(value), len(<bytes>value)):
                break
            if plain.customer.length + plain.wallet.length >= NAME_BYTES_MAX:
                break
            if not self.follow(plain, PyBytes_AS_STRING(value)):
                break
            plain.rows_before = rows_before
            self.touched.append(self.fold(plain, <bytes>value))
            self.values.append(value)
            self.count += 1
            at += 1
        if at > first:
            follower.seq, follower.usage, follower.commands = self.seq, self.usage, self.commands
            follower.clock_ms, follower.timers_run = self.clock_ms, self.timers_run
            follower.chunk = PyUnicode_DecodeASCII(self.chunk, self.chunk_length, NULL)
            self.ledger_offset_next = <int64_t>(<tuple>records[at - 1])[0] + 1
        return at

    cdef PlainEntry* next_plain(self) except NULL:
        cdef PlainEntry* larger
        if self.count == self.size:
            larger = <PlainEntry*>PyMem_Realloc(self.plains, (2 * self.size + 64) * sizeof(PlainEntry))
            if larger is NULL:
                raise MemoryError
            self.plains, self.size = larger, 2 * self.size + 64
        return &self.plains[self.count]

    cdef bint follow(self, PlainEntry* plain, const char* source) noexcept:
        # As `continuity.Follower`, for an entry that counts; of any other it says False and does not move.
        if plain.bucket != self.bucket or plain.seq != self.seq + 1:
            return False
        if not is_same(source, plain.prev_chunk, self.chunk, self.chunk_length):
            return False
        if not plain.has_due:
            self.timers_run = 0
        elif plain.usage == self.usage and plain.commands == self.commands:
            self.timers_run += 1
        else:
            self.timers_run = 1
        self.seq, self.usage, self.commands = plain.seq, plain.usage, plain.commands
        self.chunk, self.chunk_length = source + plain.chunk.at, plain.chunk.length
        self.clock_ms = max(self.clock_ms, plain.applied_at_ms)
        return True

    cdef Wallet fold(self, PlainEntry* plain, bytes value):
        # As `Batch._fold`; return the wallet, if any is touched.
        cdef const char* source = PyBytes_AS_STRING(value)
        cdef Wallet wallet
        cdef int number
        if plain.applied_at_ms != self.at_ms:
            self.at_ms, self.at_ms_object = plain.applied_at_ms, plain.applied_at_ms
            if plain.applied_at_ms // DAY_MS != self.day:
                self.day = plain.applied_at_ms // DAY_MS
                self.days.add(self.day)
        if not (plain.wallet_seq or plain.lots_count or plain.has_charge):
            return None
        wallet = self.wallet_of(plain, source)
        if plain.wallet_seq:
            if wallet.key not in self.wallets:
                self.wallets_new.append(wallet.key)
            self.wallets[wallet.key] = self.at_ms_object
        for number in range(plain.lots_count):
            self.fold_lot(plain, number, wallet, source)
        if plain.has_charge:
            self.fold_charge(plain, wallet, value)
        return wallet

    cdef Wallet wallet_of(self, PlainEntry* plain, const char* source):
        cdef char name[NAME_BYTES_MAX]
        cdef Py_ssize_t length = plain.customer.length
        cdef Wallet wallet
        memcpy(name, source + plain.customer.at, length)
        name[length] = 0
        memcpy(name + length + 1, source + plain.wallet.at, plain.wallet.length)
        key = PyBytes_FromStringAndSize(name, length + 1 + plain.wallet.length)
        found = self.known.get(key)
        if found is not None:
            return <Wallet>found
        wallet = Wallet.__new__(Wallet)
        wallet.key = (text_of(source, plain.customer), text_of(source, plain.wallet))
        self.known[key] = wallet
        return wallet

    cdef int fold_lot(self, PlainEntry* plain, int number, Wallet wallet, const char* source) except -1:
        cdef Slice name = plain.each_lot[number].name
        cdef LotAfter lot
        if wallet.lot_name is None or not is_same(
            source, name, PyBytes_AS_STRING(wallet.lot_name), len(wallet.lot_name)
        ):
            wallet.lot_name = PyBytes_FromStringAndSize(source + name.at, name.length)
            wallet.lot_key = (wallet.key[0], wallet.key[1], text_of(source, name))
        found = self.lots.get(wallet.lot_key)
        if type(found) is LotAfter:
            lot = <LotAfter>found
        else:
            lot = LotAfter.__new__(LotAfter)
            self.lots[wallet.lot_key] = lot
        lot.remaining_micros, lot.held_micros = plain.each_lot[number].remaining, plain.each_lot[number].held
        return 0

    cdef int fold_charge(self, PlainEntry* plain, Wallet wallet, bytes value) except -1:
        cdef const char* source = PyBytes_AS_STRING(value)
        cdef ChargeInBytes after = ChargeInBytes.__new__(ChargeInBytes)
        cdef tuple key = (wallet.key[0], text_of(source, plain.charge.id))
        earlier = self.charges.get(key)
        if earlier is None and not is_first(source, plain):
            self.charges_older.append(key)
        if begins(source, plain.kind):
            after.several_or_none = False
            if self.recipients:
                self.recipients.pop(key, None)
        elif is_same(source, plain.charge.state, "committed", 9):
            after.several_or_none = False
        else:
            after.several_or_none = -1 if earlier is None or earlier.several is None else earlier.several
        after.value, after.charge, after.touched_at_ms = value, plain.charge, plain.applied_at_ms
        self.charges[key] = after
        return 0

    def copy(self, list rows, dict tails, link, general, bytes widths):
        """Link all entries since the last call to their wallets' chains; return them and `rows` as COPY takes them."""
        cdef Text out
        cdef char* to
        cdef Py_ssize_t at, next_row = 0, done, needed
        out.start, out.size = NULL, 0
        try:
            to = begin_copy(&out)
            for at in range(self.count):
                if self.plains[at].rows_before > next_row:
                    some = rows[next_row:self.plains[at].rows_before]
                    next_row = self.plains[at].rows_before
                    link(some, tails)
                    to = put_rows(&out, to, some, widths)
                value = <bytes>self.values[at]
                needed = len(<bytes>value) + (COLUMNS + 1) * VALUE_BYTES_MAX + HASH
                done = to - out.start
                to = room(&out, done + needed) + done
                to = self.copy_plain(to, &self.plains[at], <bytes>value, <Wallet>self.touched[at], tails, link, general)
            some = rows[next_row:]
            if some:
                link(some, tails)
                to = put_rows(&out, to, some, widths)
            self.count = 0
            self.values.clear()
            self.touched.clear()
            return end_copy(&out, to)
        finally:
            release(&out)

    cdef char* copy_plain(
        self, char* to, PlainEntry* plain, bytes value, Wallet wallet, dict tails, link, general
    ) except NULL:
        cdef Pens pens
        cdef char* packed = room(&packing, len(value) + COLUMNS * VALUE_BYTES_MAX)
        cdef bytes previous
        pens.source, pens.copied = PyBytes_AS_STRING(value), put_big(to, COLUMNS + 1, 2)
        if not plain.wallet_seq:
            pens.packed = packed
            put_row(&pens, plain)
            return put_big(pens.copied, NO_VALUE, 4)
        if wallet.tail is None:
            wallet.tail = tails.get(wallet.key)
        tail = wallet.tail
        if tail is None or not follows_on(plain, tail):
            link([general(value)], tails)
            raise AssertionError(f"what is wrong with entry {text_of(pens.source, plain.id)} is seen one way only")
        previous = tail.chain
        packed = room(&packing, len(previous) + 3 + len(value) + COLUMNS * VALUE_BYTES_MAX)
        pens.packed = put_big(put_big(put_bytes(packed, previous), PACKED_ARRAY, 1), COLUMNS, 2)
        put_row(&pens, plain)
        chain = sha256(PyBytes_FromStringAndSize(packed, pens.packed - packed)).digest()
        tail.seq, tail.chain = plain.wallet_seq, chain
        tail.figures = (plain.after[0], plain.after[1], plain.after[2])
        return put_bytes(put_big(pens.copied, HASH, 4), <bytes>chain)


cdef bint follows_on(PlainEntry* plain, tail) except -1:
    return tail.seq + 1 == plain.wallet_seq and tail.figures == (plain.before[0], plain.before[1], plain.before[2])


cdef inline bint is_first(const char* source, PlainEntry* plain) noexcept:
    if is_same(source, plain.kind, "debited", 7):
        return plain.reason.at == 0
    return is_same(source, plain.kind, "reserved", 8) or is_same(source, plain.kind, "denied", 6)


cdef inline bint begins(const char* source, Slice kind) noexcept:
    return (
        is_same(source, kind, "reserved", 8) or is_same(source, kind, "denied", 6) or is_same(source, kind, "noted", 5)
    )


