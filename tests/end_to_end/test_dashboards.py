"""What a dashboard shows of blocks, debits, alerts, lag and books is scraped from real processes."""

from __future__ import annotations

import pytest

from tests.end_to_end.messages import AMERICA, command, opening, text
from tests.end_to_end.metrics import metrics_of, sum_of
from tests.end_to_end.proof import prove
from tests.end_to_end.system import System
from tests.end_to_end.traffic import Totals
from tests.stack.brokers import ON_TANSU

REFUSED = 100
PRICE_MICROS = 10_000


@pytest.mark.requirement("INF-13")
@pytest.mark.requirement("INF-20")
@ON_TANSU
async def test_hundred_refused_texts_are_one_block_and_its_end_in_topics_and_metrics(system: System) -> None:
    checkpointer, worker = system.start_checkpointer(), system.start_worker()
    await system.send_commands(opening("acme", PRICE_MICROS))
    await system.applied()
    await system.send([text("acme", "covered", AMERICA, sender="s")])
    await system.send([text("acme", f"refused-{n}", AMERICA, sender="s") for n in range(REFUSED)])
    await system.applied()
    await system.send_commands([command("acme", "more", "top_up", amount_micros=PRICE_MICROS, unit="USD")])
    await system.settled()

    evidence = await prove(system, {"acme": Totals(PRICE_MICROS)})
    changes = [alert["type"] for alert in evidence.values("alerts") if alert["type"].startswith("sender.")]
    assert changes == ["sender.blocked", "sender.unblocked"]
    told = metrics_of(worker)
    for change in ("blocked", "unblocked"):
        assert sum_of(told, f'metering_block_changes_total{{.*change="{change}".*}}') == 1
        assert sum_of(told, f'metering_alerts_total{{type="sender.{change}"}}') == 1
    assert sum_of(told, 'metering_events_total{.*outcome="denied".*}') == REFUSED
    assert sum_of(told, 'metering_amount_micros_total{.*direction="debited".*}') == PRICE_MICROS
    assert sum_of(told, "metering_blocks") == 0
    assert "metering_lag_records{" in told
    assert sum_of(told, "metering_lag_records") == 0
    books = metrics_of(checkpointer)
    assert "metering_checkpoint_age_seconds{" in books
    assert sum_of(books, "metering_checkpoint_entries_written_total") == len(evidence.all_entries)
