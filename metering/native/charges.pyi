from collections.abc import Callable, Sequence
from typing import Any

class ChargeInBytes:
    touched_at_ms: int
    @property
    def several(self) -> bool | None: ...
    def row(self) -> tuple[Any, ...]: ...

def copy_charges(
    keys: list[tuple[str, str]],
    charges: dict[tuple[str, str], Any],
    bucket: int,
    row_of: Callable[[tuple[str, str], Any], Sequence[Any]],
    widths: bytes,
) -> bytes: ...
