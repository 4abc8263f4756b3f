"""Typographic characters and their plain look-alikes in the GSM alphabet, for plans that replace them.

Leaves whether a plan does to `texts`. The choice of characters is ours, made after what word processors and phones
put in by themselves; letters are never replaced.
"""

from __future__ import annotations

from collections.abc import Mapping

_LOOK_ALIKES = {
    '"': "“”„‟«»″‶〝〞＂ʺˮ❝❞",
    "'": "‘’‚‛′‵ʹʻʼʽˈˊˋ´`❛❜＇",
    "-": "‐‑‒–—―−⁃﹘﹣－",
    "*": "•∗⁎＊",
    "/": "⁄∕⧸／÷",
    "<": "‹＜",
    ">": "›＞",
    "!": "ǃ！",
    "?": "？",
    ",": "‚，",
    ".": "．․",
    ":": "：∶",
    ";": "；",
    "(": "（❨❪",
    ")": "）❩❫",
    "[": "［",
    "]": "］",
    "~": "∼〜～˜",
    "_": "＿",
    "|": "｜∣ǀ",
    "#": "＃",
    "%": "％",
    "&": "＆",
    "+": "＋",
    "=": "＝",
    "@": "＠",
    "^": "ˆ＾",
    "...": "…",
    "1/4": "¼",
    "1/2": "½",
    "3/4": "¾",
    # Spaces of every width, and the separators that phones show as one.
    " ": "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000\t",
    "\n": "\u0085\u2028\u2029\u000b",
    # Without width: marks that steer line breaks and direction. Joiners stay, scripts and emoji need them.
    "": "\u00ad\u200b\u200e\u200f\u2060\ufeff",
}

SMART: Mapping[int, str] = {
    ord(character): plain for plain, characters in _LOOK_ALIKES.items() for character in characters
}
