"""The GSM 7-bit default alphabet and its extension table (3GPP TS 23.038, section 6.2.1).

Leaves counting parts to `segments` and other languages' tables to `national`.
"""

from __future__ import annotations

# Position in the string is the septet. 0x1B is the escape to the extension table and stands for no character.
BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅå"
    "Δ_ΦΓΛΩΠΨΣΘΞ\ufffeÆæßÉ"
    " !\"#¤%&'()*+,-./"
    "0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNO"
    "PQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmno"
    "pqrstuvwxyzäöñüà"
)
ESCAPE = 0x1B
# A code point that is no character; the codec machinery reads it as "nothing here".
NO_CHARACTER = "\ufffe"

# Each costs two septets: the escape and this one. Form feed is "page break" in the standard.
EXTENSION = {
    0x0A: "\f",
    0x14: "^",
    0x28: "{",
    0x29: "}",
    0x2F: "\\",
    0x3C: "[",
    0x3D: "~",
    0x3E: "]",
    0x40: "|",
    0x65: "€",
}
