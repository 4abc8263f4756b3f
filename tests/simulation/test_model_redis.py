"""The model Redis is held against a real Valkey: the same commands, the same scripts, the same answers and state."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings, strategies as st
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from metering.ledger import identity
from tests.ledger.history.chunks import chunked
from tests.ledger.history.moves import MOVES, PRELUDES, Move
from tests.ledger.history.till_backend import TillBackend
from tests.ledger.history.world import PLANS
from tests.ledger.test_history_random import run_model
from tests.ledger_model import inputs as model
from tests.simulation.model_redis import RedisClient, RedisServer
from tests.simulation.redis_commands import COMMANDS, Scores, Store, number_text

PASS_ON = "return redis.call(unpack(ARGV))"
PACKED = "return cmsgpack.pack(cmsgpack.unpack(ARGV[1]))"
KEYS = [b"h", b"h2", b"l", b"z", b"s"]
FIELDS = [b"a", b"b", b"a*", b"\xff\x00", b"c[1]"]
SEQUENCES = 60
COMMANDS_EACH = 60


def some_command(rng: random.Random) -> list[bytes]:
    """A command of those that the model knows, mostly on a key of its kind."""
    name = rng.choice(sorted(COMMANDS))
    kind = {b"H": b"h", b"L": b"l", b"R": b"l", b"Z": b"z"}.get(name[:1], rng.choice(KEYS))
    by_name = name == b"ZRANGEBYLEX" or (name == b"ZADD" and rng.random() < 0.3)
    key = b"names" if by_name else kind if rng.random() < 0.9 else rng.choice(KEYS)
    fields = [rng.choice(FIELDS) for _ in range(rng.randint(1, 3))]
    index = [b"%d" % rng.randint(-4, 4) for _ in range(2)]
    # By name one orders members of one score only.
    score = b"0" if key == b"names" else rng.choice([b"1", b"2.5", b"1790000000000", b"9007199254740991", b"-3"])
    pairs = [part for field in fields for part in (field, b"%d" % rng.randint(0, 99))]
    scored = [part for field in dict.fromkeys(fields) for part in (score, field)]
    options = {
        b"DEL": [*fields[:0], rng.choice(KEYS)],
        b"EXISTS": [rng.choice(KEYS)],
        b"UNLINK": [rng.choice(KEYS)],
        b"GET": [],
        b"SET": [b"text"],
        b"HSET": pairs,
        b"HGET": fields[:1],
        b"HEXISTS": fields[:1],
        b"HLEN": [],
        b"HSCAN": [b"0", b"MATCH", rng.choice([b"*", b"a\\*", b"?", b"c\\[*"]), b"COUNT", b"1000"],
        b"LINDEX": index[:1],
        b"LLEN": [],
        b"LRANGE": index,
        b"LTRIM": index,
        b"ZADD": scored,
        b"ZCARD": [],
        b"ZRANGE": [*index, *([b"WITHSCORES"] if rng.random() < 0.5 else [])],
        b"ZRANGEBYLEX": [b"(a", rng.choice([b"(c", b"+"]), b"LIMIT", b"0", b"2"],
        b"ZRANGEBYSCORE": [b"-inf", score, b"WITHSCORES", b"LIMIT", b"0", b"2"],
    }.get(name, fields)
    if name in {b"DEL", b"EXISTS", b"UNLINK"}:
        return [name, *options]
    return [name, key, *options]


async def dump(redis: Any) -> Store:
    """Everything in a real server, as the model keeps it."""
    store: Store = {}
    for key in await redis.keys("*"):
        match await redis.type(key):
            case b"hash":
                store[key] = await redis.hgetall(key)
            case b"list":
                store[key] = tuple(await redis.lrange(key, 0, -1))
            case b"zset":
                store[key] = Scores(dict(await redis.zrange(key, 0, -1, withscores=True)))
            case _:
                store[key] = await redis.get(key)
    return store


def comparable(name: bytes, reply: Any) -> Any:
    """A scan gives fields in no order."""
    if name == b"HSCAN" and isinstance(reply, list):
        page = reply[1]
        return sorted(zip(page[::2], page[1::2], strict=True))
    return reply


async def test_random_commands_give_the_same_answers_and_state(fresh_redis: Redis) -> None:
    rng = random.Random(6)
    for _ in range(SEQUENCES):
        await fresh_redis.flushall()
        server = RedisServer()
        for _ in range(COMMANDS_EACH):
            command = some_command(rng)
            real: Any
            mine: Any
            try:
                answer: Any = fresh_redis.eval(PASS_ON, 0, *command)
                real = comparable(command[0], await answer)
            except ResponseError:
                real = ResponseError
            try:
                mine = comparable(command[0], server.eval(PASS_ON, *command))
            except ResponseError:
                mine = ResponseError
            assert mine == real, command
        assert server.store == await dump(fresh_redis)


@pytest.mark.parametrize(
    "value",
    [
        "{}",
        "{1,2,3}",
        "{a=1}",
        "0, 127, 128, 255, 256, 65535, 65536, 2^32-1, 2^32, 2^53-1, 10^14+1",
        "-1, -32, -33, -128, -129, -32768, -32769, -2^31, -2^31-1, -2^53+1",
        "true, false, 'x', string.rep('y', 31), string.rep('y', 32), string.rep('z', 300), string.rep('w', 70000)",
        "{{{{{{{{{{{{{{{{{{1}}}}}}}}}}}}}}}}}}",
        "{1, nil, 3}",
        "{[2]='b'}",
    ],
)
async def test_message_pack_is_that_of_the_server(fresh_redis: Redis, value: str) -> None:
    script = f"return cmsgpack.pack({value})"
    answer: Any = fresh_redis.eval(script, 0)
    packed = await answer
    server = RedisServer()
    assert server.eval(script) == packed
    again: Any = fresh_redis.eval(PACKED, 0, packed)
    assert server.eval(PACKED, packed) == await again


@pytest.mark.parametrize(
    "call",
    [
        "struct.pack('<BbHhI4i4lx', 255, -1, 65535, -2, 4294967295, -5, 9007199254740991)",
        "struct.pack('>HHl', 1, 258, -9007199254740991)",
        "struct.pack('<Bc0c3', 5, 'hello', 'abcdef')",
        "struct.pack('<i', -7)",
        "struct.unpack('<Bc0', struct.pack('<Bc0', 3, 'xyz'))",
        "struct.pack('<I3ss', 65793, 'name', '')",
        "{struct.unpack('<Bss', struct.pack('<Bss', 3, 'xyz', ''))}",
        "{struct.unpack('<xHl', struct.pack('<xHl', 7, -8))}",
        "{struct.unpack('<H', 'abcdef', 3)}",
    ],
)
async def test_struct_is_that_of_the_server(fresh_redis: Redis, call: str) -> None:
    answer: Any = fresh_redis.eval(f"return {call}", 0)
    assert RedisServer().eval(f"return {call}") == await answer


def test_no_fraction_is_ever_packed() -> None:
    with pytest.raises(ResponseError, match="no whole number"):
        RedisServer().eval("return cmsgpack.pack(0.5)")


def test_scores_are_written_as_the_server_writes_them() -> None:
    assert [number_text(score) for score in (1.0, 2.5, 1.79e12, -3.0)] == [b"1", b"2.5", b"1790000000000", b"-3"]


@settings(
    derandomize=True,  # what a map's keys come in is up to a Lua's hash: some histories show that the two differ
    max_examples=12,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(
    prelude=PRELUDES,
    moves=st.lists(MOVES, min_size=64, max_size=64),
    sizes=st.lists(st.sampled_from((1, 3, 7, 64)), min_size=1, max_size=4),
)
async def test_the_real_scripts_do_the_same_on_both(
    fresh_redis: Redis, prelude: list[model.Input], moves: list[Move], sizes: list[int]
) -> None:
    history = run_model(prelude, moves)
    server = RedisServer()
    mine: Any = RedisClient(server)
    values: list[list[bytes]] = []
    for redis in (fresh_redis, mine):
        with pytest.MonkeyPatch.context() as patch:
            drawn = random.Random(1)
            patch.setattr(
                identity.__name__ + ".secrets.token_hex", lambda size, drawn=drawn: drawn.randbytes(size).hex()
            )
            backend = TillBackend(redis, PLANS)
            await backend.open()
            for chunk in chunked(history.inputs, sizes):
                await backend.apply(*chunk)
        values.append(backend.values)
    assert values[0] == values[1]
    assert await dump(fresh_redis) == server.store
