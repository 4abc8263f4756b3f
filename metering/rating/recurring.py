"""Fees by month or cycle, and the sender types that need one.

Leaves when they fall due to the ledger's cycles and what a customer has to the accounts.
"""

from __future__ import annotations

from collections.abc import Collection

from metering.rating.plan_file import PlanFile, Recurring


def fees_due(plan: PlanFile, equipment: Collection[str]) -> tuple[Recurring, ...]:
    """Return the fees of a customer who has `equipment` (ids of fees taken, and of what waives a fee)."""
    return tuple(fee for fee in plan.recurring if fee.id in equipment and fee.waived_by not in equipment)


def is_sender_type_enabled(plan: PlanFile, sender_type: str | None, equipment: Collection[str]) -> bool:
    """Say whether the customer may send from `sender_type`.

    Always, unless a fee stands for it and neither the fee is taken nor what waives it is there.
    """
    fees = [fee for fee in plan.recurring if fee.sender_type == sender_type and sender_type is not None]
    return not fees or any(fee.id in equipment or fee.waived_by in equipment for fee in fees)
