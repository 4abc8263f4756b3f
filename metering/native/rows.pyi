from collections.abc import Mapping
from typing import Any

from metering.native.prices import Terms

class Rows:
    def __init__(
        self,
        wallet: str,
        *,
        customers: dict[str, int],
        policies: list[int],
        wallets: dict[str, int],
        wallet_names: list[str],
        charges: dict[str, int],
        senders: dict[str, int],
        carried: list[Any],
        fragments: list[bytes],
        digests: list[str],
    ) -> None: ...
    def __len__(self) -> int: ...
    @property
    def clock_first_ms(self) -> int: ...
    @property
    def clock_last_ms(self) -> int: ...
    def append(self, row: tuple[int, ...], /) -> None: ...
    def pack(self) -> bytes: ...
    def add(
        self,
        terms: Terms,
        inputs: list[Any],
        first: int,
        customers: Mapping[str, Any],
        bucket: int,
        rates_version: bytes,
        /,
    ) -> int: ...
