from libc.stdint cimport int64_t


cdef class Terms:
    cdef object encode, is_plain, is_enabled, price_type
    cdef dict moments, prices, units, countries, plans
    cdef bytes one_septet
    cdef Py_ssize_t one_part_max
    cdef int submit, outcome, sent, single, remember, scheduled
    cdef int64_t no_price

    cdef KnownPrice price(self, price)
    cdef KnownUnit unit(self, unit)


cdef class KnownPrice:
    cdef object price, country
    cdef bint is_plain
    cdef int64_t amount, fee
    cdef int charge_on, country_at
    cdef bytes carried


cdef class KnownUnit:
    cdef object unit
    cdef bytes carried
    cdef int place
