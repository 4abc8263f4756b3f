# Reads JSON at a cursor, with space wherever JSON may have it: only what is sure. Leaves whatever is in doubt to msgspec,
# by answering False.

from libc.stdint cimport int64_t
from libc.string cimport memcmp

from metering.native.strict cimport Cursor, follows, is_digit, text
from metering.native.text cimport Slice

cdef enum:
    DIGITS_MAX = 9  # more than any count has
    FRACTION_MAX = 26  # of a time: with six digits of a second, all that msgspec reads exactly
    DAY_SECONDS = 86_400
    DAYS_BEFORE_2000 = 10_957


cdef inline void skip_space(Cursor* cursor) noexcept:
    while cursor.at[0] == c' ' or cursor.at[0] == c'\n' or cursor.at[0] == c'\t' or cursor.at[0] == c'\r':
        cursor.at += 1


cdef inline bint skip(Cursor* cursor, char wanted) noexcept:
    # Go past a character and the space before it, where it is there.
    skip_space(cursor)
    if cursor.at[0] != wanted:
        return False
    cursor.at += 1
    return True


cdef inline bint skip_word(Cursor* cursor, const char* wanted) noexcept:
    # Go past a word and the space before it, where it is there.
    skip_space(cursor)
    return follows(cursor, wanted)


cdef inline bint read_slice(Cursor* cursor, Slice* found) noexcept:
    skip_space(cursor)
    return text(cursor, found)


cdef inline bint is_text(Cursor* cursor, Slice found, const char* wanted, size_t length) noexcept:
    return found.length == length and memcmp(cursor.start + found.at, wanted, length) == 0


cdef inline bint read_flag(Cursor* cursor, bint* found) noexcept:
    found[0] = skip_word(cursor, "true")
    return found[0] or skip_word(cursor, "false")


cdef inline bint read_count(Cursor* cursor, int64_t* found) noexcept:
    # Read a whole number in digits alone.
    cdef const char* first
    cdef int64_t number = 0
    skip_space(cursor)
    first = cursor.at
    while is_digit(cursor.at[0]) and cursor.at - first < DIGITS_MAX:
        number = number * 10 + (cursor.at[0] - c'0')
        cursor.at += 1
    if cursor.at == first or (first[0] == c'0' and cursor.at - first > 1):
        return False
    found[0] = number
    return not (is_digit(cursor.at[0]) or cursor.at[0] == c'.' or cursor.at[0] == c'e' or cursor.at[0] == c'E')


cdef inline int two_digits(const char* at) noexcept:
    return (at[0] - c'0') * 10 + at[1] - c'0' if is_digit(at[0]) and is_digit(at[1]) else -1


cdef inline int64_t read_time(const char* at, unsigned int length) noexcept:
    # Return the Unix milliseconds, rounded down, of an RFC 3339 time of the years 2000 to 2099; -1 for any other.
    cdef const char* start = at
    cdef const char* end = at + length
    cdef int year, month, day, hour, minute, second, zone_hour, zone_minute, scale = 100, milliseconds = 0
    cdef int64_t days
    if length < 20 or at[4] != c'-' or at[7] != c'-' or at[10] != c'T' or at[13] != c':' or at[16] != c':':
        return -1
    year, month, day = two_digits(at + 2), two_digits(at + 5), two_digits(at + 8)
    hour, minute, second = two_digits(at + 11), two_digits(at + 14), two_digits(at + 17)
    if at[0] != c'2' or at[1] != c'0' or year < 0 or not 1 <= month <= 12 or not 1 <= day <= 31:
        return -1
    if not 0 <= hour <= 23 or not 0 <= minute <= 59 or not 0 <= second <= 59:
        return -1
    # Every fourth year of these is a leap year, 2000 too; the months from March on have 153 days in each five.
    if month == 2 and day > (28 if year % 4 else 29) or day == 31 and (month + (month >> 3)) % 2 == 0:
        return -1
    days = DAYS_BEFORE_2000 + year * 365 + (year + 3) // 4 + day - 1
    if month > 2:
        days += 59 + (year % 4 == 0) + (153 * (month - 3) + 2) // 5
    elif month == 2:
        days += 31
    at += 19
    if at[0] == c'.':
        at += 1
        if not is_digit(at[0]):
            return -1
        while is_digit(at[0]):
            milliseconds += (at[0] - c'0') * scale
            scale //= 10
            at += 1
        if at - start > FRACTION_MAX:
            return -1
    minute += hour * 60
    if end - at == 6 and (at[0] == c'+' or at[0] == c'-') and at[3] == c':':
        zone_hour, zone_minute = two_digits(at + 1), two_digits(at + 4)
        if not 0 <= zone_hour <= 23 or not 0 <= zone_minute <= 59:
            return -1
        zone_minute += zone_hour * 60
        minute += zone_minute if at[0] == c'-' else -zone_minute
    elif end - at != 1 or at[0] != c'Z':
        return -1
    return (days * DAY_SECONDS + minute * 60 + second) * 1_000 + milliseconds
