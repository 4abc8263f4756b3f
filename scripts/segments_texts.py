"""The texts whose parts are compared with other implementations: every boundary, every character, and random mixtures.

Leaves asking the others to `segments_record`. A text is written as runs (piece, times), so that a long one stays short.
"""

# ruff: noqa: RUF001  look-alike characters are what these texts are about

from __future__ import annotations

import random
from collections.abc import Iterator

from metering.rating.alphabet import BASIC, EXTENSION, NO_CHARACTER

Runs = list[tuple[str, int]]

# How many units fill one part, the first two, the first three: one less, just so many, one and two more.
GSM7_EDGES = sorted({edge + step for edge in (160, 153, 306, 459) for step in (-2, -1, 0, 1, 2)} | {0, 1, 2, 80})
UCS2_EDGES = sorted({edge + step for edge in (70, 67, 134, 201) for step in (-2, -1, 0, 1, 2)} | {1, 2, 35})
WIDE = ["я", "中", "ç", "ا", "ก", "한", "\u0301", "\u200d", "\ufe0f", "\ufffd"]
EMOJI = ["😀", "👍🏽", "👩‍👩‍👧‍👦", "🇩🇪", "☎️", "𝒜", "𠀀"]
TYPOGRAPHIC = "“”„‘’–—…•«»‹›′″´`¨ˆ˜\u00a0\u2009\u200b\u00ad€™©®°²½×÷"
LETTERS = "çÇğĞıİşŞáÁíÍóÓúÚâÂãÃêÊôÔõÕàÀèÈéÉñÑöÖüÜäÄåÅæÆøØßœŒłŁžŽčČřŘþÞðÐ"
LONE_SURROGATES = ("\ud83d", "\ude00", "\ude00\ud83d")
CONTROLS = "".join(chr(code) for code in (*range(32), 127))
RANDOM_TEXTS = 1300
SEED = 23038


def all_texts() -> Iterator[tuple[str, Runs]]:
    """Yield (kind, runs) of every text, always the same ones."""
    yield from boundary_texts()
    yield from pair_texts()
    for character in dict.fromkeys(BASIC.replace(NO_CHARACTER, "") + "".join(EXTENSION.values())):
        yield "alphabet", [(character, 1)]
        yield "alphabet", [(character, 100)]
    for character in dict.fromkeys(TYPOGRAPHIC + LETTERS + CONTROLS):
        yield "letter", [("ab", 1), (character, 1), ("c", 1)]
    for piece in EMOJI + WIDE:
        yield "wide", [(piece, 1)]
        yield "wide", [("Hi ", 1), (piece, 1)]
    for lone in LONE_SURROGATES:
        for count in (1, 67, 70, 71, 134):
            yield "lone surrogate", [(lone, count)]
            yield "lone surrogate", [("я", count - 1), (lone, 1), ("ж", 3)]
    yield from random_texts()


def boundary_texts() -> Iterator[tuple[str, Runs]]:
    """Yield texts of one character that just fill their parts, or just do not."""
    for edge in GSM7_EDGES:
        for character in ("a", "é", "\n"):
            yield "boundary", [(character, edge)]
        yield "boundary", [("€", edge // 2), ("a", edge % 2)]
    for edge in UCS2_EDGES:
        for character in ("я", "中", "ç"):
            yield "boundary", [(character, edge)]
        yield "boundary", [("😀", edge // 2), ("я", edge % 2)]
        yield "boundary", [("a", edge - 1), ("я", 1)]


def pair_texts() -> Iterator[tuple[str, Runs]]:
    """Yield texts with a pair of septets or of surrogates at, before and after every place where parts meet."""
    for edge in (153, 160, 306):
        for before in range(edge - 3, edge + 3):
            for rest in (0, 6, 7, 8, 152, 153, 154, 160):
                yield "pair", [("a", before), ("{", 1), ("b", rest)]
    for edge in (67, 70, 134):
        for before in range(edge - 3, edge + 3):
            for rest in (0, 2, 3, 4, 66, 67, 68):
                yield "pair", [("я", before), ("😀", 1), ("ж", rest)]
    for before in range(60, 75):
        yield "pair", [("я", before), ("👩‍👩‍👧‍👦", 1), ("ж", 70)]
    for count in (1, 79, 80, 160):
        yield "pair", [("x\r\n", count)]


def random_texts() -> Iterator[tuple[str, Runs]]:
    """Yield mixtures in runs of random length, from texts that are all GSM to texts that are all emoji."""
    source = random.Random(SEED)  # noqa: S311  the same texts every time, no secrets
    plain = ["a", "Z", "0", " ", "é", "Ω", "hello ", "your code is 123456. "]
    escaped = ["€", "{", "~", "\\", "[]"]
    kinds = [
        plain,
        plain + escaped,
        escaped,
        plain + WIDE[:6],
        WIDE[:6],
        WIDE[:6] + EMOJI[:1],
        EMOJI[:1],
        plain + EMOJI,
    ]
    for number in range(RANDOM_TEXTS):
        pieces = kinds[number % len(kinds)]
        runs = [
            (source.choice(pieces), source.choice((1, 1, 2, 3, 5, 8, 20, 66, 70, 100)))
            for _ in range(source.randint(1, 8))
        ]
        yield "random", runs
