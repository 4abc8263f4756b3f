"""The commands of Redis that the scripts use, on plain Python containers. Leaves the scripts to `lua_engine`.

A store maps keys to a hash (dict), a list (tuple), a sorted set (`Scores`) or a string (bytes). What is written is a
new container in the place of the old one, so a copy of the outer dict is a snapshot of everything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fnmatch import translate
from re import compile as compile_pattern
from typing import Any, TypeAlias

Reply: TypeAlias = "bytes | int | list[Reply] | None"
Store: TypeAlias = dict[bytes, Any]


class Scores(dict[bytes, float]):
    """A sorted set: members with their scores."""

    def ordered(self) -> list[tuple[float, bytes]]:
        """Members by score, then by name, as Redis orders them."""
        return sorted((score, member) for member, score in self.items())


class CommandError(Exception):
    """What Redis answers as an error."""


def execute(store: Store, name: bytes, arguments: Sequence[bytes]) -> Reply:
    """Run one command; raises `CommandError` as Redis would answer one."""
    command = COMMANDS.get(name.upper())
    if command is None:
        raise CommandError(f"ERR unknown command '{name.decode()}'")
    return command(store, *arguments)


def number_text(number: float) -> bytes:
    """Return a score as Redis writes it."""
    return b"%d" % number if number == int(number) and abs(number) < 2**63 else b"%.17g" % number


def _of(store: Store, key: bytes, kind: type[Any]) -> Any:
    found = store.get(key)
    if found is None:
        return kind()
    if type(found) is not kind:
        raise CommandError("WRONGTYPE Operation against a key holding the wrong kind of value")
    return found


def _put(store: Store, key: bytes, value: Any) -> None:
    if value:
        store[key] = value
    else:
        store.pop(key, None)


def _hset(store: Store, key: bytes, *pairs: bytes) -> int:
    if not pairs or len(pairs) % 2:
        raise CommandError("ERR wrong number of arguments for 'hset' command")
    before = _of(store, key, dict)
    after = before | dict(zip(pairs[::2], pairs[1::2], strict=True))
    store[key] = after
    return len(after) - len(before)


def _hdel(store: Store, key: bytes, *fields: bytes) -> int:
    after = dict(_of(store, key, dict))
    gone = sum(after.pop(field, None) is not None for field in fields)
    _put(store, key, after)
    return gone


def _hget(store: Store, key: bytes, field: bytes) -> bytes | None:
    found: bytes | None = _of(store, key, dict).get(field)
    return found


def _hmget(store: Store, key: bytes, *fields: bytes) -> list[Reply]:
    found = _of(store, key, dict)
    return [found.get(field) for field in fields]


def _hexists(store: Store, key: bytes, field: bytes) -> int:
    return int(field in _of(store, key, dict))


def _hlen(store: Store, key: bytes) -> int:
    return len(_of(store, key, dict))


def _hscan(store: Store, key: bytes, _: bytes, *options: bytes) -> list[Reply]:
    """All in one page, whatever the cursor."""
    wanted = dict(zip([o.upper() for o in options[::2]], options[1::2], strict=True))
    matches = _glob(wanted[b"MATCH"]) if b"MATCH" in wanted else None
    page: list[Reply] = []
    for field, value in _of(store, key, dict).items():
        if matches is None or matches(field):
            page += (field, value)
    return [b"0", page]


def _glob(pattern: bytes) -> Callable[[bytes], object]:
    """Escaped characters stand for themselves; else `*`, `?` and classes, as a shell has them."""
    out, rest = "", pattern.decode("latin-1")
    while rest:
        head, rest = rest[0], rest[1:]
        if head == "\\" and rest:
            out, rest = out + (f"[{rest[0]}]" if rest[0] in "*?[" else rest[0]), rest[1:]
        else:
            out += head
    return lambda field: compile_pattern(translate(out)).match(field.decode("latin-1"))


def _rpush(store: Store, key: bytes, *items: bytes) -> int:
    store[key] = (*_of(store, key, tuple), *items)
    return len(store[key])


def _llen(store: Store, key: bytes) -> int:
    return len(_of(store, key, tuple))


def _lindex(store: Store, key: bytes, index: bytes) -> bytes | None:
    items, at = _of(store, key, tuple), int(index)
    found: bytes | None = items[at] if -len(items) <= at < len(items) else None
    return found


def _cut(items: Sequence[Any], first: bytes, last: bytes) -> Sequence[Any]:
    start, end = int(first), int(last)
    start = max(0, start + len(items)) if start < 0 else start
    end = end + len(items) if end < 0 else end
    return items[start : max(0, end + 1)]


def _lrange(store: Store, key: bytes, first: bytes, last: bytes) -> list[Reply]:
    return list(_cut(_of(store, key, tuple), first, last))


def _ltrim(store: Store, key: bytes, first: bytes, last: bytes) -> bytes:
    _put(store, key, tuple(_cut(_of(store, key, tuple), first, last)))
    return b"OK"


def _zadd(store: Store, key: bytes, *pairs: bytes) -> int:
    before = _of(store, key, Scores)
    after = Scores(before | {member: float(score) for score, member in zip(pairs[::2], pairs[1::2], strict=True)})
    store[key] = after
    return len(after) - len(before)


def _zrem(store: Store, key: bytes, *members: bytes) -> int:
    after = Scores(_of(store, key, Scores))
    gone = sum(after.pop(member, None) is not None for member in members)
    _put(store, key, after)
    return gone


def _zcard(store: Store, key: bytes) -> int:
    return len(_of(store, key, Scores))


def _with_scores(found: Iterable[tuple[float, bytes]], options: Sequence[bytes]) -> list[Reply]:
    if b"WITHSCORES" in [option.upper() for option in options]:
        return [part for score, member in found for part in (member, number_text(score))]
    return [member for _, member in found]


def _zrange(store: Store, key: bytes, first: bytes, last: bytes, *options: bytes) -> list[Reply]:
    return _with_scores(_cut(_of(store, key, Scores).ordered(), first, last), options)


def _zrangebyscore(store: Store, key: bytes, low: bytes, high: bytes, *options: bytes) -> list[Reply]:
    found = [pair for pair in _of(store, key, Scores).ordered() if float(low) <= pair[0] <= float(high)]
    names = [option.upper() for option in options]
    if b"LIMIT" in names:
        at = names.index(b"LIMIT")
        offset, count = int(options[at + 1]), int(options[at + 2])
        found = found[offset:] if count < 0 else found[offset : offset + count]
    return _with_scores(found, options)


def _zrangebylex(store: Store, key: bytes, low: bytes, high: bytes, *options: bytes) -> list[Reply]:
    """Of members with one score; bounds are exclusive, `(`, or `-` and `+`."""
    assert low[:1] in {b"(", b"-"}
    assert high[:1] in {b"(", b"+"}
    names = [member for _, member in _of(store, key, Scores).ordered()]
    found = [n for n in names if (low == b"-" or n > low[1:]) and (high == b"+" or n < high[1:])]
    if options:
        offset, count = int(options[1]), int(options[2])
        found = found[offset:] if count < 0 else found[offset : offset + count]
    return list(found)


def _del(store: Store, *keys: bytes) -> int:
    return sum(store.pop(key, None) is not None for key in keys)


def _exists(store: Store, *keys: bytes) -> int:
    return sum(key in store for key in keys)


def _get(store: Store, key: bytes) -> bytes | None:
    found: bytes | None = _of(store, key, bytes) or None
    return found


def _set(store: Store, key: bytes, value: bytes) -> bytes:
    store[key] = value
    return b"OK"


COMMANDS: dict[bytes, Callable[..., Reply]] = {
    b"DEL": _del,
    b"EXISTS": _exists,
    b"GET": _get,
    b"HDEL": _hdel,
    b"HEXISTS": _hexists,
    b"HGET": _hget,
    b"HLEN": _hlen,
    b"HMGET": _hmget,
    b"HSCAN": _hscan,
    b"HSET": _hset,
    b"LINDEX": _lindex,
    b"LLEN": _llen,
    b"LRANGE": _lrange,
    b"LTRIM": _ltrim,
    b"RPUSH": _rpush,
    b"SET": _set,
    b"UNLINK": _del,
    b"ZADD": _zadd,
    b"ZCARD": _zcard,
    b"ZRANGE": _zrange,
    b"ZRANGEBYLEX": _zrangebylex,
    b"ZRANGEBYSCORE": _zrangebyscore,
    b"ZREM": _zrem,
}
