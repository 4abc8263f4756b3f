# Binary COPY of rows of Python's values, as the driver makes it. Leaves rows that are still bytes to `books` and `charges`.

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.unicode cimport PyUnicode_AsUTF8AndSize
from libc.stdint cimport int64_t, uint64_t

from metering.native.copying cimport NO_VALUE, VALUE_BYTES_MAX, put_big
from metering.native.text cimport Text, put, put_bytes, room

cdef bytes SIGNATURE = b"PGCOPY\n\xff\r\n\0" + bytes(8)  # and neither flags nor a longer header


cdef char* begin_copy(Text* out) except NULL:
    return put_bytes(room(out, len(SIGNATURE)), SIGNATURE)


cdef bytes end_copy(Text* out, char* to):
    # Return all of it, of which `to` is the end.
    cdef Py_ssize_t length = to - out.start
    put_big(room(out, length + 2) + length, 0xFFFF, 2)
    return PyBytes_FromStringAndSize(out.start, length + 2)


cdef char* put_rows(Text* out, char* to, rows, bytes widths) except NULL:
    # Put rows of Python's values behind `to` in `out`. `widths` are the bytes of a number in each column.
    cdef Py_ssize_t at, count = len(widths), done
    cdef const char* text
    cdef Py_ssize_t length
    cdef int64_t number
    cdef int width
    for row in rows:
        if len(row) != count:
            raise ValueError(f"a row of {len(row)} values for {count} columns")
        done = to - out.start
        to = put_big(room(out, done + 2 + count * VALUE_BYTES_MAX) + done, count, 2)
        at = 0
        for item in row:
            width = widths[at]
            at += 1
            if item is None:
                to = put_big(to, NO_VALUE, 4)
            elif item is True or item is False:
                to = put_big(put_big(to, 1, 4), item is True, 1)
            elif isinstance(item, int):
                number = item
                if width < 8 and (number >> (8 * width - 1)) not in (0, -1):
                    raise OverflowError(f"{number} does not fit into {width} bytes")
                to = put_big(put_big(to, width, 4), <uint64_t>number, width)
            else:
                if isinstance(item, bytes):
                    text, length = PyBytes_AS_STRING(<bytes>item), len(<bytes>item)
                else:
                    text = PyUnicode_AsUTF8AndSize(item, &length)
                done = to - out.start
                to = room(out, done + 4 + length + (count - at) * VALUE_BYTES_MAX) + done
                to = put(put_big(to, length, 4), text, length)
    return to
