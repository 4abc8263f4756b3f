from metering.native.text cimport Text

cdef char* begin_copy(Text* out) except NULL
cdef bytes end_copy(Text* out, char* to)
cdef char* put_rows(Text* out, char* to, rows, bytes widths) except NULL
