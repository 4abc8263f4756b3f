from libc.stdint cimport uint8_t

cdef enum:
    DIGEST_CHARACTERS = 16

cdef void digest_into(char* to, const uint8_t* source, Py_ssize_t length) noexcept
