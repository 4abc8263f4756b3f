# Writes bytes, JSON and MessagePack at a place that its caller has made large enough. Leaves how large to them.

from cpython.mem cimport PyMem_Free, PyMem_Realloc
from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memcpy, strlen


cdef struct Slice:
    # Of some bytes that the owner of the slice knows. Without length there is nothing.
    unsigned int at
    unsigned int length


cdef struct Text:
    # Memory of `size` bytes; all 0 to begin with.
    char* start
    Py_ssize_t size


cdef inline char* room(Text* text, Py_ssize_t size) except NULL:
    # Return the beginning of the memory, of at least that size. What it holds is kept.
    cdef char* larger
    if size > text.size:
        larger = <char*>PyMem_Realloc(text.start, 2 * size)
        if larger is NULL:
            raise MemoryError
        text.start, text.size = larger, 2 * size
    return text.start


cdef inline void release(Text* text) noexcept:
    PyMem_Free(text.start)
    text.start, text.size = NULL, 0


cdef inline char* put(char* to, const char* source, Py_ssize_t length) noexcept:
    # Put some bytes; as all others here, return the place behind them.
    memcpy(to, source, length)
    return to + length


cdef inline char* put_word(char* to, const char* word) noexcept:
    # Put a literal: the compiler knows its length.
    return put(to, word, strlen(word))


cdef inline char* put_bytes(char* to, bytes source) noexcept:
    return put(to, <const char*>source, len(source))


cdef inline char* put_slice(char* to, const char* source, Slice found) noexcept:
    return put(to, source + found.at, found.length)


cdef inline char* put_number(char* to, int64_t number) noexcept:
    # Put an integer as JSON has it: at most 20 characters.
    cdef char digits[20]
    cdef int at = 20
    cdef uint64_t left = <uint64_t>number
    if number < 0:
        to[0] = c'-'
        to += 1
        left = 0 - left
    while left >= 10:
        at -= 1
        digits[at] = <char>(c'0' + left % 10)
        left //= 10
    at -= 1
    digits[at] = <char>(c'0' + left)
    return put(to, digits + at, 20 - at)


cdef inline char* put_packed(char* to, int64_t number) noexcept:
    # Put an integer in the shortest form that MessagePack has for it: at most 9 bytes.
    cdef uint64_t bits = <uint64_t>number
    cdef int size
    if -32 <= number < 128:
        to[0] = <char>number
        return to + 1
    if number >= 0:
        size = 1 if number < 0x100 else 2 if number < 0x10000 else 4 if number < 0x100000000 else 8
        to[0] = <char>(0xCC if size == 1 else 0xCD if size == 2 else 0xCE if size == 4 else 0xCF)
    else:
        size = 1 if number >= -0x80 else 2 if number >= -0x8000 else 4 if number >= -<int64_t>0x80000000 else 8
        to[0] = <char>(0xD0 if size == 1 else 0xD1 if size == 2 else 0xD2 if size == 4 else 0xD3)
    to += 1
    while size:
        size -= 1
        to[0] = <char>(bits >> (8 * size) & 0xFF)
        to += 1
    return to
