# Prices of texts by where they go, so that a plan is asked once for all numbers of a prefix. Leaves prices to the plan.
#
# A plan says how far a price goes (`Plan.sms_reach`): to all numbers with the same first characters, for a time. Where it
# does not say so it is asked each time. Tests hold both to the same prices.

from libc.stdint cimport int64_t, uint8_t, uint64_t

from metering.native.events cimport PlainEvent
from metering.native.fields cimport Field
from metering.native.prices cimport KnownPrice, Terms
from metering.native.text cimport Slice

from weakref import ref

cdef enum:
    PRICES_KEPT_MAX = 8_192  # of a plan, some 200 bytes each; beyond that all are asked for again
    SEGMENTS_MAX = 16  # hardly a text has more; of one that has the plan is asked each time
    HEAD_DIGITS = 3  # those that `rating/index` takes for a number's head
    # As `rating/numbers`: `+`, a digit from 1 to 9 and 4 to 14 more.
    NUMBER_MIN = 6
    NUMBER_MAX = 16


cdef KnownPlan plan_known(Terms terms, plan):
    # Plans never change, and are the same objects as long as their catalog is in use. What is known of one ends with it.
    key = <size_t><void*>plan
    known = terms.plans.get(key)
    if known is None:
        known = terms.plans[key] = KnownPlan(terms, plan, ref(plan, lambda _: terms.plans.pop(key)))
    return <KnownPlan>known


cdef class KnownPlan:
    # What a plan of a catalog has said of texts. It keeps no plan alive: `end` is what hears of the plan's.

    def __init__(self, Terms terms, plan, end):
        self.terms, self.end, self.lanes = terms, end, {}
        self.hold_ms, self.counts_plainly = plan.hold_seconds["sms"] * 1_000, plan.counts_plainly

    cdef KnownPrice price(self, plan, PlainEvent event, sender_type):
        # Return the price of a text that tells its size, which is not plain where the plan refuses it.
        if event.segments >= 0:
            characters = event.characters if event.characters >= 0 else None
            return self.find(plan, event, sender_type, event.segments, characters)
        if self.counts_plainly and is_one_part(self.terms, event):
            return self.find(plan, event, sender_type, 1, event.message.length)
        counted = plan.count_segments(event.text())
        return self.find(plan, event, sender_type, counted.segments, counted.characters)

    cdef KnownPrice find(self, plan, PlainEvent event, sender_type, int64_t segments, characters):
        cdef KnownPrice price
        cdef Route route
        cdef bint is_kept = 0 < segments <= SEGMENTS_MAX and not event.fields[<int>Field.MCC_MNC].length
        is_kept = is_kept and is_number(event)
        if is_kept:
            route = self.route(event, sender_type)
            if route is not None and route.from_ms <= event.time_ms < route.to_ms:
                if segments < len(route.prices) and route.prices[segments] is not None:
                    return <KnownPrice>route.prices[segments]
            is_kept = route is None or route.to_ms > 0
        to, mcc_mnc = event.field(Field.TO), event.field(Field.MCC_MNC)
        price = self.terms.price(plan.price_sms(to, segments, event.time_ms, sender_type, mcc_mnc, characters))
        if is_kept and price.is_plain:
            self.keep(plan, event, sender_type, segments, price)
        return price

    cdef Lane lane(self, sender_type):
        # Return the lane of a sender type, None where there is none yet.
        return self.usual if sender_type is None else <Lane>self.lanes.get(sender_type)

    cdef Route route(self, PlainEvent event, sender_type):
        # Return what is known of the numbers that this one is like, None where nothing is.
        cdef Lane lane = self.lane(sender_type)
        cdef int reach
        if lane is None:
            return None
        reach = lane.reach[first_digits(event, HEAD_DIGITS)]
        return <Route>lane.routes.get(first_digits(event, reach)) if reach else None

    cdef int keep(self, plan, PlainEvent event, sender_type, int64_t segments, KnownPrice price) except -1:
        # Keep a price for all numbers and the time that it goes for; of a reach that is not known, that it is not.
        cdef Lane lane
        cdef Route route
        if self.kept >= PRICES_KEPT_MAX:
            self.lanes, self.usual, self.kept = {}, None, 0
        lane = self.lane(sender_type)
        if lane is None:
            lane = Lane.__new__(Lane)
            lane.routes = {}
            if sender_type is None:
                self.usual = lane
            else:
                self.lanes[sender_type] = lane
        reach = plan.sms_reach(event.field(Field.TO), event.time_ms, sender_type)
        lane.reach[first_digits(event, HEAD_DIGITS)] = reach.characters - 1
        key = first_digits(event, reach.characters - 1)
        route = lane.routes.get(key)
        if route is None or route.from_ms != reach.from_ms or route.to_ms != reach.to_ms:
            route = lane.routes[key] = Route.__new__(Route)
            route.from_ms, route.to_ms, route.prices = reach.from_ms, reach.to_ms, []
        if segments >= len(route.prices):
            route.prices += [None] * (segments + 1 - len(route.prices))
        route.prices[segments] = price
        self.kept += 1
        return 0


cdef class Lane:
    # The routes of one sender type by the first digits of numbers: how many of them matter says `reach`, by the head.
    pass


cdef class Route:
    # The prices of texts to some numbers for a time, by segments. Without a time they are asked for each time.
    pass


cdef bint is_one_part(Terms terms, PlainEvent event) noexcept:
    # Whether the message is a single part of characters that take one septet each, so that it has as many as bytes.
    cdef const uint8_t* at = <const uint8_t*>(<const char*>event.value) + event.message.at
    cdef const uint8_t* one_septet = <const uint8_t*>(<const char*>terms.one_septet)
    cdef unsigned int number
    if not event.is_message_ascii() or event.message.length > terms.one_part_max:
        return False
    for number in range(event.message.length):
        if not one_septet[at[number]]:
            return False
    return True


cdef bint is_number(PlainEvent event) noexcept:
    # Whether the text goes to a number in E.164.
    cdef Slice to = event.fields[<int>Field.TO]
    cdef const char* at = <const char*>event.value + to.at
    cdef unsigned int number
    if not NUMBER_MIN <= to.length <= NUMBER_MAX or at[0] != c'+' or at[1] == c'0':
        return False
    for number in range(1, to.length):
        if not c'0' <= at[number] <= c'9':
            return False
    return True


cdef uint64_t first_digits(PlainEvent event, int count) noexcept:
    # Return the first digits of the recipient's number as one, all where it has no more. None begins with 0, so that as
    # many digits are always as many places, and two numbers are only the same where their first digits are.
    cdef Slice to = event.fields[<int>Field.TO]
    cdef const char* at = <const char*>event.value + to.at + 1
    cdef uint64_t digits = 0
    cdef int place
    for place in range(min(count, <int>to.length - 1)):
        digits = digits * 10 + <uint64_t>(at[place] - c'0')
    return digits
