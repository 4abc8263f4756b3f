# Adds usual events to a chunk: from the event's bytes to the ledger's row, the JSON that is carried, and the digest.
#
# The twin of `worker/plain_inputs` and of what that calls: the same events are plain, and the bytes are the same, which
# tests hold on random events. Prices come from the plan, as they do there. Leaves what is not plain to it.

from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from cpython.unicode cimport PyUnicode_DecodeASCII
from cython cimport final, freelist, no_gc
from libc.stdint cimport int64_t, uint8_t

from metering.native.carrying cimport carried_part
from metering.native.digests cimport DIGEST_CHARACTERS, digest_into
from metering.native.events cimport PlainEvent
from metering.native.fields cimport ID_MAX, NAME_MAX, Field
from metering.native.prices cimport KnownPrice, KnownUnit, Terms
from metering.native.routes cimport KnownPlan, plan_known
from metering.native.text cimport Slice, put, put_packed, put_slice, release, room

cdef enum:
    FIGURES = 9
    ROW_BYTES_MAX = 1 + FIGURES * 9
    LIST_OF_FIGURES = 0x90 + FIGURES  # MessagePack's head of a list of so many
    INPUTS_MORE = 512  # more than a chunk usually has
    # As `ledger/rows.Shape`.
    SHAPE_CHARGE_ON = 1 << 7
    SHAPE_FLAGS = 1 << 9


@final
@freelist(64)
@no_gc
cdef class Known:
    # A customer of the chunk: what goes for all its events, and the places of it and of its main wallet, as `Gathered`
    # lists them; 0 before an event of it is added.
    cdef object customer, plan
    cdef KnownPlan prices
    cdef KnownUnit unit
    cdef bint is_plain
    cdef int64_t customer_at, wallet_at


cdef class Rows:
    # The rows of a chunk, packed as they come, and what is known of its plain inputs: in the place of a list of rows.
    # It writes into the columns of the builder, not by way of it: a chunk must not wait for the garbage collector.

    def __init__(
        self, str wallet, *, dict customers, list policies, dict wallets, list wallet_names, dict charges, dict senders,
        list carried, list fragments, list digests
    ):
        self.wallet, self.customers, self.policies = wallet, customers, policies
        self.wallets, self.wallet_names, self.charges, self.senders = wallets, wallet_names, charges, senders
        self.carried, self.fragments, self.digests = carried, fragments, digests
        self.known, self.labels, self.label_at, self.label_last = {}, [], {}, -1

    def __dealloc__(self):
        PyMem_Free(self.inputs)
        release(&self.packed)

    def __len__(self):
        return self.count

    def append(self, tuple row):
        """Add the row of an input of which nothing else is known here."""
        cdef int64_t figures[FIGURES]
        cdef int number
        for number in range(FIGURES):
            figures[number] = row[number]
        new_input(self).is_plain = False
        pack_row(self, figures)

    def pack(self):
        """Return the rows as `ledger/rows.pack_inputs` does."""
        return PyBytes_FromStringAndSize(self.packed.start, self.packed_length)

    def add(
        self, Terms terms, list inputs, Py_ssize_t first, dict customers, unsigned int bucket, bytes rates_version
    ):
        """Add inputs from place `first` on, priced by rates of that version (in JSON), as long as they are plain.

        Return the place after the last that was added: of the one that is not plain nothing is added. `customers` by
        name are all whom the inputs are about.
        """
        cdef Py_ssize_t at
        cdef PlainEvent event
        for at in range(first, len(inputs)):
            one = inputs[at]
            if type(one) is not PlainEvent:
                return at
            event = <PlainEvent>one
            if not add_event(self, terms, event, known_of(self, terms, event, customers), bucket, rates_version):
                return at
        return len(inputs)


cdef Known known_of(Rows rows, Terms terms, PlainEvent event, dict customers):
    # Return what is known of whom an event is about.
    cdef Known known
    customer, found = customers[event.customer], rows.known.get(event.customer)
    if found is not None and (<Known>found).customer is customer:
        return <Known>found
    known = rows.known[event.customer] = Known.__new__(Known)
    known.customer, is_plain = customer, customer.is_plain
    known.is_plain = terms.is_plain(customer) if is_plain is None else is_plain
    if known.is_plain:
        known.plan = customer.plan
        known.prices, known.unit = plan_known(terms, known.plan), terms.unit(customer.settings.unit)
    return known


cdef bint add_event(
    Rows rows, Terms terms, PlainEvent event, Known who, unsigned int bucket, bytes rates_version
) except -1:
    # Add an event; False where it is not plain: nothing is added.
    if not who.is_plain:
        return False
    if event.reader.kinds[event.kind][1]:
        return add_text(rows, terms, event, who, bucket, rates_version)
    if event.fields[<int>Field.TO].length or event.fields[<int>Field.SENDER_TYPE].length:
        return False
    add_input(rows, terms, event, who, None, bucket, rates_version)
    return True


cdef bint add_text(
    Rows rows, Terms terms, PlainEvent event, Known who, unsigned int bucket, bytes rates_version
) except -1:
    cdef KnownPrice price
    if (<const char*>event.value)[event.fields[<int>Field.TO].at] != c'+':
        return False
    sender_type = event.field(Field.SENDER_TYPE)
    if sender_type is not None and not terms.is_enabled(who.plan.file, sender_type, who.customer.settings.equipment):
        return False
    if event.segments < 0 and not event.has_message():
        return False
    price = who.prices.price(who.plan, event, sender_type)
    if not price.is_plain:
        return False
    add_input(rows, terms, event, who, price, bucket, rates_version)
    return True


cdef int add_input(
    Rows rows, Terms terms, PlainEvent event, Known who, KnownPrice price, unsigned int bucket, bytes rates_version
) except -1:
    # Add a submission at its price, or without one what became of one.
    cdef Slice charge = event.fields[<int>Field.CHARGE_ID]
    cdef int flags
    cdef int64_t figures[FIGURES]
    cdef PlainInput* about
    if not who.customer_at:
        find_places(rows, event.customer, who)
    if price is None:
        figures[0] = terms.outcome + SHAPE_CHARGE_ON * terms.sent
        figures[4] = 0
        figures[6], figures[7], figures[8] = terms.no_price, event.reader.kinds[event.kind][2], 0
    else:
        flags = terms.single
        if charge.length:
            flags |= terms.remember
        else:
            charge = event.fields[<int>Field.ID]
        if event.scheduled:
            flags |= terms.scheduled
        figures[0] = terms.submit + SHAPE_CHARGE_ON * price.charge_on + SHAPE_FLAGS * flags
        figures[4] = place_of(rows.senders, event, event.fields[<int>Field.SENDER])
        figures[6], figures[7], figures[8] = price.amount, event.clock_ms + who.prices.hold_ms, price.fee
    figures[1], figures[2] = who.customer_at, who.wallet_at
    figures[3] = place_of(rows.charges, event, charge)
    figures[5] = event.clock_ms
    about = new_input(rows)
    about.is_plain, about.label = not event.fields[<int>Field.REPLY_TO].length, label_of(rows, event, price, who.unit)
    rows.fragments.append(carried_part(about, event, charge, price, who.unit, bucket, rates_version))
    rows.carried.append(None)
    rows.digests.append(digest_of(event))
    return pack_row(rows, figures)


cdef int find_places(Rows rows, str customer, Known who) except -1:
    # Find the places of a customer and of its main wallet, where they have none after all others.
    customer_at = rows.customers.get(customer)
    if customer_at is None:
        policy = who.customer.policy
        customer_at = rows.customers[customer] = len(rows.customers) + 1
        rows.policies += (policy.version, policy.overdraft_limit_micros, policy.switches)
    scoped = f"{customer}\0{rows.wallet}"
    wallet_at = rows.wallets.get(scoped)
    if wallet_at is None:
        wallet_at = rows.wallets[scoped] = len(rows.wallets) + 1
        rows.wallet_names.append(rows.wallet)
    who.customer_at, who.wallet_at = customer_at, wallet_at
    return 0


cdef PlainInput* new_input(Rows rows) except NULL:
    # Return where to write about the input that is added next: it is there as soon as its row is packed.
    cdef PlainInput* larger
    if rows.count == rows.inputs_size:
        larger = <PlainInput*>PyMem_Realloc(rows.inputs, (rows.inputs_size + INPUTS_MORE) * sizeof(PlainInput))
        if larger is NULL:
            raise MemoryError
        rows.inputs, rows.inputs_size = larger, rows.inputs_size + INPUTS_MORE
    return &rows.inputs[rows.count]


cdef int64_t place_of(dict places, PlainEvent event, Slice name) except -1:
    # Return the place of a name within its customer, as `identity.scoped` writes it; 0 where there is none.
    cdef char scoped[NAME_MAX + 1 + ID_MAX]
    cdef const char* value = event.value
    cdef char* at
    if not name.length:
        return 0
    at = put_slice(scoped, value, event.fields[<int>Field.CUSTOMER])
    at[0] = 0
    at = put_slice(at + 1, value, name)
    key = PyUnicode_DecodeASCII(scoped, at - scoped, NULL)
    place = places.get(key)
    if place is None:
        place = places[key] = len(places) + 1
    return place


cdef int label_of(Rows rows, PlainEvent event, KnownPrice price, KnownUnit unit) except -1:
    # Return the place of what the input is counted under, but for what becomes of it.
    cdef long known = event.kind | unit.place << 8 | <long>(0 if price is None else price.country_at) << 32
    if known == rows.label_last:
        return rows.label_last_at
    place = rows.label_at.get(known)
    if place is None:
        place = rows.label_at[known] = len(rows.labels)
        country = None if price is None else price.country
        rows.labels.append((event.field(Field.TYPE), "sms", country, unit.unit))
    rows.label_last, rows.label_last_at = known, place
    return place


cdef str digest_of(PlainEvent event):
    # Return the digest under which the event is remembered: `identity.event_digest`.
    cdef char named[ID_MAX + 1 + ID_MAX]
    cdef char digest[DIGEST_CHARACTERS]
    cdef const char* value = event.value
    cdef char* at = put_slice(named, value, event.fields[<int>Field.SOURCE])
    at[0] = 0
    at = put_slice(at + 1, value, event.fields[<int>Field.ID])
    digest_into(digest, <const uint8_t*>named, at - named)
    return PyUnicode_DecodeASCII(digest, DIGEST_CHARACTERS, NULL)


cdef int pack_row(Rows rows, int64_t* figures) except -1:
    # The last step of adding an input: from here on the chunk has one more.
    cdef char* start = room(&rows.packed, rows.packed_length + ROW_BYTES_MAX)
    cdef char* to = start + rows.packed_length
    cdef int number
    to[0] = <char>LIST_OF_FIGURES
    to += 1
    for number in range(FIGURES):
        to = put_packed(to, figures[number])
    rows.packed_length = to - start
    if not rows.count:
        rows.clock_first_ms = figures[5]
    rows.clock_last_ms = figures[5]
    rows.count += 1
    return 0
