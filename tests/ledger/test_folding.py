"""A wallet's record as a restore makes it is what Lua would make of it, byte by byte, in either form.

Leaves to `tests.checkpoint.test_restore_records` the wallets of random histories, as Redis has them.
"""

from __future__ import annotations

from functools import cache
from typing import Any, cast

from hypothesis import HealthCheck, given, settings, strategies as st
from redis.asyncio import Redis

from metering.ledger.folding import wallet_record
from metering.ledger.records import pack
from metering.ledger.rows import FOLDED, WHOLE
from metering.ledger.scripts import assemble
from metering.ledger.stored import unpack_wallet

PACKED_AGAIN = """
-- include: folding
local made = {}
for n = 1, #ARGV do
  made[n] = pack_wallet(unpack_wallet(ARGV[n]))
end
return made
"""

micros = st.sampled_from((0, 1, 127, 128, 65_536, 2**32, 10**12, 2**53 - 1))
names = st.sampled_from(("a", "0-2", "x" * 40, "größer"))
lots = st.tuples(
    names, st.sampled_from(("topup", "nro")), micros, micros, micros, micros, st.sampled_from((0, 1)), micros
)
flags = st.sampled_from((0, 1))
rules = st.tuples(
    names, st.sampled_from((0, 1, 2)), micros, micros, flags, st.sampled_from((0, 20)), flags, flags, st.just("")
)
profiles = st.one_of(
    st.just(False),
    st.tuples(st.sampled_from((0, 1)), st.sampled_from((0, 1)), names, st.just(False), names, st.just(False)),
)
blocks = st.sampled_from((False, False, (1, "main", 5, 0, 10**12, 7)))
wallets = st.tuples(
    st.just("USD"), micros, micros, micros, st.sampled_from((0, 0, 5)), st.sampled_from((0, 0, 5)), blocks,
    st.lists(lots, max_size=3), st.lists(rules, max_size=3), micros, profiles, st.lists(names, max_size=3),
)  # fmt: skip


@cache
def script() -> str:
    return f"return (function() {assemble(PACKED_AGAIN)} end)()(KEYS, ARGV)"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(several=st.lists(wallets, min_size=1, max_size=20))
async def test_wallet_is_made_as_lua_makes_it(fresh_redis: Redis, several: list[Any]) -> None:
    made = [wallet_record(list(wallet)) for wallet in several]

    whole = [WHOLE + pack(wallet) for wallet in several]
    assert await cast("Any", fresh_redis).eval(script(), 0, *whole) == made
    assert [unpack_wallet(record) for record in made] == [unpack_wallet(record) for record in whole]


def test_wallet_in_good_order_has_its_figures_in_front() -> None:
    spent, free = ("0-1", "topup", 5, 5, 0, 1, 1, 0), ("0-2", "topup", 7, 0, 0, 2, 1, 0)

    record = wallet_record(["USD", 3, 12, 5, 0, 0, False, [spent, free], [], 12, False, ()])

    assert record[:1] == FOLDED
    assert wallet_record(["USD", 3, 5, 5, 0, 0, False, [spent], [], 12, False, ()])[:1] == WHOLE
    assert wallet_record(["USD", 3, 7, 0, 1, 0, False, [free], [], 12, False, ()])[:1] == WHOLE
