from libc.stdint cimport uint8_t

cdef enum:
    CODES = 256  # a code is one byte
    WORD_MAX = 40  # the longest reason has 26 characters
    NONE = -1


cdef struct Word:
    # A word as JSON. Without length the code is unknown; `NONE` where it stands for no word.
    int length
    char text[WORD_MAX]


cdef class Words:
    cdef Word kinds[CODES]
    cdef Word reasons[CODES]
    cdef Word decisions[CODES]
    cdef Word states[CODES]
    cdef Word moments[CODES]
    cdef bint is_left_kind[CODES]
    cdef bint is_left_reason[CODES]
    cdef int charge_on_at, held, committed
    cdef uint8_t in_a_row
