"""Commands: what changes credit and settings. Leaves who may send them to the broker's ACLs and the API."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from metering.contracts.command_header import CommandHeader
from metering.contracts.fields import (
    MAIN_WALLET,
    Identifier,
    Label,
    Micros,
    NumberType,
    PhoneNumber,
    PositiveMicros,
    Unit,
)
from metering.contracts.states import LimitLevel, Window
from metering.contracts.user_commands import CloseUser, PutUser, SetAllotment
from metering.contracts.wallets import WalletMode


class OpenCustomer(CommandHeader, frozen=True, kw_only=True, tag="open_customer"):
    """Open a customer on a plan, with the wallet `main` in the plan's unit and the plan's alert rule."""

    plan: Identifier | None = None
    """Defaults to `payg-usd`."""
    time_zone: Annotated[str, Meta(max_length=64)] = "UTC"
    """IANA name, such as `Europe/Madrid`."""
    country: Annotated[str, Meta(pattern=r"^[A-Z]{2}$")] | None = None
    """ISO 3166-1 alpha-2; how numbers in national format are read."""


class TopUp(CommandHeader, frozen=True, kw_only=True, tag="top_up"):
    """Add bought credit to a wallet as a new lot. It pays what is overdrawn first."""

    amount_micros: PositiveMicros
    unit: Unit
    wallet: Identifier | None = None
    lot_kind: Identifier = "fro"
    """Lots are used in the order NRO, FRO (`nro`: lapses with its cycle, `fro`: forever)."""
    expires_at_ms: Annotated[int, Meta(gt=0, lt=2**53)] | None = None
    """When what is left of the lot lapses, in log time (Unix milliseconds); never when left out."""
    transferable: bool = True
    """Whether the credit may be moved to another wallet."""


class SetPlan(CommandHeader, frozen=True, kw_only=True, tag="set_plan"):
    """Put the customer on another plan, at any time. Its unit must be that of the customer's wallets.

    Bought credit is untouched; what becomes of granted credit is the new plan's `nro_on_plan_change`.
    """

    plan: Identifier


EquipmentId = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
"""The id of a plan's recurring fee, or of what waives one."""


class CancelPlan(CommandHeader, frozen=True, kw_only=True, tag="cancel_plan"):
    """End the plan: no more grants and fees. What was granted lapses as it would; what never lapses stays.

    Sends are denied `no_plan` until `set_plan`, unless the plan's policy lets credit be spent without one.
    """


class SetOptions(CommandHeader, frozen=True, kw_only=True, tag="set_options"):
    """Set what the customer has besides its plan. What is left out stays as it is."""

    rop: bool | None = None
    """Rollover protection: credit does not lapse while it is held."""
    equipment: Annotated[tuple[EquipmentId, ...], Meta(max_length=64)] | None = None
    """All that it has now: ids of the plan's recurring fees, and of what waives one."""
    time_zone: Annotated[str, Meta(max_length=64)] | None = None
    """IANA name. What has begun in the old one ends in it: a cycle, the expiry of a lot."""
    country: Annotated[str, Meta(pattern=r"^[A-Z]{2}$")] | None = None


class AddNumber(CommandHeader, frozen=True, kw_only=True, tag="add_number"):
    """Give the customer a phone number. The plan's `number_rental` row for it says what it costs, a month or cycle."""

    number: PhoneNumber
    number_type: NumberType | None = None
    """Chooses the row, as `sender_type` does for messages; its country is found by the number's prefix."""


class RemoveNumber(CommandHeader, frozen=True, kw_only=True, tag="remove_number"):
    """Take a phone number away: no more fees for it. What was charged stays charged."""

    number: PhoneNumber


class MarkSpam(CommandHeader, frozen=True, kw_only=True, tag="mark_spam"):
    """Block the customer for spam and take all its free credit away; repeated, what has come free since."""


class UnmarkSpam(CommandHeader, frozen=True, kw_only=True, tag="unmark_spam"):
    """Lift the block for spam and give back what was forfeited, with kinds and expiries."""


class SetAlert(CommandHeader, frozen=True, kw_only=True, tag="set_alert"):
    """Create or change one low-credit rule of a wallet. The level is reached from above at `available <= level`.

    The level is an amount or a percentage: with neither it is 0, with both it is the percentage.
    """

    level_micros: Micros | None = None
    percent: Annotated[int, Meta(ge=1, le=100)] | None = None
    """The level is that much of the last top-up, found anew with each; the rule is armed again right above it."""
    rearm_micros: Micros | None = None
    """Where the rule is armed again, above the level; one micro-unit above it when left out."""
    rule: Identifier | None = None
    """`default` when left out, `user:` and the user for one of a user."""
    user: Identifier | None = None
    """Whose rule it is: its alerts name the user. It watches the user's total where `main` is meant, the level is an
    amount and the user has an allotment; otherwise the wallet."""
    enabled: bool = True
    wallet: Identifier | None = None


class Suspend(CommandHeader, frozen=True, kw_only=True, tag="suspend"):
    """Deny every charge of the customer until `resume`. One block record for the customer."""


class Resume(CommandHeader, frozen=True, kw_only=True, tag="resume"):
    """End a suspension."""


class BlockSender(CommandHeader, frozen=True, kw_only=True, tag="block_sender"):
    """Block one sender by hand; only `unblock_sender` lifts it."""

    sender: Identifier


class UnblockSender(CommandHeader, frozen=True, kw_only=True, tag="unblock_sender"):
    """Lift every block of one sender, set by hand or for want of credit."""

    sender: Identifier


class Adjust(CommandHeader, frozen=True, kw_only=True, tag="adjust"):
    """Correct a wallet by an operator: plus adds credit as a lot, minus takes it, below zero if need be."""

    amount_micros: Micros
    unit: Unit
    wallet: Identifier | None = None


class PutLimit(CommandHeader, frozen=True, kw_only=True, tag="put_limit"):
    """Set a cap on what is spent in a window, or with `cap_micros` null take it away. What was used in it stays."""

    level: LimitLevel
    name: Identifier
    """Of the user, sender, campaign or wallet; a customer's own limit has the customer's name, whatever this says."""
    window: Window
    cap_micros: Micros | None
    carry: bool = False


class PutWallet(CommandHeader, frozen=True, kw_only=True, tag="put_wallet"):
    """Open a wallet in the customer's unit, or change what is said of one. What is left out stays, empty clears it."""

    wallet: Identifier | None = None
    """Left out: the `user` names it. An event that names only its user is charged to the wallet of that name."""
    kind: Literal["user", "team", "sub_account"] | None = None
    """Left out of a new wallet: `user` where it names one, else `sub_account`. `main` is always the company pool."""
    user: Annotated[str, Meta(max_length=128)] | None = None
    name: Label | None = None
    reference: Annotated[str, Meta(max_length=128)] | None = None
    keyword: Label | None = None


class FreezeWallet(CommandHeader, frozen=True, kw_only=True, tag="freeze_wallet"):
    """Keep what is in a wallet from being spent. It can be moved out; holds are settled as if nothing were."""

    wallet: Identifier


class ThawWallet(CommandHeader, frozen=True, kw_only=True, tag="thaw_wallet"):
    """End a freeze."""

    wallet: Identifier


class CloseWallet(CommandHeader, frozen=True, kw_only=True, tag="close_wallet"):
    """Close a wallet for good. What is in it goes to another; what it owes too, where the plan writes that off."""

    wallet: Identifier
    to: Identifier = MAIN_WALLET


class MergeWallets(CommandHeader, frozen=True, kw_only=True, tag="merge_wallets"):
    """Move all that is in `wallet`, or what it owes, into `to`, and close it."""

    wallet: Identifier
    to: Identifier


class Transfer(CommandHeader, frozen=True, kw_only=True, tag="transfer"):
    """Move free credit from `wallet` to `to`, both of this customer. Kind and expiry of the lots go along."""

    wallet: Identifier = MAIN_WALLET
    to: Identifier
    amount_micros: Micros
    unit: Unit
    accept_terms: bool = False
    """Must be true where the plan has transfer terms, and their version be named."""
    terms_version: Identifier | None = None
    """Of the terms that were accepted: kept with the entry."""
    started_from: Identifier | None = None
    """The end at which it was asked for, `wallet` when left out. `to` is refused where the plan moves outward only."""


class SetWalletMode(CommandHeader, frozen=True, kw_only=True, tag="set_wallet_mode"):
    """Set who holds and who pays: each user, each account, or one pool. No credit is lost on the way."""

    mode: WalletMode
    wallets: tuple[Identifier, ...] = ()
    """Of `shared_pool`: the wallets, at most 100, whose free credit goes into `main` with the same entry."""


class ReverseTopUp(CommandHeader, frozen=True, kw_only=True, tag="reverse_top_up"):
    """Take back what a top-up brought, after a refund or a chargeback: below zero where it is used already. Once."""

    top_up: Identifier
    """The id of the top-up's entry, as its answer has it."""
    amount_micros: PositiveMicros
    unit: Unit
    cause: Literal["refund", "chargeback"] = "refund"
    wallet: Identifier | None = None


class Tick(Struct, frozen=True, omit_defaults=True, tag_field="type", tag="tick", gc=False):
    """Written by a bucket's owner to its own partition when a timer is due and no input comes. Yields no entry."""

    due_at_ms: int


Command = (
    OpenCustomer
    | TopUp
    | SetPlan
    | SetAlert
    | Suspend
    | Resume
    | BlockSender
    | UnblockSender
    | CancelPlan
    | SetOptions
    | AddNumber
    | RemoveNumber
    | MarkSpam
    | UnmarkSpam
    | Adjust
    | PutLimit
    | PutWallet
    | FreezeWallet
    | ThawWallet
    | CloseWallet
    | MergeWallets
    | Transfer
    | SetWalletMode
    | ReverseTopUp
    | PutUser
    | SetAllotment
    | CloseUser
)
CommandRecord = Command | Tick
"""Whatever may stand in the `commands` topic."""
