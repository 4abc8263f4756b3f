"""A customer's wallet mode, set by as many commands as its wallets need. Leaves carrying them out to the worker."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any, cast
from uuid import uuid4

import msgspec

from metering.cli.asking import Result, ask
from metering.cli.balances import WalletView, read_customer
from metering.contracts.commands import SetWalletMode
from metering.contracts.fields import MAIN_WALLET
from metering.settings import Settings

WALLETS_MAX = 100
"""Of one command: as many as the worker takes."""


async def set_mode(
    settings: Settings, customer: str, mode: str, actor: str, reason: str | None, *, timeout_seconds: float = 30.0
) -> AsyncIterator[Result]:
    """Set the mode and yield the answers: one, and to `shared_pool` one for each 100 wallets that hold free credit.

    Raises `Retryable`, `Fatal`. Interrupted, what was answered has been done, and nothing is in two places.
    """
    known = await read_customer(settings, customer)
    if known is None:
        yield Result(1, problem=f"there is no customer {customer!r}")
        return
    swept = _with_credit(known.wallets) if mode == "shared_pool" else []
    for names in _batches(swept):
        command = SetWalletMode(
            id=f"mode-{uuid4().hex}",
            customer=customer,
            actor=actor,
            reason=reason,
            mode=cast("Any", mode),
            wallets=tuple(names),
        )
        async for result in ask(settings.kafka, [msgspec.json.encode(command)], timeout_seconds=timeout_seconds):
            yield result
            if result.answer is None or result.answer.outcome != "done":
                return


def _with_credit(wallets: tuple[WalletView, ...]) -> list[str]:
    return [view.wallet for view in wallets if view.wallet != MAIN_WALLET and view.available_micros > 0]


def _batches(names: list[str]) -> Iterator[list[str]]:
    yield names[:WALLETS_MAX]
    for first in range(WALLETS_MAX, len(names), WALLETS_MAX):
        yield names[first : first + WALLETS_MAX]
