"""Codes and positions of wallets' profiles. Leaves all others to `codes`: add at the end, never renumber."""

from __future__ import annotations

from enum import IntEnum


class WalletStateCode(IntEnum):
    """Whether a wallet may be used."""

    ACTIVE = 0
    FROZEN = 1
    CLOSED = 2


class WalletKindCode(IntEnum):
    """Whom a wallet is for."""

    COMPANY_POOL = 0
    USER = 1
    TEAM = 2
    SUB_ACCOUNT = 3


class Level(IntEnum):
    """What a block holds back."""

    CUSTOMER = 1
    WALLET = 2
    SENDER = 3
    USER = 4


class Profile(IntEnum):
    """Positions in a wallet's profile. Texts are false where there are none."""

    STATE = 1
    KIND = 2
    USER = 3
    NAME = 4
    REFERENCE = 5
    KEYWORD = 6
