# Writes values twice at once: as binary COPY takes them, and as MessagePack, of which hashes are made. Leaves which
# values, and room for them, to `books`.

from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memcpy

from metering.native.text cimport Slice, put, put_packed

cdef enum:
    VALUE_BYTES_MAX = 12  # of a number and of what stands before a text, in both forms
    NO_VALUE = 0xFFFFFFFF  # in the place of a length


cdef struct Pens:
    # Where both are; texts come from `source`.
    const char* source
    char* copied
    char* packed


cdef inline char* put_big(char* to, uint64_t number, int size) noexcept:
    # Put a number with its greatest byte first.
    while size:
        size -= 1
        to[0] = <char>(number >> (8 * size) & 0xFF)
        to += 1
    return to


cdef inline char* put_packed_length(char* to, unsigned int length) noexcept:
    # Put what MessagePack has before a text.
    if length < 32:
        to[0] = <char>(0xA0 | length)
        return to + 1
    if length < 0x100:
        to[0] = <char>0xD9
        return put_big(to + 1, length, 1)
    if length < 0x10000:
        to[0] = <char>0xDA
        return put_big(to + 1, length, 2)
    to[0] = <char>0xDB
    return put_big(to + 1, length, 4)


cdef inline void put_none(Pens* pens) noexcept:
    pens.copied = put_big(pens.copied, NO_VALUE, 4)
    pens.packed[0] = <char>0xC0
    pens.packed += 1


cdef inline void put_integer(Pens* pens, int64_t number, int size) noexcept:
    # Put a number into a column of `size` bytes.
    pens.copied = put_big(put_big(pens.copied, size, 4), <uint64_t>number, size)
    pens.packed = put_packed(pens.packed, number)


cdef inline void put_bigint(Pens* pens, int64_t number) noexcept:
    put_integer(pens, number, 8)


cdef inline void put_bigint_or_none(Pens* pens, bint is_there, int64_t number) noexcept:
    if is_there:
        put_integer(pens, number, 8)
    else:
        put_none(pens)


cdef inline void put_text(Pens* pens, Slice found) noexcept:
    # Put a text; none where it is at 0, where nothing begins.
    if found.at == 0:
        put_none(pens)
        return
    pens.copied = put(put_big(pens.copied, found.length, 4), pens.source + found.at, found.length)
    pens.packed = put(put_packed_length(pens.packed, found.length), pens.source + found.at, found.length)
