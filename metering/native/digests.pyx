# The digest under which a usage event is remembered, as `ledger/identity.event_digest` makes it, without its objects.
#
# BLAKE2b with 12 bytes of result and no key (RFC 7693), in base64 (RFC 4648). Tests hold it to Python's own.

from libc.stdint cimport uint8_t, uint64_t
from libc.string cimport memcpy, memset

cdef enum:
    BLOCK = 128
    DIGEST = 12
    ROUNDS = 12

cdef uint64_t[8] START = [
    0x6A09E667F3BCC908, 0xBB67AE8584CAA73B, 0x3C6EF372FE94F82B, 0xA54FF53A5F1D36F1,
    0x510E527FADE682D1, 0x9B05688C2B3E6C1F, 0x1F83D9ABFB41BD6B, 0x5BE0CD19137E2179,
]
cdef uint8_t[12][16] ORDER = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
    [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
    [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
    [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
    [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
    [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
    [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
    [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
    [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
    [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
    [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
]
cdef char* LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


cdef inline uint64_t turned(uint64_t word, int by) noexcept nogil:
    return (word >> by) | (word << (64 - by))


cdef inline void mix(uint64_t* v, int a, int b, int c, int d, uint64_t x, uint64_t y) noexcept nogil:
    v[a] += v[b] + x
    v[d] = turned(v[d] ^ v[a], 32)
    v[c] += v[d]
    v[b] = turned(v[b] ^ v[c], 24)
    v[a] += v[b] + y
    v[d] = turned(v[d] ^ v[a], 16)
    v[c] += v[d]
    v[b] = turned(v[b] ^ v[c], 63)


cdef void compress(uint64_t* state, const uint64_t* words, uint64_t counted, bint is_last) noexcept nogil:
    cdef uint64_t v[16]
    cdef int number
    cdef uint8_t* order
    for number in range(8):
        v[number] = state[number]
        v[number + 8] = START[number]
    v[12] ^= counted
    if is_last:
        v[14] = ~v[14]
    for number in range(ROUNDS):
        order = ORDER[number]
        mix(v, 0, 4, 8, 12, words[order[0]], words[order[1]])
        mix(v, 1, 5, 9, 13, words[order[2]], words[order[3]])
        mix(v, 2, 6, 10, 14, words[order[4]], words[order[5]])
        mix(v, 3, 7, 11, 15, words[order[6]], words[order[7]])
        mix(v, 0, 5, 10, 15, words[order[8]], words[order[9]])
        mix(v, 1, 6, 11, 12, words[order[10]], words[order[11]])
        mix(v, 2, 7, 8, 13, words[order[12]], words[order[13]])
        mix(v, 3, 4, 9, 14, words[order[14]], words[order[15]])
    for number in range(8):
        state[number] ^= v[number] ^ v[number + 8]


cdef void digest_into(char* to, const uint8_t* source, Py_ssize_t length) noexcept:
    # Write the 16 characters of a digest. Words are read as they lie in memory: little-endian machines only.
    cdef uint64_t state[8]
    cdef uint64_t words[16]
    cdef const uint8_t* digest = <const uint8_t*>state
    cdef Py_ssize_t done = 0
    cdef int number
    for number in range(8):
        state[number] = START[number]
    state[0] ^= 0x01010000 ^ DIGEST
    while length - done > BLOCK:
        memcpy(words, source + done, BLOCK)
        done += BLOCK
        compress(state, words, done, False)
    memset(words, 0, BLOCK)
    memcpy(words, source + done, length - done)
    compress(state, words, length, True)
    for number in range(4):
        to[0] = LETTERS[digest[0] >> 2]
        to[1] = LETTERS[(digest[0] & 3) << 4 | digest[1] >> 4]
        to[2] = LETTERS[(digest[1] & 15) << 2 | digest[2] >> 6]
        to[3] = LETTERS[digest[2] & 63]
        to += 4
        digest += 3


def digest_of(bytes source):
    """Return the digest of some bytes, for a test that holds it to the one of `ledger/identity`."""
    cdef char digest[DIGEST_CHARACTERS]
    digest_into(digest, source, len(source))
    return digest[:DIGEST_CHARACTERS].decode("ascii")
