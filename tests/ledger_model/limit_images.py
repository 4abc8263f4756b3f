"""Limits as entries show them. Leaves what they do to `limits`."""

from __future__ import annotations

from typing import Any

from tests.ledger_model.state import Limit


def image(limit: Limit, *, gone: bool = False) -> dict[str, Any]:
    """A limit as an entry shows it."""
    return {
        "kind": "limit",
        "id": limit.id,
        "level": limit.level,
        "window": limit.window,
        "name": limit.name,
        "cap_micros": limit.cap,
        "used_micros": limit.used,
        "held_micros": limit.held,
        "carry": limit.carry,
        "starts_at_ms": limit.starts,
        "ends_at_ms": limit.ends,
        "since_seq": limit.since_seq,
        "reached": limit.reached,
        "blocked": list(limit.blocked),
        "gone": gone,
    }
