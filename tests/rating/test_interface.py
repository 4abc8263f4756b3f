"""What other capabilities count on."""

from __future__ import annotations

from typing import get_args

import metering.rating
from metering.contracts import fields, reasons
from metering.rating.price import RECIPIENTS_MAX, RefusalReason
from metering.rating.rows import SenderType
from metering.rating.segments import Encoding


def test_every_refusal_is_one_that_the_ledger_can_write_down() -> None:
    known = {reason.value for reason in reasons.Reason}
    # The worker writes this one as `amount_out_of_range`.
    assert set(get_args(RefusalReason)) - known == {"amount_too_large"}


def test_words_are_those_of_the_contracts() -> None:
    assert get_args(SenderType) == get_args(fields.SenderType)
    assert get_args(Encoding) == get_args(fields.Encoding)
    assert RECIPIENTS_MAX == fields.RECIPIENTS_MAX


def test_everything_promised_is_there() -> None:
    assert [name for name in metering.rating.__all__ if not hasattr(metering.rating, name)] == []
