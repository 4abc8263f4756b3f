"""Plain decisions, made straight from a result for their JSON. Leaves everything else to `outputs`.

Plain is the decision on what is no repeat and was not granted in part, without any extras of its result: nearly every
one. The bytes are those that `contracts.decisions.Decision` encodes to, which a test holds.
"""

from __future__ import annotations

from msgspec import Struct

from metering.ledger.codes import REASONS, KindCode
from metering.ledger.layout import Charge
from metering.ledger.made import EntryMade

_OUTCOMES = ("", "allowed", "denied")
_REASONS = {0: None} | {code: reason.value for code, reason in REASONS.items()}
_DUPLICATE = KindCode.DUPLICATE.value
_DEADLINE_AT = Charge.DEADLINE - 1


class PlainDecision(Struct, omit_defaults=True, gc=False):
    """The fields of `contracts.decisions.Decision` that a plain one can have, by the same names in the same order."""

    id: str
    source: str
    event_id: str
    customer: str
    charge_id: str | None = None
    outcome: str = ""
    reason: str | None = None
    unit: str | None = None
    price_micros: int | None = None
    available_micros: int | None = None
    expires_at_ms: int | None = None
    entry: str = ""
    applied_at_ms: int = -1


def plain_decision(made: EntryMade) -> PlainDecision | None:
    """Return the decision of an entry whose event asked for one; None where it is not plain."""
    result, about = made.result, made.carried
    event, charge = about.event, result.charge
    if result.extras is not False or event is None or result.kind == _DUPLICATE:
        return None
    return PlainDecision(
        made.digest,
        event.source,
        event.id,
        about.customer,
        about.charge_id,
        _OUTCOMES[result.decision],
        _REASONS[result.reason],
        about.unit,
        about.price_micros,
        result.available_after if result.wallet is not False else None,
        # Of a charge by its record, whose deadline is 0 where there is none.
        (charge[_DEADLINE_AT] or None) if charge is not False else None,  # type: ignore[index]
        f"{made.bucket}-{made.seq}",
        about.applied_at_ms,
    )
