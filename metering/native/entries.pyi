from typing import Any

from metering.native.rows import Rows
from metering.native.words import Words

class Teller:
    def __init__(
        self,
        words: Words,
        rows: Rows,
        told: Any,
        *,
        bucket: int,
        first_seq: int,
        chunk: bytes,
        previous: bytes,
        packed: bytes,
        marks: bytes,
        names: bytes,
        row_at: int,
    ) -> None: ...
    @property
    def row_at(self) -> int: ...
    def tell(self) -> int: ...
    def leave(self) -> None: ...
    def counted(self) -> list[tuple[tuple[str, str | None, str | None, int, str | None], list[int]]]: ...
