# The fields of a usage event, as contracts/events and contracts/fields have them. Leaves reading them to `events`.

from metering.native.reading cimport is_text
from metering.native.strict cimport Cursor, is_digit
from metering.native.text cimport Slice

cdef enum:
    NAME_MAX = 128
    ID_MAX = 256
    ADDRESS_MAX = 32
    COUNT_MAX = 10_000_000
    TEXT_MAX = 65_536

cdef enum Field:
    # The texts of an event that are looked at, and behind them what is read otherwise.
    ID, SOURCE, TYPE, TIME, CUSTOMER, TO, SENDER_TYPE, MCC_MNC, CHARGE_ID, SENDER, USER, CAMPAIGN, ON_BEHALF_OF
    REPLY_TO, TEXTS, SPECVERSION, DATA, SUBJECT, DATACONTENTTYPE, MESSAGE, ENCODING, CHARACTERS, SEGMENTS, SCHEDULED
    UNKNOWN


cdef inline Field field_of_event(Cursor* cursor, Slice key) noexcept:
    if is_text(cursor, key, "id", 2):
        return Field.ID
    if is_text(cursor, key, "source", 6):
        return Field.SOURCE
    if is_text(cursor, key, "type", 4):
        return Field.TYPE
    if is_text(cursor, key, "time", 4):
        return Field.TIME
    if is_text(cursor, key, "data", 4):
        return Field.DATA
    if is_text(cursor, key, "specversion", 11):
        return Field.SPECVERSION
    if is_text(cursor, key, "datacontenttype", 15):
        return Field.DATACONTENTTYPE
    if is_text(cursor, key, "subject", 7):
        return Field.SUBJECT
    return Field.UNKNOWN


cdef inline Field field_of_data(Cursor* cursor, Slice key) noexcept:
    if is_text(cursor, key, "customer", 8):
        return Field.CUSTOMER
    if is_text(cursor, key, "user", 4):
        return Field.USER
    if is_text(cursor, key, "charge_id", 9):
        return Field.CHARGE_ID
    if is_text(cursor, key, "to", 2):
        return Field.TO
    if is_text(cursor, key, "sender", 6):
        return Field.SENDER
    if is_text(cursor, key, "text", 4):
        return Field.MESSAGE
    if is_text(cursor, key, "segments", 8):
        return Field.SEGMENTS
    if is_text(cursor, key, "characters", 10):
        return Field.CHARACTERS
    if is_text(cursor, key, "encoding", 8):
        return Field.ENCODING
    if is_text(cursor, key, "sender_type", 11):
        return Field.SENDER_TYPE
    if is_text(cursor, key, "mcc_mnc", 7):
        return Field.MCC_MNC
    if is_text(cursor, key, "campaign", 8):
        return Field.CAMPAIGN
    if is_text(cursor, key, "on_behalf_of", 12):
        return Field.ON_BEHALF_OF
    if is_text(cursor, key, "reply_to", 8):
        return Field.REPLY_TO
    if is_text(cursor, key, "scheduled", 9):
        return Field.SCHEDULED
    return Field.UNKNOWN


cdef inline bint is_allowed(Cursor* cursor, Field field, Slice found) noexcept:
    # Whether a text of `data` is one that the contract allows there.
    cdef unsigned int number
    if field == Field.ENCODING:
        return is_text(cursor, found, "gsm7", 4) or is_text(cursor, found, "ucs2", 4)
    if field == Field.TO:
        return 0 < found.length <= ADDRESS_MAX
    if field == Field.SENDER_TYPE:
        return (
            is_text(cursor, found, "long_code", 9)
            or is_text(cursor, found, "short_code", 10)
            or is_text(cursor, found, "toll_free", 9)
            or is_text(cursor, found, "alphanumeric", 12)
        )
    if field == Field.MCC_MNC:
        for number in range(found.length):
            if not is_digit(cursor.start[found.at + number]):
                return False
        return 5 <= found.length <= 6
    return 0 < found.length <= NAME_MAX
