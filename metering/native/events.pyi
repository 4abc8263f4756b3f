from collections import deque
from collections.abc import Callable
from typing import Any, Literal

class Reader:
    def __init__(
        self,
        kinds: tuple[tuple[bytes, bool, int], ...],
        understand: Callable[[bytes, int, int], Any],
        make_position: Callable[[int, int], Any],
        *,
        window_ms: int,
        skew_ms: int,
        bytes_max: int,
        bucket: int,
        partitions: int,
    ) -> None: ...
    def read(self, value: bytes | None, timestamp_ms: int) -> PlainEvent | None: ...
    def take(
        self,
        records: deque[Any],
        inputs: list[Any],
        count_max: int,
        commands: int,
        clock_ms: int,
        from_ms: int,
        until_ms: int,
        before_ms: int,
        ahead_ms: int,
    ) -> int: ...

class PlainEvent:
    @property
    def topic(self) -> Literal["usage"]: ...
    @property
    def customer(self) -> str: ...
    @property
    def offset(self) -> int: ...
    @property
    def clock_ms(self) -> int: ...
    @property
    def after(self) -> Any: ...
    @property
    def content(self) -> Any: ...
    def seen(self) -> dict[str, Any]: ...
