# The contracts' words by the ledger's codes, as JSON. Leaves what they are to the contracts.

from cpython.bytes cimport PyBytes_AS_STRING
from libc.string cimport memcpy


cdef class Words:
    # `left_kinds` and `left_reasons`: entries that are not told by `entries`. `codes`: what else it has to know by number.

    def __init__(
        self, encode, *, dict kinds, dict reasons, dict decisions, dict states, dict moments, left_kinds, left_reasons,
        dict codes
    ):
        keep_words(self.kinds, encode, kinds)
        keep_words(self.reasons, encode, reasons)
        keep_words(self.decisions, encode, decisions)
        keep_words(self.states, encode, states)
        keep_words(self.moments, encode, moments)
        for code in left_kinds:
            self.is_left_kind[<int>code] = True
        for code in left_reasons:
            self.is_left_reason[<int>code] = True
        self.charge_on_at, self.held, self.committed = codes["charge_on_at"], codes["held"], codes["committed"]
        self.in_a_row = codes["in_a_row"]


cdef int keep_words(Word* table, encode, dict words) except -1:
    cdef bytes text
    cdef int code
    for code, word in words.items():
        if not 0 <= code < CODES:
            raise ValueError(f"{code} does not fit into a byte")
        if word is None:
            table[code].length = NONE
            continue
        text = encode(word)
        if len(text) > WORD_MAX:
            raise ValueError(f"{word} is longer than {WORD_MAX}")
        table[code].length = <int>len(text)
        memcpy(table[code].text, PyBytes_AS_STRING(text), len(text))
    return 0
