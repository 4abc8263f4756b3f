"""Many workers that start at one moment, as after a deployment. Leaves sharing the buckets to `end_to_end`."""

from __future__ import annotations

import asyncio

from metering.worker.kafka import Kafka
from tests.faults.run import Run
from tests.stack.brokers import ON_APACHE


@ON_APACHE
async def test_workers_that_ask_for_transactions_at_the_same_time_all_get_their_answer(run: Run) -> None:
    settings = run.system.settings.kafka
    for _ in range(5):
        answers = await asyncio.gather(*(Kafka(settings).detect_transactions() for _ in range(6)))
        assert answers == [True] * 6
