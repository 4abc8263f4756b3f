"""What the scripts must hold, each as a scenario that fails when it does not. Leaves taking checks out to the tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from metering.contracts.entries import CustomerSettings, Position
from metering.ledger.codes import Code
from metering.ledger.head import Head
from metering.ledger.identity import fresh_token
from metering.ledger.records import BlocksByWallet
from metering.ledger.restore_part import PartMaker
from metering.ledger.state import BucketPosition, CustomerState, LotState, StateRecord, WalletState
from metering.ledger.till import Agreed, LedgerEnd, Lost, Restore, Stale
from tests.faults.bench import EMPTY, Bench, end_of, parts_of

RECORDS: tuple[StateRecord, StateRecord] = (
    CustomerState("acme", CustomerSettings(1, "payg-usd", "USD")),
    WalletState("acme", "main", "USD", 1, 0, 0, (LotState("0-2", "fro", 500, 0, 0, 2),), ()),
)
BOOKS = BucketPosition(2, "ab", 0, 2, clock_ms=1, timers_run=0)
BOOKS_HEAD = Head(2, "ab", Position(0, 2))
SLOTS = [0]
"""The one slot of the window at the clock of these books."""


async def stale_owner_is_refused(bench: Bench) -> None:
    """Two believe that the bucket is theirs: only the last to claim it is served."""
    old = await bench.first_owner()
    await bench.claim(old.head)
    assert isinstance(await old.top_up(100), Lost)
    assert await bench.balance() == 0


async def late_claimer_is_served(bench: Bench) -> None:
    """Whoever claims is served from then on."""
    old = await bench.first_owner()
    new = await bench.claim(old.head)
    assert isinstance(await bench.till.compare(new.token, end_of(old.head)), Agreed)


async def another_history_of_the_same_length_is_not_continued(bench: Bench) -> None:
    """Redis went back, and a call that was given up took effect after all: as entry 2, by another chunk id."""
    owner = await bench.first_owner()
    before, head_before = await bench.snapshot(), owner.head
    await owner.top_up(100)
    head_known = owner.head
    await bench.go_back(before)
    owner.head = head_before
    await owner.top_up(100)
    assert owner.head.seq == head_known.seq
    owner.head = head_known
    assert isinstance(await owner.top_up(50), Lost)


async def position_gone_back_is_noticed(bench: Bench) -> None:
    """Redis went back over a record that made no entry: the head is the same, the position is not."""
    owner = await bench.first_owner()
    before = await bench.snapshot()
    assert await owner.pass_over() is None
    await bench.go_back(before)
    assert isinstance(await owner.top_up(100), Lost)


async def answer_lost_is_repeated_from_the_outbox(bench: Bench) -> None:
    """The answer to a call was lost: the next call gets its entries, the same to the byte, and nothing is applied."""
    owner = await bench.first_owner()
    head = owner.head
    first = await owner.top_up(100)
    owner.head = head
    again = await owner.top_up(100)
    assert not isinstance(first, Lost | Stale)
    assert not isinstance(again, Lost | Stale)
    assert [made.value for made in again] == [made.value for made in first]
    assert await bench.balance() == 100


async def entries_of_another_history_are_not_taken_for_an_answer(bench: Bench) -> None:
    """Redis is ahead of the owner, but by another history than the owner's."""
    owner = await bench.first_owner()
    before, head_before = await bench.snapshot(), owner.head
    await owner.top_up(100)
    known = owner.head
    await bench.go_back(before)
    owner.head = head_before
    await owner.top_up(70)
    await owner.top_up(30)
    owner.head = known
    assert isinstance(await owner.top_up(50), Lost)


async def ledger_of_another_history_is_not_agreed_with(bench: Bench) -> None:
    """The ledger ends with entry 2 of one history, Redis has entry 2 of another."""
    owner = await bench.first_owner()
    before, head_before = await bench.snapshot(), owner.head
    await owner.top_up(100)
    published = end_of(owner.head)
    await bench.go_back(before)
    owner.head = head_before
    await owner.top_up(70)
    new = await bench.claim(owner.head)
    assert isinstance(await bench.till.compare(new.token, published), Restore)


async def old_snapshot_is_not_agreed_with(bench: Bench) -> None:
    """Redis came back from an old file: the ledger is ahead of it."""
    owner = await bench.first_owner()
    before = await bench.snapshot()
    await owner.top_up(100)
    published = end_of(owner.head)
    await bench.go_back(before)
    new = await bench.claim(owner.head)
    assert isinstance(await bench.till.compare(new.token, published), Restore)


async def empty_redis_is_not_agreed_with(bench: Bench) -> None:
    """Redis lost everything: nothing is applied to it and nothing agrees, however empty the ledger is."""
    owner = await bench.first_owner()
    await bench.redis.flushall()
    assert isinstance(await owner.top_up(100), Lost)
    new = await bench.claim(owner.head)
    assert isinstance(await bench.till.compare(new.token, end_of(owner.head)), Restore)
    assert isinstance(await bench.till.compare(new.token, LedgerEnd(0, "", 0)), Restore)
    assert isinstance(await new.top_up(100), Lost)


async def bucket_of_another_layout_is_restored(bench: Bench) -> None:
    """An older version of the scripts left the bucket, its records in a layout of its own: the books load it anew."""
    owner = await bench.first_owner()
    await bench.leave_in_another_layout()
    new = await bench.claim(owner.head)
    assert isinstance(await bench.till.compare(new.token, end_of(owner.head)), Restore)
    assert await bench.till.restore(new.token, BOOKS, 2, [], parts_of(RECORDS)) == 2
    new.head = BOOKS_HEAD
    assert isinstance(await new.top_up(100), list)
    assert await bench.balance() == 600


async def bucket_of_another_layout_is_not_applied_to(bench: Bench) -> None:
    """Redis went back to a file of an older version under an owner at work."""
    owner = await bench.first_owner()
    await bench.leave_in_another_layout()
    assert isinstance(await owner.top_up(100), Lost)


async def part_lost_in_mid_restore_is_noticed(bench: Bench) -> None:
    """Redis goes back in the middle of a restore: what was loaded before is gone, so the rest is not taken."""
    owner = await bench.claim(BOOKS_HEAD)

    async def parts() -> AsyncIterator[Sequence[StateRecord]]:
        begun = await bench.snapshot()
        yield [RECORDS[0]]
        await bench.go_back(begun)
        yield [RECORDS[1]]

    assert isinstance(await bench.till.restore(owner.token, BOOKS, 2, [], parts()), Lost)
    assert isinstance(await bench.till.compare(owner.token, end_of(BOOKS_HEAD)), Restore)


async def last_part_lost_is_noticed(bench: Bench) -> None:
    """Redis goes back when all is loaded and only the end is to be told: the bucket is not usable."""
    owner = await bench.claim(BOOKS_HEAD)

    async def parts() -> AsyncIterator[Sequence[StateRecord]]:
        begun = await bench.snapshot()
        yield [RECORDS[0]]
        yield [RECORDS[1]]
        await bench.go_back(begun)

    assert isinstance(await bench.till.restore(owner.token, BOOKS, 2, [], parts()), Lost)
    assert isinstance(await bench.till.compare(owner.token, end_of(BOOKS_HEAD)), Restore)


async def half_loaded_bucket_is_not_usable(bench: Bench) -> None:
    """The one who restored died half-way: neither it nor the next owner is served before a whole restore."""
    first = await bench.claim(BOOKS_HEAD)
    seen: list[object] = []

    async def parts() -> AsyncIterator[Sequence[StateRecord]]:
        yield [RECORDS[0]]
        seen.append(await first.top_up(100))
        second = await bench.claim(BOOKS_HEAD)
        seen.append(await bench.till.compare(second.token, end_of(BOOKS_HEAD)))
        seen.append(await second.top_up(100))
        yield [RECORDS[1]]

    seen.append(await bench.till.restore(first.token, BOOKS, 2, [], parts()))
    assert [type(one) for one in seen] == [Lost, Restore, Lost, Lost]


async def late_restore_does_not_wipe_a_living_bucket(bench: Bench) -> None:
    """A restore of an owner of before begins when the bucket is another's: it is refused, and nothing is gone."""
    old = fresh_token()
    await bench.till.claim(old)
    owner = await bench.first_owner()
    await owner.top_up(100)
    assert isinstance(await bench.till.restore(old, EMPTY, 0, [], parts_of()), Lost)
    assert await bench.balance() == 100
    assert not isinstance(await owner.top_up(50), Lost | Stale)


async def late_part_of_an_older_restore_is_refused(bench: Bench) -> None:
    """The parts of two restores do not mix."""
    old = fresh_token()
    await bench.till.claim(old)
    owner = await bench.claim(BOOKS_HEAD)
    late = PartMaker(SLOTS, BlocksByWallet([]), 1).make([RECORDS[0]]).arguments()
    answers: list[object] = []

    async def parts() -> AsyncIterator[Sequence[StateRecord]]:
        yield [RECORDS[0]]
        keys = bench.till.keys.fixed + bench.till.keys.slots(SLOTS)
        answers.extend(await bench.till._call("restore_chunk", keys, [old, 2, *late]))
        yield [RECORDS[1]]

    assert await bench.till.restore(owner.token, BOOKS, 2, [], parts()) == 2
    assert answers == [Code.LOST]
    assert await bench.balance() == 500


async def late_end_of_an_older_restore_is_refused(bench: Bench) -> None:
    """The end of an owner's restore does not open its successor's, which has not all of it yet."""
    old = fresh_token()
    await bench.till.claim(old)
    owner = await bench.claim(BOOKS_HEAD)
    answers: list[object] = []

    async def parts() -> AsyncIterator[Sequence[StateRecord]]:
        yield [RECORDS[0]]
        arguments = [old, 1, 2, "ab", 0, 2, 1, 0, 0, 0, 2]
        answers.extend(await bench.till._call("restore_end", [bench.till.keys.meta], arguments))
        answers.append(await owner.top_up(100))
        yield [RECORDS[1]]

    assert await bench.till.restore(owner.token, BOOKS, 2, [], parts()) == 2
    assert answers == [Code.LOST, Lost()]


async def zombie_does_not_trim_what_the_owner_has_not_published(bench: Bench) -> None:
    """An owner of before thinks that it has published; the outbox is its successor's now."""
    zombie = await bench.first_owner()
    await zombie.top_up(100)
    new = await bench.claim(zombie.head)
    assert await bench.till.trim(zombie.token, end_of(zombie.head)) is False
    assert await bench.outbox_seqs() == [2]
    agreed = await bench.till.compare(new.token, LedgerEnd(1, await bench.base_chunk(), 1))
    assert isinstance(agreed, Agreed)
    assert [record.last_seq for record in agreed.outbox] == [2]


async def entries_of_another_history_are_not_trimmed(bench: Bench) -> None:
    """What was published as entry 2 is not what Redis has as entry 2: that is not in the ledger yet."""
    owner = await bench.first_owner()
    before, head_before = await bench.snapshot(), owner.head
    await owner.top_up(100)
    published = end_of(owner.head)
    await bench.go_back(before)
    owner.head = head_before
    await owner.top_up(70)
    assert await bench.till.trim(owner.token, published) is False
    assert await bench.outbox_seqs() == [2]


async def price_of_old_settings_is_not_charged(bench: Bench) -> None:
    """The customer's settings changed after a chunk was priced: nothing is written, and it is priced again."""
    owner = await bench.first_owner()
    await owner.change_settings()
    assert await owner.top_up(100, version=1) == Stale("acme")
    assert await bench.balance() == 0
    assert not isinstance(await owner.top_up(100, version=2), Lost | Stale)
    assert await bench.balance() == 100
