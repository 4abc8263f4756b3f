from __future__ import annotations

from metering.rating.explain import explain
from tests.rating.decks import request, rows_of, shipped


def lines(plan: str, channel: str, to: str | tuple[str, ...], **more: object) -> list[str]:
    return str(explain(shipped().plans[plan], request(channel, to, **more))).split("\n")


def version(plan: str, charge: str, channel: str) -> str:
    return rows_of(shipped().plans[plan], charge, channel)[0].terms.source.version


def test_text_is_explained_with_row_sum_and_what_is_scheduled() -> None:
    deck, fees = version("payg-usd", "rate", "sms"), version("payg-usd", "carrier_fee", "sms")
    found = lines("payg-usd", "sms", "+12125551234", text="x" * 161)
    rows = shipped().plans["payg-usd"].book.rows
    row = next(row for row in rows if row.prefix == "+1212" and not row.terms.sender_type)
    assert [
        "payg-usd: sms outbound to +12125551234 at 2026-06-01T12:00:00Z",
        "  text: gsm7, 161 characters, 2 parts",
        "  rate: 0.0118 per segment x 2 segments = 0.0236 USD",
        f"    United States, world-sms {deck} line {row.line}, prefix +1212, since 2025-01-01T00:00:00Z",
        "    from 2027-01-01T00:00:00Z: 0.0127",
        "  carrier_fee: 0.003 per segment x 2 segments = 0.006 USD",
        f"    United States, world-fees {fees} line 2, prefix +1, since 2025-01-01T00:00:00Z",
        "  total: 0.0296 USD, charged on submit",
    ] == found


def test_broadcast_is_explained_by_groups_of_recipients() -> None:
    found = lines("rollover-credits", "broadcast", ("+14155552671",) * 10, seconds=61, machine_detection=True)
    assert "  rate: 2 per minute x 120 s = 4, x 10 recipients = 40 credit" in found
    assert "  machine_detection: 0.5 per call x 1 call = 0.5, x 10 recipients = 5 credit" in found
    assert found[-1] == "  total: 45 credit, charged on delivered"


def test_call_is_explained_with_connect_fee_and_minimum() -> None:
    found = lines("payg-usd", "voice", "+881612345678", seconds=1)
    assert found[1] == "  rate: 4.45 per minute x 60 s + 0.5 connecting, at least 1 = 4.95 USD"


def test_failed_fee_is_said() -> None:
    assert lines("payg-usd", "sms", "+919812345678", segments=1)[-1].endswith("charged on delivered, 0.001 if it fails")


def test_refusal_is_explained() -> None:
    assert "  refused: rejected_destination (001): Disaster relief is not served" in lines(
        "payg-usd", "sms", "+8881234567", segments=1
    )
