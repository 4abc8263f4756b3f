"""The rates that scenarios are priced by: those that come with the program, and one plan besides.

`bench-sent` is the default plan with texts that are charged when they are sent, so that they are reserved first.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from metering.settings import find_rates_directory

DEBITED = "payg-usd"
"""Texts are debited at once, calls reserved and settled."""
RESERVED = "bench-sent"

_PLAN = """\
id: bench-sent
title: Pay as you go, charged when sent
unit: USD
rounding: { mode: half_up, step: "0.000001" }
decks:
  - { file: decks/bench-sms.csv }
surcharges:
  - { file: surcharges/world-fees.csv }
cycle: monthly
alerts:
  - { level: "5", rearm: "6", channels: [email, in_app] }
"""


def write_rates(directory: Path) -> Path:
    """Make the tree below `directory` and return it."""
    rates = directory / "rates"
    shutil.copytree(find_rates_directory(), rates)
    texts = (rates / "decks" / "world-sms.csv").read_text(encoding="utf-8")
    (rates / "decks" / "bench-sms.csv").write_text(texts.replace(",submit,", ",sent,"), encoding="utf-8")
    (rates / "plans" / "bench-sent.yaml").write_text(_PLAN, encoding="utf-8")
    return rates
