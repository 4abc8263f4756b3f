"""Plain effects, made straight from a result for its JSON. Leaves everything else to `effects`.

Plain is what has no extras, and whose charge, where it has one, is of one recipient, no call, and took of no limit:
nearly every entry. A struct of a few fields in their places is made and encoded in a third of the time that all the
fields of `effects.Effect` take by name. The bytes are the same, which a test holds on random histories.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from metering.contracts.entries import Balance, Charge, LotChange
from metering.ledger.codes import KINDS, REASONS, Decided, Moment, State
from metering.ledger.results import Result

# By number: what an enum's value is costs more to ask than to look up.
KIND_WORDS = {code: kind.value for code, kind in KINDS.items()}
REASON_WORDS = {0: None} | {code: reason.value for code, reason in REASONS.items()}
DECISION_WORDS = (None, *(decision.name.lower() for decision in (Decided.ALLOWED, Decided.DENIED)))
STATE_WORDS = {state.value: state.name.lower() for state in State}
MOMENT_WORDS = {Moment.SUBMIT.value: "submit", Moment.SENT.value: "sent", Moment.DELIVERED.value: "delivered"}

_LOT_FIGURES = 5
"""Of what happened to a lot: a new one, or one that lapses at another time, has more."""

_CHARGE_FIELDS = 13
"""Of a charge's image: what took of limits or counters has one more."""


class PlainEffect(Struct, omit_defaults=True, gc=False):
    """The fields of `effects.Effect` that a plain one can have, by the same names in the same order."""

    id: str
    bucket: int
    seq: int
    chunk: str
    prev_chunk: str
    kind: str
    wallet: str | None = None
    wallet_seq: int | None = None
    amount_micros: int = 0
    held_change_micros: int = 0
    before: Balance | None = None
    after: Balance | None = None
    lots: tuple[LotChange, ...] = ()
    charge: Charge | None = None
    reason: str | None = None
    decision: str | None = None


def plain_effect(
    bucket: int, seq: int, chunk: str, prev_chunk: str, result: Result, charge_id: str | None
) -> PlainEffect | None:
    """Return what `effects.effect_of` would say of a plain result; None where it is not plain."""
    if result.extras is not False:
        return None
    lots: tuple[LotChange, ...] = ()
    changes = result.lots
    if changes:
        for change in changes:
            if len(change) != _LOT_FIGURES:
                return None
        lots = (LotChange(*changes[0]),) if len(changes) == 1 else tuple([LotChange(*change) for change in changes])
    charge, image = None, result.charge
    if image is not False:
        charge = _charge(image, charge_id or "")  # type: ignore[arg-type]
        if charge is None:
            return None
    wallet = result.wallet
    if wallet is False:
        return PlainEffect(
            f"{bucket}-{seq}",
            bucket,
            seq,
            chunk,
            prev_chunk,
            KIND_WORDS[result.kind],
            None,
            result.wallet_seq or None,
            result.amount,
            result.held_change,
            None,
            None,
            lots,
            charge,
            REASON_WORDS[result.reason],
            DECISION_WORDS[result.decision],
        )
    return PlainEffect(
        f"{bucket}-{seq}",
        bucket,
        seq,
        chunk,
        prev_chunk,
        KIND_WORDS[result.kind],
        wallet,  # type: ignore[arg-type]
        result.wallet_seq or None,
        result.amount,
        result.held_change,
        Balance(result.available_before, result.held_before, result.overdrawn_before),
        Balance(result.available_after, result.held_after, result.overdrawn_after),
        lots,
        charge,
        REASON_WORDS[result.reason],
        DECISION_WORDS[result.decision],
    )


def _charge(image: list[Any], charge_id: str) -> Charge | None:
    """Return a charge; None where it is of several, a call, or took of a limit."""
    if len(image) != _CHARGE_FIELDS:
        return None
    state, wallet, price, held, committed, charge_on, fee, deadline, parts, sender, recipients, _, call = image
    if recipients or call:
        return None
    return Charge(
        charge_id,
        STATE_WORDS[state],  # type: ignore[arg-type]
        wallet,
        price,
        held,
        committed,
        MOMENT_WORDS[charge_on],  # type: ignore[arg-type]
        fee,
        deadline,
        # As Lua has it: a list of two is the same JSON as a pair. None at all is left out.
        parts or (),
        sender or None,
    )
