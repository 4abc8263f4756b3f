from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from metering.rating import Number, country_of, is_e164, normalise_number


@pytest.mark.parametrize(
    ("text", "country", "expected"),
    [
        ("+14155552671", None, Number("e164", "+14155552671")),
        (" +1 (415) 555-2671 ", None, Number("e164", "+14155552671")),
        ("0044 7400 123456", None, Number("e164", "+447400123456")),
        ("00447400123456", "DE", Number("e164", "+447400123456")),
        ("07400 123456", "GB", Number("e164", "+447400123456")),
        ("(415) 555-2671", "US", Number("e164", "+14155552671")),
        ("011 44 7400 123456", "US", Number("e164", "+447400123456")),
        ("8 916 123-45-67", "RU", Number("e164", "+79161234567")),
        ("030 123456", "DE", Number("e164", "+4930123456")),
        ("72345", "US", Number("short_code", "72345")),
        ("72345", None, Number("short_code", "72345")),
        ("ACME Bank", "US", Number("alphanumeric", "ACME Bank")),
        ("4ever", None, Number("alphanumeric", "4ever")),
    ],
)
def test_number_is_read_as_people_write_it(text: str, country: str | None, expected: Number) -> None:
    assert expected == normalise_number(text, country)


@pytest.mark.parametrize("text", ["", "+", "++1", "12", "+12", "call me maybe", "ÄCME", "+1415555267112345678", "\0"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a"):
        normalise_number(text)


@given(st.text(max_size=40), st.sampled_from([None, "US", "GB", "XX"]))
def test_any_text_is_read_or_refused(text: str, country: str | None) -> None:
    try:
        number = normalise_number(text, country)
    except ValueError:
        return
    assert number.kind != "e164" or is_e164(number.value)


@given(st.from_regex(r"\+[1-9][0-9]{4,14}", fullmatch=True))
def test_number_in_the_priced_form_stays_as_it_is(text: str) -> None:
    assert is_e164(text)
    assert Number("e164", text) == normalise_number(text)


@pytest.mark.parametrize("text", ["", "+", "14155552671", "+0155552671", "+1415", "+1234567890123456", "+1415555267１"])
def test_other_forms_are_not_priced(text: str) -> None:
    assert not is_e164(text)


@pytest.mark.parametrize(
    ("to", "expected"),
    [
        ("+12125551234", "US"), ("+12425551234", "BS"), ("+447400123456", "GB"), ("+77011234567", "KZ"),
        ("+79161234567", "RU"), ("+979123456789", "001"), ("+2101234567", None),
    ],
)  # fmt: skip
def test_country_of_a_refused_number_is_told_for_metrics(to: str, expected: str | None) -> None:
    assert expected == country_of(to)
