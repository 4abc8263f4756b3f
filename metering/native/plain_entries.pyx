# Reads plain entries of the ledger from their JSON: debits, holds, what becomes of them, and refusals, as the worker
# writes them.
#
# Taken is only what is sure: all fields in the worker's order, each as `strict` has it. So what is nested goes into the
# books as it came, and no text holds U+0000. Every other entry is answered by False and read by `checkpoint/records`.

from libc.string cimport memset

from metering.native.strict cimport (
    Cursor, begin_slice, end_slice, follows, is_word, maybe_number, maybe_text, noted_number, number, text,
)
from metering.native.text cimport Slice

cdef enum:
    DEPTH_MAX = 8  # of what is nested in the lines of a price


cdef inline bint balance(Cursor* cursor, int64_t* figures) noexcept:
    return (
        follows(cursor, '{"available_micros":') and number(cursor, figures)
        and follows(cursor, ',"held_micros":') and number(cursor, figures + 1)
        and follows(cursor, ',"overdrawn_micros":') and number(cursor, figures + 2)
        and follows(cursor, '}')
    )


cdef bint lots(Cursor* cursor, PlainEntry* found) noexcept:
    cdef PlainLot* lot
    cdef int64_t changed
    begin_slice(cursor, &found.lots)
    if not follows(cursor, '['):
        return False
    while True:
        if found.lots_count == LOTS_MAX:
            return False
        lot = &found.each_lot[found.lots_count]
        if not (
            follows(cursor, '{"lot":') and text(cursor, &lot.name)
            and follows(cursor, ',"amount_micros":') and number(cursor, &changed)
            and follows(cursor, ',"held_change_micros":') and number(cursor, &changed)
            and follows(cursor, ',"remaining_micros":') and number(cursor, &lot.remaining)
            and follows(cursor, ',"held_micros":') and number(cursor, &lot.held)
            and follows(cursor, '}')
        ):
            return False
        found.lots_count += 1
        if not follows(cursor, ','):
            break
    if not follows(cursor, ']'):
        return False
    end_slice(cursor, &found.lots)
    return True


cdef bint parts(Cursor* cursor, Slice* found) noexcept:
    cdef Slice name
    cdef int64_t held
    begin_slice(cursor, found)
    if not follows(cursor, '['):
        return False
    while True:
        if not (follows(cursor, '[') and text(cursor, &name) and follows(cursor, ',') and number(cursor, &held)):
            return False
        if not follows(cursor, '],'):
            break
    if not follows(cursor, ']]'):
        return False
    end_slice(cursor, found)
    return True


cdef bint charge(Cursor* cursor, PlainCharge* found) noexcept:
    cdef Slice* state = &found.state
    cdef Slice* moment = &found.charge_on
    if not (
        follows(cursor, '{"id":') and text(cursor, &found.id)
        and follows(cursor, ',"state":') and text(cursor, state)
        and follows(cursor, ',"wallet":') and text(cursor, &found.wallet)
        and follows(cursor, ',"price_micros":') and number(cursor, &found.price)
        and follows(cursor, ',"held_micros":') and number(cursor, &found.held)
        and follows(cursor, ',"committed_micros":') and number(cursor, &found.committed)
        and follows(cursor, ',"charge_on":') and text(cursor, moment)
        and maybe_number(cursor, ',"failed_fee_micros":', &found.fee)
        and maybe_number(cursor, ',"deadline_at_ms":', &found.deadline)
    ):
        return False
    if follows(cursor, ',"parts":') and not parts(cursor, &found.parts):
        return False
    if not (maybe_text(cursor, ',"sender":', &found.sender) and follows(cursor, '}')):
        return False
    return (
        is_word(cursor, state[0], "held") or is_word(cursor, state[0], "committed")
        or is_word(cursor, state[0], "released") or is_word(cursor, state[0], "expired")
        or is_word(cursor, state[0], "denied")
    ) and (
        is_word(cursor, moment[0], "submit") or is_word(cursor, moment[0], "sent")
        or is_word(cursor, moment[0], "delivered")
    )


cdef bint value(Cursor* cursor, int depth) noexcept:
    # Go past any value.
    cdef char first = cursor.at[0]
    cdef Slice ignored
    cdef int64_t unread
    if first == c'"':
        return text(cursor, &ignored)
    if first == c't':
        return follows(cursor, "true")
    if first == c'f':
        return follows(cursor, "false")
    if first == c'n':
        return follows(cursor, "null")
    if first != c'[' and first != c'{':
        return number(cursor, &unread)
    cursor.at += 1
    if depth == DEPTH_MAX:
        return False
    while True:
        if first == c'{' and not (text(cursor, &ignored) and follows(cursor, ':')):
            return False
        if not value(cursor, depth + 1):
            return False
        if cursor.at[0] != c',':
            break
        cursor.at += 1
    if cursor.at[0] != (c']' if first == c'[' else c'}'):
        return False
    cursor.at += 1
    return True


cdef bint maybe_list(Cursor* cursor, const char* key, Slice* found) noexcept:
    if not follows(cursor, key):
        return True
    begin_slice(cursor, found)
    if cursor.at[0] != c'[' or not value(cursor, 0):
        return False
    end_slice(cursor, found)
    return True


cdef bint numbers(Cursor* cursor, const char* key, Slice* found) noexcept:
    cdef int64_t unread
    if not follows(cursor, key):
        return True
    begin_slice(cursor, found)
    if not follows(cursor, '['):
        return False
    while True:
        if not number(cursor, &unread):
            return False
        if not follows(cursor, ','):
            break
    if not follows(cursor, ']'):
        return False
    end_slice(cursor, found)
    return True


cdef bint decided(Cursor* cursor, PlainEntry* found) noexcept:
    # What Lua decided: the first half of an entry.
    if not (
        follows(cursor, '{"id":') and text(cursor, &found.id)
        and follows(cursor, ',"bucket":') and number(cursor, &found.bucket)
        and follows(cursor, ',"seq":') and number(cursor, &found.seq)
        and follows(cursor, ',"chunk":') and text(cursor, &found.chunk)
        and follows(cursor, ',"prev_chunk":') and text(cursor, &found.prev_chunk)
        and follows(cursor, ',"kind":') and text(cursor, &found.kind)
        and maybe_text(cursor, ',"wallet":', &found.wallet)
    ):
        return False
    # None is 0 here.
    if follows(cursor, ',"wallet_seq":') and not (number(cursor, &found.wallet_seq) and found.wallet_seq > 0):
        return False
    if not (
        maybe_number(cursor, ',"amount_micros":', &found.amount)
        and maybe_number(cursor, ',"held_change_micros":', &found.held_change)
    ):
        return False
    found.has_before = follows(cursor, ',"before":')
    if found.has_before and not balance(cursor, found.before):
        return False
    found.has_after = follows(cursor, ',"after":')
    if found.has_after and not balance(cursor, found.after):
        return False
    if follows(cursor, ',"lots":') and not lots(cursor, found):
        return False
    found.has_charge = follows(cursor, ',"charge":')
    if found.has_charge and not charge(cursor, &found.charge):
        return False
    return (
        maybe_text(cursor, ',"reason":', &found.reason)
        and maybe_text(cursor, ',"decision":', &found.decision)
        and noted_number(cursor, ',"duplicate_of":', &found.has_duplicate_of, &found.duplicate_of)
        and noted_number(cursor, ',"due_at_ms":', &found.has_due, &found.due_at_ms)
    )


cdef bint carried(Cursor* cursor, PlainEntry* found) noexcept:
    # What its input carried: the second half.
    cdef int64_t partition
    if not (
        follows(cursor, ',"position":{"usage":') and number(cursor, &found.usage)
        and follows(cursor, ',"commands":') and number(cursor, &found.commands)
        and follows(cursor, '},"applied_at_ms":') and number(cursor, &found.applied_at_ms)
        and follows(cursor, ',"input":{"topic":') and text(cursor, &found.topic)
        and follows(cursor, ',"partition":') and number(cursor, &partition)
        and follows(cursor, ',"offset":') and number(cursor, &found.input_offset)
        and follows(cursor, '},"customer":') and text(cursor, &found.customer)
        and maybe_text(cursor, ',"unit":', &found.unit)
        and noted_number(cursor, ',"price_micros":', &found.has_price, &found.price)
        and maybe_text(cursor, ',"charge_id":', &found.charge_id)
    ):
        return False
    found.has_event = follows(cursor, ',"event":{"source":')
    if found.has_event:
        if not (
            text(cursor, &found.source)
            and follows(cursor, ',"id":') and text(cursor, &found.event)
            and follows(cursor, ',"type":') and text(cursor, &found.event_type)
            and follows(cursor, ',"time_ms":') and number(cursor, &found.event_time_ms)
            and follows(cursor, '}')
        ):
            return False
    elif follows(cursor, ',"command":{"id":') and not (
        text(cursor, &found.command)
        and follows(cursor, ',"type":') and text(cursor, &found.command_type) and follows(cursor, '}')
    ):
        return False
    return (
        maybe_text(cursor, ',"channel":', &found.channel)
        and maybe_text(cursor, ',"country":', &found.country)
        and noted_number(cursor, ',"quantity":', &found.has_quantity, &found.quantity)
        and maybe_list(cursor, ',"rates":', &found.rates)
        and numbers(cursor, ',"line_amounts_micros":', &found.line_amounts)
        and maybe_text(cursor, ',"rates_version":', &found.rates_version)
        and maybe_text(cursor, ',"sender":', &found.sender)
        and maybe_text(cursor, ',"user":', &found.user)
        and maybe_text(cursor, ',"campaign":', &found.campaign)
        and maybe_text(cursor, ',"on_behalf_of":', &found.on_behalf_of)
        and maybe_text(cursor, ',"actor":', &found.actor)
        and maybe_text(cursor, ',"note":', &found.note)
        and maybe_text(cursor, ',"terms_version":', &found.terms_version)
        and maybe_text(cursor, ',"reply_to":', &found.reply_to)
        and follows(cursor, '}')
    )


cdef bint is_left(Cursor* cursor, PlainEntry* found) noexcept:
    # What folds in a way of its own: openings, top-ups, repeated denials, and what is not as the worker writes it.
    if is_word(cursor, found.kind, "opened") or is_word(cursor, found.kind, "topped_up"):
        return True
    if is_word(cursor, found.kind, "denied") and is_word(cursor, found.reason, "blocked"):
        return True
    return found.wallet.at == 0 and (found.wallet_seq != 0 or found.lots_count != 0 or found.has_charge)


cdef bint read_plain(PlainEntry* found, const char* source, Py_ssize_t length) noexcept:
    # Read an entry; False where it is not plain.
    cdef Cursor cursor
    cursor.start = cursor.at = source
    memset(found, 0, sizeof(PlainEntry))
    if not (decided(&cursor, found) and carried(&cursor, found)) or cursor.at != source + length:
        return False
    # A balance that it moves is told before and after, and of what unit: else the general way finds out what is wrong.
    if found.wallet_seq and not (found.has_before and found.has_after and found.unit.at):
        return False
    return found.applied_at_ms >= 0 and not is_left(&cursor, found)
