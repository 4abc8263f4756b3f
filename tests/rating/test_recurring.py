from __future__ import annotations

from pathlib import Path

from metering.rating.recurring import fees_due, is_sender_type_enabled
from tests.rating.decks import make_plan, sms

MORE = """\
recurring:
  - { id: code, price: "5", currency: USD, sender_type: short_code, waived_by: keyword }
  - { id: support, price: "10", currency: USD, every: cycle }
"""


def test_fee_without_sender_type_enables_nothing_and_is_due_when_taken(tmp_path: Path) -> None:
    plan = make_plan(tmp_path, [sms("1", "1")], more=MORE).file
    assert [fee.id for fee in fees_due(plan, ["support"])] == ["support"]
    assert [fee.id for fee in fees_due(plan, ["code", "support"])] == ["code", "support"]
    assert not is_sender_type_enabled(plan, "short_code", ["support"])
    assert is_sender_type_enabled(plan, None, [])
    assert is_sender_type_enabled(plan, "toll_free", [])
