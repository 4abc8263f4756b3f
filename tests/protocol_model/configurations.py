"""The worlds that are searched: for each check the smallest that shows what leaving it out does, and what must hold."""

from dataclasses import replace

from tests.protocol_model.config import Check, Config, Faults


def _transactions(usage: str = "u", commands: str = "c", **bounds: int) -> Config:
    return _config(usage, commands, transactions=True, **bounds)


def _at_least_once(usage: str = "u", commands: str = "c", **bounds: int) -> Config:
    return _config(usage, commands, transactions=False, **bounds)


def _both(usage: str = "u", commands: str = "c", **bounds: int) -> tuple[Config, ...]:
    return (_transactions(usage, commands, **bounds), _at_least_once(usage, commands, **bounds))


def _config(usage: str, commands: str, *, transactions: bool, **bounds: int) -> Config:
    """Sort the keywords into faults and bounds; a flag is 1."""
    faults = Faults(**{name: count for name, count in bounds.items() if name in Faults._fields})
    config = Config(transactions, usage, commands, faults=faults)
    flags = {"cold": bool(bounds.get("cold")), "zombie_claims": bool(bounds.get("zombie_claims"))}
    numbers = {name: bounds[name] for name in bounds if name not in (*Faults._fields, *flags)}
    return replace(config, **flags, **numbers)  # type: ignore[arg-type]  # names of fields, all of them int or bool


LEFT_OUT: dict[Check, tuple[Config, ...]] = {
    Check.OUTBOX: (*_both("u", "", rebalance=1), *_both("u", "", lost=1)),
    Check.IDENTITY: (_transactions(rebalance=1, rollback=1),),
    Check.EXPECTED_HEAD: _both("u", "", timers=1, rollback=1),
    Check.TOKEN_FIRST: (_at_least_once(rebalance=1),),
    Check.RESTORE_COUNTED: _both("u", "", cold=1, restore_chunks=2, rollback=1),
    Check.DECISIONS_AWAITED: _both("u", "", crash=1),
    Check.DRAIN: _both(wipe=1),
    Check.PROBE: _both("u", "", wipe=1),
    Check.POSITION: (_at_least_once("u", "", crash=1, wipe=1),),
    Check.CHECKPOINT_CONDITIONAL: _both("u", "", checkpointers=2),
}
"""The rows of the table: within each of the bounds leaving the check out does harm, and the intact protocol holds."""

LEANED_ON: dict[Check, tuple[Config, ...]] = {
    Check.COMMITTED_FIRST: (_transactions("u", "", zombie_claims=1, rebalance=1, wipe=1),),
    Check.FENCING: (_transactions(rebalance=1, wipe=1),),
    Check.OWN_END: (_at_least_once(rebalance=1, wipe=1),),
    Check.READERS_CHUNK: (_at_least_once(rebalance=1, wipe=1),),
    Check.SIDE_FIRST: (_at_least_once("u", "", crash=1),),
    Check.RESTORE_EXACT: _both(wipe=1),
    Check.LETTERS_FIRST: _both("d", "", crash=1),
    Check.RESTORE_TOKEN: _both(cold=1, crash=1, late=1),
    Check.CHUNK_FRESH: _both(rollback=1, late=1),
    Check.TRIM_IDENTITY: _both(rollback=1, late=1),
}
"""What else must be built as described, though the table does not name it."""

SHORT: tuple[Config, ...] = (
    *_both("u", "", timers=1, rebalance=1),
    *_both("u", "", timers=1, crash=1, rollback=1),
    *_both("uu", "c", chunk_max=2, memory_max=3, crash=1, lost=1),
    *_both("ud", "", rebalance=1, wipe=1),
    *_both("ud", "c", chunk_max=2, crash=1, wipe=1),
    *_both("udu", "", lost=1, crash=1, rollback=1),
    *_both("u", "c", cold=1, restore_chunks=2, crash=1, rollback=1),
    *_both("u", "", restore_chunks=2, lost=2, wipe=1),
    *_both("u", "", checkpointers=2, crash=1, wipe=1),
    *_both("u", "c", zombie_claims=1, rebalance=1),
    *_both("u", "", rebalance=2, wipe=1),
    *_both("u", "", late=1, crash=1, rollback=1),
)
"""Bounds within which the intact protocol is searched on every run."""

LONG: tuple[Config, ...] = (
    *_both("u", "c", timers=1, rebalance=1, wipe=1),
    *_both("u", "c", timers=1, rebalance=1, rollback=1),
    *_both("u", "c", zombie_claims=1, rebalance=1, rollback=1),
    *_both("u", "", timers=1, zombie_claims=1, rebalance=1, rollback=1),
    *_both("u", "c", checkpointers=2, rebalance=1, wipe=1),
    *_both("u", "c", rebalance=1, rollback=1, late=1),
    *_both("ud", "c", rebalance=1, rollback=1),
    *_both("uu", "c", chunk_max=2, memory_max=3, rebalance=1, wipe=1),
    *_both("uu", "c", timers=1, crash=2, lost=1, rollback=1),
    *_both("u", "c", restore_chunks=2, crash=1, rebalance=1, wipe=1, lost=1),
)
"""Bounds of up to millions of states, for the long mode."""


def intact_bounds() -> tuple[Config, ...]:
    """Return all bounds within which every run searches the intact protocol, each once."""
    rows = [config for bounds in (LEFT_OUT | LEANED_ON).values() for config in bounds]
    return tuple(dict.fromkeys([*rows, *SHORT]))
