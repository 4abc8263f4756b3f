"""Who pays, by plan and mode, and commands about wallets as the worker prices them. On a real Valkey."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
import pytest_asyncio
from redis.asyncio import Redis

from metering.contracts.entries import LedgerEntry
from metering.contracts.topics import Topic
from metering.ledger.live import BucketReader, balance_of
from metering.ledger.made import EntryMade
from metering.worker.decoding import Rejected, decode_command
from metering.worker.outputs import side_outputs
from tests.worker.metered_bucket import MeteredBucket
from tests.worker.records import command, usage_event

SHIPPED = Path(__file__).parents[2] / "rates"
CREDIT = 1_000_000


class Office:
    """Customer acme with the users ann and ben, each with a wallet, in an installation with the shipped plans."""

    def __init__(self, redis: Redis) -> None:
        self.bucket = MeteredBucket(redis, SHIPPED)
        self.reader = BucketReader(redis, 0)
        self.entries: list[EntryMade] = []
        self._unit = "credit"

    async def open(self, plan: str, unit: str = "credit", **wallets: int) -> None:
        self._unit = unit
        await self.bucket.open()
        await self.do("open_customer", plan=plan)
        for user in ("ann", "ben"):
            await self.do("put_wallet", user=user)
        for wallet, credits_ in wallets.items():
            await self.do("top_up", wallet=wallet, amount_micros=credits_ * CREDIT, unit=unit)

    async def do(self, type_: str, **fields: Any) -> EntryMade:
        (made,) = await self.bucket.commands(command(type_, f"c-{len(self.entries)}", **fields))
        self.entries.append(made)
        return made

    async def move(self, amount: int, wallet: str, to: str, **fields: Any) -> EntryMade:
        return await self.do("transfer", wallet=wallet, to=to, amount_micros=amount * CREDIT, unit=self._unit, **fields)

    async def send(self, **data: Any) -> EntryMade:
        (made,) = await self.bucket.events(usage_event(f"e-{len(self.entries)}", **data))
        self.entries.append(made)
        return made

    async def available(self) -> dict[str, int]:
        """What is available in whole credits, by wallet."""
        found = await self.reader.wallets("acme")
        return {wallet.wallet: balance_of(wallet).available_micros // CREDIT for wallet in found}


@pytest_asyncio.fixture
async def office(fresh_redis: Redis) -> Office:
    return Office(fresh_redis)


def decided(made: EntryMade) -> tuple[str | None, str | None, str | None]:
    return made.effect.decision, made.effect.reason, made.effect.wallet


@pytest.mark.requirement("IU-02")
async def test_user_without_credit_is_denied_whatever_colleagues_and_pool_have(office: Office) -> None:
    await office.open("office-credits", ben=50, main=500)

    made = await office.send(user="ann")

    assert decided(made) == ("denied", "insufficient_credit", "ann")
    assert await office.available() == {"ann": 0, "ben": 50, "main": 500}


@pytest.mark.requirement("IU-10")
async def test_pool_pays_nothing_until_its_credit_is_in_the_users_wallet(office: Office) -> None:
    await office.open("office-credits", main=500)
    assert decided(await office.send(user="ann"))[:2] == ("denied", "insufficient_credit")
    assert decided(await office.send(wallet="main")) == ("denied", "pool_not_spendable", None)

    await office.move(5, "main", "ann", accept_terms=True, terms_version="2026-01")

    assert decided(await office.send(user="ann")) == ("allowed", None, "ann")
    assert (await office.available())["main"] == 495


@pytest.mark.requirement("IU-12")
async def test_who_sends_pays_also_in_anothers_name(office: Office) -> None:
    await office.open("office-credits", ann=10, ben=10)

    made = await office.send(user="ann", on_behalf_of="ben")

    assert decided(made) == ("allowed", None, "ann")
    assert orjson.loads(made.value)["on_behalf_of"] == "ben"
    assert (await office.available())["ben"] == 10


async def test_event_without_a_user_or_of_one_without_a_wallet_finds_nobody_to_pay(office: Office) -> None:
    await office.open("office-credits", main=10)

    for fields in ({}, {"user": "cleo"}, {"user": "main"}):
        assert decided(await office.send(**fields))[:2] == ("denied", "unknown_wallet")


async def test_what_has_happened_without_a_user_is_the_pools(office: Office) -> None:
    await office.open("office-credits", main=10)

    made = await office.send(type="usage.recorded", amount_micros=CREDIT)

    assert (made.effect.wallet, made.effect.amount_micros) == ("main", -CREDIT)


async def test_account_that_is_named_pays_and_none_means_the_pool_which_may_not(office: Office) -> None:
    await office.open("sub-accounts", ann=10, main=10)

    assert decided(await office.send(wallet="ann", user="ben"))[2] == "ann"
    assert decided(await office.send(user="ann"))[:2] == ("denied", "pool_not_spendable")


async def test_shared_pool_pays_whoever_sends(office: Office) -> None:
    await office.open("payg-usd", "USD", main=10, ann=10)

    assert decided(await office.send(user="ann")) == ("allowed", None, "main")


@pytest.mark.requirement("INF-16")
@pytest.mark.requirement("IU-01")
async def test_mode_that_is_set_says_who_pays_from_then_on(office: Office) -> None:
    await office.open("payg-usd", "USD", main=10, ann=10)

    to_users = await office.do("set_wallet_mode", mode="per_user")
    assert decided(await office.send(user="ann"))[2] == "ann"
    again = await office.do("set_wallet_mode", mode="per_user")
    back = await office.do("set_wallet_mode", mode="shared_pool", wallets=["ann", "ben"])

    assert (to_users.carried.actor, again.effect.reason) == ("tests", "already")
    assert back.effect.settings is not None
    assert back.effect.settings.wallet_mode == "shared_pool"
    assert decided(await office.send(user="ann"))[2] == "main"
    too_many = await office.do("set_wallet_mode", mode="shared_pool", wallets=[f"w{n}" for n in range(101)])
    assert too_many.effect.reason == "too_many"


@pytest.mark.requirement("IU-26")
@pytest.mark.requirement("C-15")
async def test_terms_have_to_be_accepted_where_the_plan_has_them(office: Office) -> None:
    await office.open("office-credits", main=10)

    refused = await office.move(5, "main", "ann")
    of_nothing = await office.move(5, "main", "ann", accept_terms=True)
    done = await office.move(5, "main", "ann", accept_terms=True, terms_version="2026-01")

    for made in (refused, of_nothing):
        assert (made.effect.kind, made.effect.reason) == ("refused", "terms_not_accepted")
    assert (done.effect.kind, done.carried.terms_version) == ("transferred", "2026-01")
    assert b'"terms_version":"2026-01"' in done.value


@pytest.mark.requirement("IU-25")
@pytest.mark.requirement("ES-10")
@pytest.mark.requirement("C-15")
@pytest.mark.parametrize(
    ("plan", "start", "reason"),
    [
        ("office-credits", "main", None),
        ("office-credits", "ann", None),
        ("sub-accounts", "main", None),
        ("sub-accounts", "ann", "transfers_outward_only"),
        ("sub-accounts", "ben", "unknown_wallet"),
    ],
)
async def test_transfer_is_started_from_either_end_or_from_its_source_alone(
    office: Office, plan: str, start: str, reason: str | None
) -> None:
    await office.open(plan, main=10)

    made = await office.move(5, "main", "ann", started_from=start, accept_terms=True, terms_version="2026-01")

    assert made.effect.reason == reason
    assert made.effect.kind == ("refused" if reason else "transferred")


@pytest.mark.requirement("C-15")
@pytest.mark.parametrize(
    ("plan", "unit", "kind", "reason"),
    [("sub-accounts", "credit", "transferred", None), ("simple-credits", "credit", "refused", "transfers_disabled")],
)
async def test_plan_says_whether_credit_moves_at_all(
    office: Office, plan: str, unit: str, kind: str, reason: str | None
) -> None:
    await office.open(plan, unit, main=10)

    made = await office.move(5, "main", "ann")

    assert (made.effect.kind, made.effect.reason) == (kind, reason)


@pytest.mark.requirement("IU-27")
@pytest.mark.requirement("IU-32")
async def test_answer_of_a_transfer_shows_both_balances_and_so_does_its_repeat(office: Office) -> None:
    await office.open("office-credits", main=10)
    again = command(
        "transfer",
        "t",
        wallet="main",
        to="ann",
        amount_micros=4 * CREDIT,
        unit="credit",
        accept_terms=True,
        terms_version="2026-01",
    )

    first, repeat = await office.bucket.commands(again, again)

    for made, is_repeat in ((first, False), (repeat, True)):
        (answer,) = [orjson.loads(o.value or b"") for o in side_outputs(made) if o.topic == Topic.ANSWERS]
        assert (answer["outcome"], answer.get("duplicate", False)) == ("done", is_repeat)
        assert (answer["amount_micros"], answer["after"]["available_micros"]) == (-4 * CREDIT, 6 * CREDIT)
        assert answer["legs"] == [
            {
                "wallet": "ann",
                "amount_micros": 4 * CREDIT,
                "after": {"available_micros": 4 * CREDIT, "held_micros": 0, "overdrawn_micros": 0},
            }
        ]
    assert decided(await office.send(user="ann"))[0] == "allowed"


@pytest.mark.requirement("ES-13")
async def test_alerts_of_a_transfer_name_the_wallet_and_what_is_available_there(office: Office) -> None:
    await office.open("office-credits", main=10)
    await office.do("set_alert", wallet="main", rule="mine", level_micros=8 * CREDIT)
    await office.send(user="ann")

    made = await office.move(5, "main", "ann", accept_terms=True, terms_version="2026-01")

    told = [orjson.loads(o.value or b"") for o in side_outputs(made) if o.topic == Topic.ALERTS]
    assert [(one["type"], one["data"]["wallet"], one["data"]["available_micros"]) for one in told] == [
        ("credit.low", "main", 5 * CREDIT),
        ("sender.unblocked", "ann", 5 * CREDIT),
    ]


@pytest.mark.requirement("IU-15")
async def test_every_change_leaves_an_entry_with_its_actor_and_they_add_up(office: Office) -> None:
    await office.open("office-credits", main=20)
    await office.move(5, "main", "ann", accept_terms=True, terms_version="2026-01")
    await office.send(user="ann", type="usage.recorded", amount_micros=CREDIT)
    await office.do("adjust", wallet="ann", amount_micros=-CREDIT, unit="credit", reason="wrong number")
    await office.do("freeze_wallet", wallet="ann")
    await office.do("reverse_top_up", top_up="0-4", amount_micros=2 * CREDIT, unit="credit", cause="refund")

    entries = [orjson.loads(made.value) for made in office.bucket.entries]
    sums: dict[str, int] = {}
    for entry in entries:
        assert "event" in entry or entry["actor"] == "tests"
        for side in (entry, *entry.get("legs", ())):
            if side.get("wallet"):
                sums[side["wallet"]] = sums.get(side["wallet"], 0) + side.get("amount_micros", 0) // CREDIT
    assert [entry["kind"] for entry in entries[3:]] == [
        "topped_up",
        "transferred",
        "debited",
        "adjusted",
        "frozen",
        "reversed",
    ]
    assert sums == {"main": 13, "ann": 3, "ben": 0} == await office.available()
    assert all(orjson.loads(made.value).keys() <= set(LedgerEntry.__struct_fields__) for made in office.bucket.entries)


@pytest.mark.requirement("ES-04")
@pytest.mark.parametrize(("name", "fits"), [("ñ" * 50, True), ("ñ" * 51, False), ("😀" * 50, True)])
def test_name_has_at_most_fifty_characters_whatever_they_take_as_bytes(name: str, *, fits: bool) -> None:
    read = decode_command(command("put_wallet", wallet="w", name=name))

    assert isinstance(read, Rejected) is not fits


@pytest.mark.requirement("INF-07")
def test_transfer_without_a_number_is_no_command() -> None:
    read = decode_command(command("transfer", to="w", amount_micros="all", unit="credit"))

    assert isinstance(read, Rejected)
