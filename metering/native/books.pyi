from collections.abc import Callable, Iterable
from typing import Any

class LotAfter:
    remaining_micros: int
    held_micros: int

class Sheet:
    def __init__(
        self,
        follower: Any,
        days: set[int],
        wallets: dict[tuple[str, str], int],
        wallets_new: list[tuple[str, str]],
        lots: dict[tuple[str, str, str], Any],
        charges: dict[tuple[str, str], Any],
        charges_older: list[tuple[str, str]],
        recipients: dict[tuple[str, str], Any],
    ) -> None: ...
    @property
    def ledger_offset_next(self) -> int: ...
    def take(self, records: list[Any], at: int, rows_before: int) -> int: ...
    def copy(
        self,
        rows: list[list[Any]],
        tails: dict[tuple[str, str], Any],
        link: Callable[[Iterable[list[Any]], dict[tuple[str, str], Any]], None],
        general: Callable[[bytes], list[Any]],
        widths: bytes,
    ) -> bytes: ...
