"""The Lua scripts of the bucket: each is one atomic step on Redis with an answer. They know nothing of topics."""

from typing import Literal, NamedTuple

from tests.protocol_model.config import Check, Config
from tests.protocol_model.state import READY, Call, Entry, History, Pair, Position, Redis


class Answer(NamedTuple):
    """What a script tells its caller; the entries are those that the caller has to publish."""

    kind: Literal["OK", "SINCE", "RESTORE", "LOST"]
    entries: tuple[Entry, ...] = ()


OK = Answer("OK")
LOST = Answer("LOST")
RESTORE = Answer("RESTORE")


def call_script(config: Config, redis: Redis, call: Call) -> tuple[Redis, Answer]:
    """Run the script that a call names."""
    result: tuple[Redis, Answer]
    match call.script:
        case "claim":
            result = claim(redis, call.token), OK
        case "compare":
            result = compare(config, redis, call.token, call.pair)
        case "apply":
            result = apply(config, redis, call)
        case "restore_begin":
            result = restore_begin(redis, call.token)
        case "restore_chunk":
            result = restore_chunk(config, redis, call.token, call.number, call.effects)
        case "restore_end":
            result = restore_end(config, redis, call.token, call.pair, call.position)
        case _:
            result = trim(config, redis, call.token, call.pair)
    return result


def claim(redis: Redis, token: int) -> Redis:
    """Set the token; a half-loaded bucket becomes invalid."""
    return redis._replace(token=token) if redis.load == READY else Redis(token=token)


def compare(config: Config, redis: Redis, token: int, end: Pair) -> tuple[Redis, Answer]:
    """Move the base to the ledger's end, if that lies in the bucket's own history, and answer the outbox beyond it."""
    if redis.token != token or redis.load != READY or not _holds(config, redis, end):
        return redis, RESTORE
    moved = _move_base(redis, end[0])
    return moved, Answer("OK", _publishable(config, moved.outbox))


def apply(config: Config, redis: Redis, call: Call) -> tuple[Redis, Answer]:
    """Apply the inputs on top of exactly what the caller has seen, or say what it has missed, or LOST."""
    expected = call.pair
    if redis.token != call.token or redis.load != READY:
        return redis, LOST
    if redis.position == call.position and _is_head(config, redis, expected):
        return _take_effects(redis, call.number, call.effects)
    if redis.head[0] > expected[0] and _holds(config, redis, expected):
        since = redis.outbox[expected[0] - redis.base[0] :]
        return redis, Answer("SINCE", _publishable(config, since))
    return redis, LOST


def restore_begin(redis: Redis, token: int) -> tuple[Redis, Answer]:
    """Empty the bucket and open it for loading."""
    if redis.token != token:
        return redis, LOST
    return Redis(token=token, load=0), OK


def restore_chunk(config: Config, redis: Redis, token: int, number: int, wallets: History) -> tuple[Redis, Answer]:
    """Load one part; only the next in order is taken."""
    counted = config.without is not Check.RESTORE_COUNTED
    if redis.token != token or (counted and redis.load != number):
        return redis, LOST
    return redis._replace(load=number + 1, wallets=wallets, parts=redis.parts | {number}), OK


def restore_end(config: Config, redis: Redis, token: int, head: Pair, position: Position) -> tuple[Redis, Answer]:
    """Make the bucket usable, if every part has come."""
    counted = config.without is not Check.RESTORE_COUNTED
    if redis.token != token or (counted and redis.load != config.restore_chunks):
        return redis, LOST
    return redis._replace(load=READY, base=head, outbox=(), position=position), OK


def trim(config: Config, redis: Redis, token: int, pair: Pair) -> tuple[Redis, Answer]:
    """Drop what has been published from the outbox, up to an entry that is named by its identity."""
    by_seq = config.without is Check.TRIM_IDENTITY and redis.base[0] <= pair[0] <= redis.head[0]
    if redis.token != token or redis.load != READY or not (by_seq or _holds(config, redis, pair)):
        return redis, LOST
    return _move_base(redis, pair[0]), OK


def probe(config: Config, redis: Redis, token: int, head: Pair, position: Position) -> Answer:
    """Say whether Redis is still where the caller left it."""
    same = redis.head == head or (config.without is Check.IDENTITY and redis.head[0] == head[0])
    here = same and redis.position == position
    return OK if redis.token == token and redis.load == READY and here else LOST


def _is_head(config: Config, redis: Redis, expected: Pair) -> bool:
    if config.without is Check.EXPECTED_HEAD:
        return True
    return redis.head == expected or (config.without is Check.IDENTITY and redis.head[0] == expected[0])


def _holds(config: Config, redis: Redis, pair: Pair) -> bool:
    """Return whether the pair is the base or an entry of the outbox."""
    seq, chunk = pair
    if not redis.base[0] <= seq <= redis.head[0]:
        return False
    if config.without is Check.IDENTITY:
        return True
    here = redis.base if seq == redis.base[0] else redis.outbox[seq - redis.base[0] - 1].pair
    return here[1] == chunk


def _publishable(config: Config, entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    """Without the outbox, a caller learns only that its input was applied before."""
    return () if config.without is Check.OUTBOX else entries


def _move_base(redis: Redis, seq: int) -> Redis:
    count = seq - redis.base[0]
    if count == 0:
        return redis
    return redis._replace(base=redis.outbox[count - 1].pair, outbox=redis.outbox[count:])


def _take_effects(redis: Redis, chunk: int, inputs: tuple[str, ...]) -> tuple[Redis, Answer]:
    """Every input makes one entry, but for a dead letter, which only moves the position."""
    entries: list[Entry] = []
    (seq, prev_chunk), wallets = redis.head, redis.wallets
    usage, commands = redis.position
    for effect in inputs:
        usage += effect[0] in "ud"
        commands += effect[0] == "c"
        has_run = effect[0] == "t" and effect in wallets
        if effect[0] != "d" and not has_run:
            seq += 1
            entries.append(Entry(seq, chunk, prev_chunk, effect, (usage, commands), wallets))
            wallets = (*wallets, effect)
            prev_chunk = chunk
    fresh = tuple(entries)
    changed = redis._replace(outbox=redis.outbox + fresh, position=(usage, commands), wallets=wallets)
    return changed, Answer("OK", fresh)
