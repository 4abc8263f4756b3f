from collections.abc import Callable, Iterable, Mapping
from typing import Any

class Words:
    def __init__(
        self,
        encode: Callable[[Any], bytes],
        *,
        kinds: Mapping[int, str | None],
        reasons: Mapping[int, str | None],
        decisions: Mapping[int, str | None],
        states: Mapping[int, str | None],
        moments: Mapping[int, str | None],
        left_kinds: Iterable[int],
        left_reasons: Iterable[int],
        codes: Mapping[str, int],
    ) -> None: ...
