"""What the worker changes in its Kafka client is there to be changed, in the version that is locked."""

from __future__ import annotations

import inspect

from aiokafka.producer import sender

from metering.worker.kafka import TRANSACTION_PAUSE_SECONDS


def test_pause_between_transactions_is_the_one_that_the_client_takes() -> None:
    assert "return BACKOFF_OVERRIDE" in inspect.getsource(sender.AddPartitionsToTxnHandler)
    assert sender.BACKOFF_OVERRIDE == TRANSACTION_PAUSE_SECONDS < 0.02
