"""What is said of wallets. Leaves what is in them to `entries`."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

WalletMode: TypeAlias = Literal["per_user", "shared_pool", "per_account"]
"""Who holds a customer's credit and pays."""


class WalletProfile(Struct, frozen=True, omit_defaults=True, gc=False):
    """Whom a wallet is for, whether it may be used, and what it is called. The wallet `main` is the company pool."""

    state: Literal["active", "frozen", "closed"] = "active"
    """What is in a `frozen` one can be moved out and not spent; a `closed` one is empty for good."""
    kind: Literal["company_pool", "user", "team", "sub_account"] = "company_pool"
    user: str | None = None
    name: str | None = None
    reference: str | None = None
    keyword: str | None = None
