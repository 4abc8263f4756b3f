# Reads JSON at a cursor as msgspec writes it, and nothing else: no space, no escape, no number that does not fit. So what
# is read is the same bytes as msgspec would write of it. Leaves whatever is in doubt to msgspec, by answering False.

from libc.stdint cimport int64_t

from metering.native.text cimport Slice

cdef enum:
    NUMBER_DIGITS_MAX = 18  # fewer than any that does not fit into 64 bits


cdef struct Cursor:
    # Where reading is. Behind the bytes of a Python object there is always one more, 0, which nothing here accepts.
    const char* start
    const char* at


cdef inline bint is_digit(char character) noexcept:
    return c'0' <= character <= c'9'


cdef inline bint follows(Cursor* cursor, const char* wanted) noexcept:
    # Go past some characters, where they are there.
    cdef const char* at = cursor.at
    while wanted[0]:
        if at[0] != wanted[0]:
            return False
        at += 1
        wanted += 1
    cursor.at = at
    return True


cdef inline bint text(Cursor* cursor, Slice* found) noexcept:
    # Read a text of ASCII without any escape: it has the same bytes in any JSON.
    cdef unsigned char character
    cdef const char* at = cursor.at
    if at[0] != c'"':
        return False
    at += 1
    found.at = <unsigned int>(at - cursor.start)
    while True:
        character = <unsigned char>at[0]
        if character == c'"':
            break
        if character < 0x20 or character >= 0x80 or character == c'\\':
            return False
        at += 1
    found.length = <unsigned int>(at - cursor.start) - found.at
    cursor.at = at + 1
    return True


cdef inline bint number(Cursor* cursor, int64_t* found) noexcept:
    # What follows on it is looked at by the caller: another digit, a point or an exponent is nothing that it wants.
    cdef bint is_negative = cursor.at[0] == c'-'
    cdef const char* first
    cdef int64_t read = 0
    cursor.at += is_negative
    first = cursor.at
    while is_digit(cursor.at[0]) and cursor.at - first < NUMBER_DIGITS_MAX:
        read = read * 10 + (cursor.at[0] - c'0')
        cursor.at += 1
    if cursor.at == first or first[0] == c'0' and (is_negative or cursor.at - first > 1):
        return False
    found[0] = -read if is_negative else read
    return True


cdef inline bint maybe_text(Cursor* cursor, const char* key, Slice* found) noexcept:
    return not follows(cursor, key) or text(cursor, found)


cdef inline bint maybe_number(Cursor* cursor, const char* key, int64_t* found) noexcept:
    return not follows(cursor, key) or number(cursor, found)


cdef inline bint noted_number(Cursor* cursor, const char* key, bint* is_there, int64_t* found) noexcept:
    is_there[0] = follows(cursor, key)
    return not is_there[0] or number(cursor, found)


cdef inline void end_slice(Cursor* cursor, Slice* found) noexcept:
    found.length = <unsigned int>(cursor.at - cursor.start) - found.at


cdef inline void begin_slice(Cursor* cursor, Slice* found) noexcept:
    found.at = <unsigned int>(cursor.at - cursor.start)


cdef inline bint is_word(Cursor* cursor, Slice found, const char* wanted) noexcept:
    cdef unsigned int at
    for at in range(found.length):
        if cursor.start[found.at + at] != wanted[at]:
            return False
    return wanted[found.length] == 0
