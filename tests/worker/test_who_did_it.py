"""Who did it stands in the entry. Leaves who may to the broker's ACLs and the API."""

from __future__ import annotations

import orjson
import pytest
from redis.asyncio import Redis

from tests.worker.metered_bucket import MeteredBucket
from tests.worker.records import command

MILLION = 1_000_000


@pytest.mark.requirement("IU-06")
@pytest.mark.requirement("IU-07")
@pytest.mark.requirement("IU-09")
@pytest.mark.requirement("IU-15")
@pytest.mark.parametrize(
    ("actor", "source", "target"),
    [("ann", "ann", "ben"), ("manager", "ann", "ben"), ("manager", "ben", "ann")],
    ids=["out of the own wallet", "between two others", "the other way"],
)
async def test_transfer_names_its_actor_and_both_ends(fresh_redis: Redis, actor: str, source: str, target: str) -> None:
    bucket = MeteredBucket(fresh_redis)
    await bucket.open()
    await bucket.commands(command("open_customer", "open"))
    for user in ("ann", "ben"):
        await bucket.commands(
            command("put_wallet", f"put {user}", user=user),
            command("top_up", f"buy {user}", wallet=user, amount_micros=20 * MILLION, unit="USD"),
        )

    move = {"wallet": source, "to": target, "amount_micros": 10 * MILLION, "unit": "USD"}
    (made,) = await bucket.commands(command("transfer", "move", actor=actor, reason="holiday cover", **move))

    entry = orjson.loads(made.value)
    assert (entry["kind"], entry["actor"], entry["note"]) == ("transferred", actor, "holiday cover")
    assert (entry["wallet"], entry["amount_micros"]) == (source, -10 * MILLION)
    assert [(leg["wallet"], leg["amount_micros"]) for leg in entry["legs"]] == [(target, 10 * MILLION)]
