from collections.abc import Callable
from typing import Any

class Terms:
    def __init__(
        self,
        encode: Callable[[Any], bytes],
        *,
        is_plain: Callable[[Any], bool],
        is_enabled: Callable[[Any, Any, Any], bool],
        price_type: type[Any],
        moments: dict[str, int],
        codes: dict[str, int],
        one_septet: bytes,
        one_part_max: int,
    ) -> None: ...
