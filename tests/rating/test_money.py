from __future__ import annotations

from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_UP, Context, Decimal
from fractions import Fraction
from typing import get_args

import pytest
from hypothesis import given, strategies as st

from metering.rating.money import (
    AMOUNT_MICROS_MAX,
    Rounding,
    RoundingMode,
    format_micros,
    parse_micros,
    round_ratio,
)

MODES = {"up": ROUND_UP, "down": ROUND_DOWN, "half_up": ROUND_HALF_UP, "half_even": ROUND_HALF_EVEN}
modes = st.sampled_from(get_args(RoundingMode))


@given(numerator=st.integers(0, 10**24), denominator=st.integers(1, 10**9), step=st.integers(1, 10**7), mode=modes)
def test_rounding_equals_the_fraction_to_the_nearest_step(
    numerator: int, denominator: int, step: int, mode: RoundingMode
) -> None:
    exact = Fraction(numerator, denominator * step)
    down = exact.numerator // exact.denominator
    rest = exact - down
    up = {
        "up": rest > 0,
        "down": False,
        "half_up": rest >= Fraction(1, 2),
        "half_even": rest > Fraction(1, 2) or (rest == Fraction(1, 2) and down % 2 == 1),
    }[mode]
    assert (down + up) * step == round_ratio(numerator, denominator, Rounding(mode, step))


@given(numerator=st.integers(0, 10**12), exponent=st.integers(0, 6), mode=modes)
def test_rounding_equals_the_decimal_module(numerator: int, exponent: int, mode: RoundingMode) -> None:
    exact = Decimal(numerator).scaleb(-exponent, Context(prec=40))
    expected = int(exact.quantize(Decimal(1), rounding=MODES[mode]))
    assert expected == round_ratio(numerator, 10**exponent, Rounding(mode))


@given(st.integers(0, AMOUNT_MICROS_MAX))
def test_amount_written_and_read_is_the_same(micros: int) -> None:
    text = format_micros(micros)
    assert Fraction(text) == Fraction(micros, 1_000_000)
    assert micros == parse_micros(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0", 0), ("0.0075", 7_500), ("1.5", 1_500_000), ("100000000.000001", 100_000_000_000_001), ("007", 7_000_000)],
)
def test_decimal_text_is_read_exactly(text: str, expected: int) -> None:
    assert expected == parse_micros(text)


@pytest.mark.parametrize(
    "text", ["", "-1", "+1", "1.", ".5", "1e3", "0.0000001", "1,5", " 1", "٣", "9007199255", "1_000", "NaN", "0x10"]
)
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a decimal|beyond"):
        parse_micros(text)


def test_negative_amount_is_written_with_its_sign() -> None:
    assert format_micros(-1_500_000) == "-1.5"
