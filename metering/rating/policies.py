"""Every policy a plan can set, with its default: the two sides of what existing products do differently.

Leaves applying them to the capability that owns the behaviour.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

WalletMode = Literal["per_user", "shared_pool", "per_account"]
Payer = Literal["actor_user", "account", "pool"]
Role = Literal["owner", "admin", "admin_plus", "office_manager", "user", "billing", "account", "customer_admin"]
# At most nine digits before the point: as micro-units below 2^53, so that reading one cannot fail later.
Amount = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,9}(\.[0-9]{1,6})?$")]
Days = Annotated[int, msgspec.Meta(ge=0, le=36_500)]


class _Strict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Tax(_Strict, frozen=True):
    """Tax on purchases: `rate_percent` as a decimal string, on top of the net amount or contained in it."""

    rate_percent: Amount = "0"
    mode: Literal["exclusive", "inclusive"] = "exclusive"


class PurchaseBounds(_Strict, frozen=True):
    """Smallest and largest single purchase in the wallet's unit, both included; None leaves that end open."""

    min: Amount | None = None
    max: Amount | None = None


class AdminReserve(_Strict, frozen=True):
    """Credit kept back for admins when allotments are assigned: an amount, or a percentage of the plan's credit."""

    amount: Amount = "0"
    percent: Annotated[int, msgspec.Meta(ge=0, le=100)] = 0


class FrozenBalance(_Strict, frozen=True):
    """Who may move a frozen wallet's balance out, and whether granting the permission again thaws it."""

    transferable_by: tuple[Literal["master", "office_manager", "self"], ...] = ("master", "office_manager", "self")
    regrant_thaws: bool = True


class Policies(_Strict, frozen=True):
    """The switches of a plan; amounts are decimal strings in the plan's unit.

    The numbers (C-..) are of the contradictions between products that a switch settles: docs/rates-format.md.
    """

    # Who holds and who pays
    wallet_mode: WalletMode = "shared_pool"
    payer: Payer = "pool"  # C-27
    pool_spendable: bool = True  # C-08
    overdraft_limit: Amount = "0"  # C-04: 0 is strict
    lot_kinds: tuple[Literal["nro", "fro", "credit"], ...] = ("credit",)

    # Blocking
    block_scope: Literal["outbound_only", "all_features"] = "outbound_only"  # C-01
    block_level: Literal["0", "alert_level"] = "0"  # C-02
    lock_exempt: tuple[Literal["recharge", "reports", "support"], ...] = ("recharge", "reports", "support")  # C-30
    inbound_chargeable_when_empty: Literal["accept_without_forwarding", "forward_into_negative", "refuse"] = (
        "accept_without_forwarding"  # C-07
    )

    # Broadcasts and schedules
    scheduled_shortfall: Literal["send_until_flag", "all_or_nothing"] = "all_or_nothing"  # C-03
    broadcast_grant: Literal["all_or_none", "covered_part"] = "all_or_none"
    call_grant: Literal["all_or_none", "covered_part"] = "all_or_none"
    insufficient_at_create: Literal["warn", "refuse"] = "warn"  # C-25
    hold_headroom_steps: Annotated[int, msgspec.Meta(ge=0, le=60)] = 1  # C-22: billing increments of a call

    # Lots and plan changes
    fro_without_plan: Literal["dormant", "spendable"] = "dormant"  # C-18
    nro_on_plan_change: Literal["keep_to_cycle_end", "replace", "prorate"] = "keep_to_cycle_end"
    rop_scope: Literal["all_lots_held", "granted_while_active"] = "all_lots_held"  # C-19
    expiry_notice_days: Days = 7  # before a lot lapses; 0 = no notice
    rop_lapse: Literal["keep_protected_lots", "resume_expiry"] = "keep_protected_lots"  # C-19

    # Allotments
    user_allotment_rollover: Literal["always", "only_with_rop", "never"] = "always"  # C-05
    total_cap_basis: Literal["plan_credits", "company_total"] = "plan_credits"  # C-29
    admin_reserve: AdminReserve = AdminReserve()
    allotment_raise_effect: Literal["immediate", "next_period"] = "immediate"
    delete_negative_user: Literal["write_off_to_pool", "refuse"] = "write_off_to_pool"  # C-17

    # Purchases and tax
    purchase_mode: Literal["quantity", "packs", "amount"] = "quantity"  # C-31
    purchase_bounds: PurchaseBounds = PurchaseBounds()
    purchase_roles: tuple[Role, ...] = ("owner", "admin", "billing")  # C-11
    self_purchase: bool = True
    single_pending_payment: bool = False  # C-26
    tax: Tax = Tax()  # C-24

    # Transfers and who sees what
    transfer_terms_required: bool = False  # C-15
    transfer_directions: Literal["both", "outward", "none"] = "both"  # C-15
    office_match: Literal["any", "primary_only"] = "any"
    cross_office_transfer: bool = True
    manager_list_scope: Literal["offices", "all"] = "offices"  # C-10
    frozen_balance: FrozenBalance = FrozenBalance()  # C-09
    show_frozen_wallets: bool = True  # C-09

    # Views: storage keeps everything; 0 = no limit
    log_window_days: Days = 0  # C-16
    usage_export_months: Annotated[int, msgspec.Meta(ge=0, le=1200)] = 0  # C-16
    invoice_list_since: str | None = None  # C-16: an ISO date

    # Notices and alerts
    charge_notices: bool = False  # C-28
    alert_level_editable: bool = True  # C-12

    # Rating
    reprocess_mode: Literal["add", "replace"] = "add"  # C-21
    reprocessing_enabled: bool = True
    voicemail_without_forwarding: bool = True
    transcription_includes_recording: bool = False  # C-20
