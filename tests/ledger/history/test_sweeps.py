"""What concerns all wallets of a customer with many: a bounded part with each entry, to the last. On both buckets."""

from __future__ import annotations

import pytest

from tests.ledger.history.story import DAY, Entry, Story, told
from tests.ledger_model.inputs import PutWallet, SetOptions, Transfer
from tests.ledger_model.spam_inputs import MarkSpam, UnmarkSpam

WALLETS = 300


async def open_many(story: Story, credit: int, **fields: object) -> None:
    """A customer with 300 wallets besides `main`, each with one lot of that credit."""
    await story.open("resumes", credit=0)
    await story.tick()
    header = {"at": story.now, "customer": "anna"}
    for n in range(WALLETS):
        await story.do(PutWallet(**header, id=f"w{n}", wallet=f"w{n:03}"))  # type: ignore[arg-type]
        await story.top_up(credit, wallet=f"w{n:03}", **fields)


async def finish_sweep(story: Story) -> list[Entry]:
    """Let time pass until nothing more falls due; the effects."""
    made: list[Entry] = []
    while True:
        story.wait(250)
        effects = await story.tick()
        made += effects
        if not effects:
            return made


def taken(entries: list[Entry]) -> list[str]:
    """The wallets, besides `main`, whose credit entries moved."""
    return [leg["wallet"] for entry in entries for leg in entry["legs"]]


@pytest.mark.requirement("PL-09")
async def test_all_of_many_wallets_forfeit_and_are_given_back_part_by_part(story: Story) -> None:
    await open_many(story, 2)
    names = [f"w{n:03}" for n in range(WALLETS)]

    marked = await story.command(MarkSpam)
    rest = await finish_sweep(story)
    returned = await story.command(UnmarkSpam)
    back = await finish_sweep(story)

    assert len(marked["legs"]) == 128, "each wallet and its lot are two of the 256 that one entry goes through"
    assert [told(entry, "kind", "reason") for entry in rest] == [("forfeited", "spam")] * 2
    assert taken([marked, *rest]) == names
    assert [leg["amount"] for leg in marked["legs"]] == [-2] * 128
    assert [told(entry, "kind", "reason") for entry in back] == [("given_back", "spam")]
    assert taken([returned, *back]) == names, "in which no lot was left, so that twice as many go with one entry"


@pytest.mark.requirement("PL-09")
async def test_what_is_unmarked_while_it_is_still_taken_away_comes_back_whole(story: Story) -> None:
    await open_many(story, 2)
    marked = await story.command(MarkSpam)

    returned = await story.command(UnmarkSpam)

    assert taken([returned, *await finish_sweep(story)]) == taken([marked])


@pytest.mark.requirement("PL-12")
async def test_rollover_protection_comes_to_all_of_many_wallets(story: Story) -> None:
    expires_at = story.now + 3 * DAY
    await open_many(story, 2, lot_kind="nro", expires_at=expires_at)

    await story.command(SetOptions, rop=True)
    await finish_sweep(story)
    story.now = expires_at

    assert await story.tick() == []


async def test_wallet_opened_in_the_same_call_is_among_them(story: Story) -> None:
    await story.open(credit=5)
    header = {"at": story.now, "customer": "anna"}

    made = await story.do_all(
        [
            PutWallet(**header, id="p", wallet="late"),  # type: ignore[arg-type]
            Transfer(**header, id="t", to="late", amount=3),  # type: ignore[arg-type]
            MarkSpam(**header, id="m"),  # type: ignore[arg-type]
        ]
    )

    assert [leg["amount"] for leg in made[-1]["legs"]] == [-3]
