# What plain events are judged and priced by, as the worker's Python has it, and what was found out of prices and units.
#
# Prices come from the plan; here they are only written down once as they are carried. Leaves rows to `rows`.

cdef enum:
    PRICES_KEPT_MAX = 2_048  # some 700 bytes each; a busy worker meets a few hundred


cdef class Terms:
    # Rules are Python's: `is_plain(customer)`, `is_enabled(plan_file, sender_type, equipment)`. Codes are the ledger's.
    # `one_septet` tells of each character of ASCII whether it takes one; so many as `one_part_max` are a single part.

    def __init__(
        self, encode, *, is_plain, is_enabled, price_type, dict moments, dict codes, bytes one_septet, one_part_max
    ):
        self.one_septet, self.one_part_max = one_septet, one_part_max
        self.encode, self.is_plain, self.is_enabled, self.price_type = encode, is_plain, is_enabled, price_type
        self.moments = moments
        self.submit, self.outcome, self.sent = codes["submit"], codes["outcome"], codes["sent"]
        self.single, self.remember, self.scheduled = codes["single"], codes["remember"], codes["scheduled"]
        self.no_price = codes["no_price"]
        self.prices, self.units, self.countries, self.plans = {}, {}, {}, {}

    cdef KnownPrice price(self, price):
        # Plans hand out the same object for the same price, so it is known by that: while it is kept, no other is there.
        cdef KnownPrice known
        key = <size_t><void*>price
        found = self.prices.get(key)
        if found is not None:
            return <KnownPrice>found
        known = KnownPrice.__new__(KnownPrice)
        known.price = price
        known.is_plain = type(price) is self.price_type and all([line.terms is None for line in price.lines])
        if known.is_plain:
            known.amount, known.fee = price.amount_micros, price.failed_fee_micros
            known.charge_on = self.moments[price.charge_on]
            known.country = price.country or None
            known.country_at = self.countries.setdefault(known.country, len(self.countries) + 1)
            country = b',"country":' + self.encode(known.country) if known.country else b""
            quantity = self.encode(price.quantity)
            known.carried = b"".join((country, b',"quantity":', quantity, b',"rates":', price.rate_json))
            if len(self.prices) >= PRICES_KEPT_MAX:
                self.prices.clear()
            self.prices[key] = known
        return known

    cdef KnownUnit unit(self, unit):
        # Units are those of the plans, so they are few.
        cdef KnownUnit known
        found = self.units.get(unit)
        if found is not None:
            return <KnownUnit>found
        known = self.units[unit] = KnownUnit.__new__(KnownUnit)
        known.unit, known.carried, known.place = unit, self.encode(unit), len(self.units)
        return known


cdef class KnownPrice:
    # A price as it is carried: what stands from its country to its rates. Of one that is not plain nothing else is set.
    pass


cdef class KnownUnit:
    # A unit as it is carried, and its number.
    pass
