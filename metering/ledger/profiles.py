"""Wallets' profiles, as the contracts have them and as Lua does. Leaves what they mean to the ledger's rules."""

from __future__ import annotations

from typing import Any

from metering.contracts.wallets import WalletProfile
from metering.ledger.wallet_codes import WalletKindCode, WalletStateCode


def make_profile(record: list[Any]) -> WalletProfile:
    """Return the profile in a record by `layout.Profile`."""
    state, kind, *texts = record
    return WalletProfile(
        WalletStateCode(state).name.lower(),  # type: ignore[arg-type]
        WalletKindCode(kind).name.lower(),  # type: ignore[arg-type]
        *(text or None for text in texts),
    )


def profile_record(profile: WalletProfile) -> list[Any]:
    """Return a profile as a record."""
    texts = (profile.user, profile.name, profile.reference, profile.keyword)
    codes = (WalletStateCode[profile.state.upper()].value, WalletKindCode[profile.kind.upper()].value)
    return [*codes, *(text or False for text in texts)]
