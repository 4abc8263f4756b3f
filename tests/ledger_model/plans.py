"""Changes of plan, cancelling it, and a customer's options. Leaves grants to `cycles`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tests.ledger_model import alerts, allotments, blocks, changes, cycles, fees, lots, numbers, sweeps
from tests.ledger_model.anniversaries import month_at, months_passed
from tests.ledger_model.calendar import months_of
from tests.ledger_model.inputs import CancelPlan, SetOptions, SetPlan
from tests.ledger_model.plan_state import Cycle, Fee, Plan, Sweep
from tests.ledger_model.state import Customer

RUNS_MAX = 24

if TYPE_CHECKING:
    from tests.ledger_model.bucket import Bucket


def set_plan(bucket: Bucket, customer: Customer, given: SetPlan) -> dict[str, Any]:
    """Refused `unknown_plan`, `wrong_unit`. Version + 1, no longer blocked for `no_plan`: `settings_changed`."""
    if given.plan not in bucket.plans:
        return bucket.entry(given, "refused", reason="unknown_plan")
    plan = bucket.plans[given.plan]
    if plan.unit != customer.unit:
        return bucket.entry(given, "refused", reason="wrong_unit")
    change = changes.begin(customer, customer.wallets["main"])
    change.blocks += blocks.change_customer(bucket, customer, "no_plan", sets=False)
    terms = allotments.terms_image(bucket, customer)
    months_before = customer.cycle_months
    customer.plan, customer.cycle_months = given.plan, plan.cycle_months
    customer.version += 1
    was_known = customer.cycle is not None
    cycle = customer.cycle or Cycle(months_before)
    runs_before = cycle.runs or [(0, cycle.months)]
    plan_next(bucket, change, cycle, plan, is_new=not was_known)
    cycle.runs = runs_with(runs_before, cycle.next_month, cycle.months)
    fees.take(bucket, customer, cycle, fees_for(plan, customer.equipment))
    if was_known or cycle.grant > 0 or cycle.fees:
        customer.cycle = cycle
    numbers.put_fees(bucket, customer, plan, cycle)
    cycles.set_timer(bucket, customer)
    told = allotments.about_plan(bucket, change)
    if customer.has_terms and allotments.terms_image(bucket, customer) != terms:
        change.terms = allotments.terms_image(bucket, customer)
    alerts.replace_rules(change, plan)
    others = sweeps.begin(bucket, change, "rules", Sweep(on=False, plan=plan))
    return changes.finish(
        bucket, change, given, "settings_changed", *others, settings=customer.settings, allotment=told
    )


def runs_with(runs: list[tuple[int, int]], month: int, months: int) -> list[tuple[int, int]]:
    """From that month on cycles are so long. A run that goes on as it was is no new one; 24 are remembered."""
    kept = [run for run in runs if run[0] < month]
    goes_on = bool(kept) and kept[-1][1] == months and month in months_of(kept[-1:], month)
    return (kept if goes_on or (kept and kept[-1][1] == months == 0) else [*kept, (month, months)])[-RUNS_MAX:]


def rule_replacer(bucket: Bucket, customer: Customer, sweep: Sweep) -> sweeps.Act:
    """The rules of the plan that was set, in a wallet other than `main`."""

    def act(change: changes.Change) -> None:
        if change.wallet.name != "main" and sweep.plan is not None:
            alerts.replace_rules(change, sweep.plan)

    return act


sweeps.ACTS["rules"] = rule_replacer


def plan_next(bucket: Bucket, change: changes.Change, cycle: Cycle, plan: Plan, *, is_new: bool) -> None:
    """The new terms. Granted credit runs on to its end, or lapses now and the new grant comes: whole, or the share of
    what is left of the cycle, in whole seconds, rounded down.
    """
    customer, now = change.customer, bucket.clock
    is_due = 0 < cycle.next_at <= now
    is_running = cycle.ends_at > now
    same_months = not is_new and cycle.months == plan.cycle_months
    cycle.months, cycle.grant, cycle.kind, cycle.notice = plan.cycle_months, plan.grant, plan.grant_kind, plan.notice
    cycle.cancelled = False
    cycle.next_amount = plan.grant
    if plan.on_change != "keep_to_cycle_end" and not customer.rop:
        for lot in change.wallet.lots:
            if lot.kind == "nro":
                lots.change_expiry(bucket, change.wallet, lot, now, 0)
    if plan.grant == 0:
        cycle.next_at = 0
        return
    if is_due:
        return
    if is_running and plan.on_change == "keep_to_cycle_end":
        cycle.next_at = cycle.ends_at
        return
    begins = cycle.next_month - plan.cycle_months if is_running and same_months else months_passed(customer, now)
    cycle.next_at, cycle.next_month = now, begins
    if plan.on_change == "prorate" and plan.cycle_months:
        starts, ends = month_at(customer, begins), month_at(customer, begins + plan.cycle_months)
        cycle.next_amount = plan.grant * ((ends - now) // 1000) // ((ends - starts) // 1000)


def fees_for(plan: Plan, equipment: list[str]) -> dict[str, Fee]:
    """The plan's fees for what the customer has."""
    return {name: fee for name, fee in plan.fees.items() if name in equipment}


def cancel_plan(bucket: Bucket, customer: Customer, given: CancelPlan) -> dict[str, Any]:
    """Refused `already`. No more grants and fees; blocked `no_plan` unless credit is spendable: `plan_cancelled`."""
    cycle = customer.cycle or Cycle(customer.cycle_months)
    if cycle.cancelled:
        return bucket.entry(given, "refused", reason="already")
    customer.cycle = cycle
    change = changes.begin(customer, customer.wallets["main"])
    if not bucket.plan_of(customer).spendable_without:
        change.blocks += blocks.change_customer(bucket, customer, "no_plan", sets=True)
    cycle.cancelled = True
    cycle.grant = cycle.next_at = cycle.next_amount = 0
    fees.take(bucket, customer, cycle, {})
    numbers.put_fees(bucket, customer, bucket.plan_of(customer), cycle)
    cycles.set_timer(bucket, customer)
    told = allotments.about_plan(bucket, change)
    return changes.finish(bucket, change, given, "plan_cancelled", settings=customer.settings, allotment=told)


def set_options(bucket: Bucket, customer: Customer, given: SetOptions) -> dict[str, Any]:
    """Refused `invalid_time_zone`. Version + 1; what is given changes: `settings_changed`."""
    if given.time_zone is not None and given.time_zone not in TIME_ZONES:
        return bucket.entry(given, "refused", reason="invalid_time_zone")
    plan = bucket.plan_of(customer)
    main = changes.begin(customer, customer.wallets["main"])
    others: list[changes.Change] = []
    if given.rop is not None and given.rop != customer.rop:
        customer.rop = given.rop
        others = change_expiries(bucket, main, plan)
    customer.time_zone = given.time_zone or customer.time_zone
    customer.country = given.country or customer.country
    if given.equipment is not None:
        customer.equipment = sorted(set(given.equipment))
        cycle = customer.cycle or Cycle(customer.cycle_months)
        fees.take(bucket, customer, cycle, {} if cycle.cancelled else fees_for(plan, customer.equipment))
        if customer.cycle is not None or cycle.fees:
            customer.cycle = cycle
    customer.version += 1
    return changes.finish(bucket, main, given, "settings_changed", *others, settings=customer.settings)


def change_expiries(bucket: Bucket, main: changes.Change, plan: Plan) -> list[changes.Change]:
    """Protection keeps what has not lapsed yet, where it covers what is held; without it NRO may lapse again."""
    customer, cycle = main.customer, main.customer.cycle
    if customer.rop and plan.rop_covers_all:
        return sweeps.begin(bucket, main, "rop", Sweep(on=True))
    if not customer.rop and plan.rop_resumes and cycle is not None and cycle.ends_at > bucket.clock:
        return sweeps.begin(bucket, main, "rop", Sweep(on=False, expires=cycle.ends_at, notice=cycle.notice))
    return []


def expiry_changer(bucket: Bucket, customer: Customer, sweep: Sweep) -> sweeps.Act:
    """What protection does to the lots of a wallet."""
    now = bucket.clock
    notice = lots.notice_for(sweep.expires, sweep.notice, now)

    def act(change: changes.Change) -> None:
        for lot in change.wallet.lots:
            if sweep.on and lot.expires_at is not None and lot.expires_at > now:
                lots.change_expiry(bucket, change.wallet, lot, None, 0)
            elif not sweep.on and lot.kind == "nro" and lot.expires_at is None:
                lots.change_expiry(bucket, change.wallet, lot, sweep.expires, notice)

    return act


sweeps.ACTS["rop"] = expiry_changer

TIME_ZONES = ("UTC", "Europe/Madrid", "America/New_York")
"""Those that there are."""

RULES: dict[type, Callable[[Bucket, Customer, Any], dict[str, Any]]] = {
    SetPlan: set_plan,
    CancelPlan: cancel_plan,
    SetOptions: set_options,
}
