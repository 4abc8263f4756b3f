# Records of a Kafka batch (message format, version 2) written all at once, and CRC-32C by the processor's own instruction.
#
# aiokafka goes through a call of Python for each record, grows its buffer as they come, and reckons the CRC by tables: a
# ninth of the speed of the instruction. Tests hold both to what aiokafka makes and reads.

from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_FromStringAndSize
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t, uint32_t
from libc.string cimport memcpy, memset

cdef extern from *:
    """
    #include <stddef.h>
    #include <stdint.h>
    #include <string.h>
    #if defined(__x86_64__) && defined(__GNUC__)
        #include <nmmintrin.h>
        static int metering_has_crc(void) { return __builtin_cpu_supports("sse4.2") != 0; }
        #define METERING_CRC __attribute__((target("sse4.2")))
        #define METERING_CRC_8 _mm_crc32_u64
        #define METERING_CRC_1 _mm_crc32_u8
    #elif defined(__ARM_FEATURE_CRC32)
        #include <arm_acle.h>
        static int metering_has_crc(void) { return 1; }
        #define METERING_CRC
        #define METERING_CRC_8 __crc32cd
        #define METERING_CRC_1 __crc32cb
    #endif
    #ifdef METERING_CRC
        METERING_CRC static uint32_t metering_crc(const uint8_t* at, size_t length) {
            uint64_t crc = 0xFFFFFFFFu, word;
            for (; length >= 8; length -= 8, at += 8) {
                memcpy(&word, at, 8);
                crc = METERING_CRC_8((uint32_t)crc, word);
            }
            for (; length; length--) crc = METERING_CRC_1((uint32_t)crc, *at++);
            return ~(uint32_t)crc;
        }
    #else
        static int metering_has_crc(void) { return 0; }
        static uint32_t metering_crc(const uint8_t* at, size_t length) { return 0; }
    #endif
    """
    bint metering_has_crc() noexcept nogil
    uint32_t metering_crc(const uint8_t* at, size_t length) noexcept nogil


has_crc = bool(metering_has_crc())


def crc32c(const uint8_t[::1] data not None):
    """Return the CRC-32C of some bytes. Only where `has_crc`."""
    if not has_crc:
        raise NotImplementedError("this processor has no instruction for it")
    return metering_crc(&data[0], data.shape[0]) if data.shape[0] else 0


cdef inline Py_ssize_t width_of(Py_ssize_t number) noexcept:
    # How many bytes a number takes that is not negative: it is written doubled, seven bits to a byte.
    cdef Py_ssize_t width = 1
    number >>= 6
    while number:
        width += 1
        number >>= 7
    return width


cdef inline uint8_t* put_number(uint8_t* to, Py_ssize_t number) noexcept:
    number <<= 1
    while number > 0x7F:
        to[0] = <uint8_t>(number & 0x7F | 0x80)
        to += 1
        number >>= 7
    to[0] = <uint8_t>number
    return to + 1


cdef inline uint8_t* put_part(uint8_t* to, part) noexcept:
    # A key or a value behind its length; -1 where there is none.
    cdef Py_ssize_t length
    if part is None:
        to[0] = 1
        return to + 1
    length = PyBytes_GET_SIZE(part)
    to = put_number(to, length)
    memcpy(to, PyBytes_AS_STRING(part), length)
    return to + length


cdef inline Py_ssize_t size_of(part) except -1:
    cdef Py_ssize_t length
    if part is None:
        return 1
    if not isinstance(part, bytes):
        raise TypeError("keys and values are bytes")
    length = PyBytes_GET_SIZE(part)
    return width_of(length) + length


def pack(list keys not None, list values not None, Py_ssize_t first, Py_ssize_t head, Py_ssize_t bytes_max):
    """Write records from place `first` on behind `head` empty bytes; return them with how many there are.

    As many as fit into `bytes_max` with the head, and one at least. All are of the moment of the batch's first.
    """
    cdef Py_ssize_t number, body, size = head, count = 0, end = len(values)
    cdef uint8_t* to
    if len(keys) != end:
        raise ValueError("a key for each value")
    for number in range(first, end):
        body = 3 + width_of(count) + size_of(keys[number]) + size_of(values[number])
        body += width_of(body)
        if count and size + body > bytes_max:
            break
        size += body
        count += 1
    made = PyByteArray_FromStringAndSize(NULL, size)
    to = <uint8_t*>PyByteArray_AS_STRING(made)
    memset(to, 0, head)
    to += head
    for number in range(count):
        key, value = keys[first + number], values[first + number]
        to = put_number(to, 3 + width_of(number) + size_of(key) + size_of(value))
        to[0] = to[1] = 0  # no attributes, and no time after the first
        to = put_part(put_part(put_number(to + 2, number), key), value)
        to[0] = 0  # headers
        to += 1
    return made, count
