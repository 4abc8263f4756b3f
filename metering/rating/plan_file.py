"""A plan as its YAML file writes it, typed and with a place for every mistake.
Leaves compiling it with its decks to `plan`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
import yaml

from metering.rating.money import AMOUNT_MICROS_MAX, Rounding, RoundingMode, parse_micros
from metering.rating.policies import Amount, Policies
from metering.rating.problems import Problem

PositiveInt = Annotated[int, msgspec.Meta(ge=1, le=10**12)]
Seconds = Annotated[int, msgspec.Meta(ge=1, le=31 * 86_400)]
Identifier = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
IndicLanguage = Literal[
    "bengali", "gujarati", "hindi", "kannada", "malayalam", "oriya", "punjabi", "tamil", "telugu", "urdu"
]
SingleShift = Literal["turkish", "spanish", "portuguese"] | IndicLanguage
LockingShift = Literal["turkish", "portuguese"] | IndicLanguage
HeldChannel = Literal["sms", "mms", "voice", "conversation", "broadcast"]
MeteredChannel = Literal["sms", "mms", "voice", "conversation"]

# How long a hold waits for its outcome. Messages: 72 hours, the longest validity period that carriers commonly keep
# trying for; a call: longer than calls are let run; a conversation: the 24-hour window it is sold by.
HOLD_SECONDS_DEFAULT: dict[str, int] = {
    "sms": 259_200,
    "mms": 259_200,
    "broadcast": 259_200,
    "voice": 14_400,
    "conversation": 86_400,
}


class _Strict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class RoundingChoice(_Strict, frozen=True):
    """`step` is a decimal amount: every charged line is a multiple of it."""

    mode: RoundingMode
    step: Amount = "0.000001"


class TableRef(_Strict, frozen=True):
    """A deck or surcharge table, as a path under the rates directory; `time_zone` governs its dates and bands."""

    file: str
    time_zone: str = "UTC"


class SegmentOptions(_Strict, frozen=True):
    """How texts are counted beyond the default alphabet: typographic characters replaced, national tables tried."""

    smart: bool = False
    single_shift: tuple[SingleShift, ...] = ()
    locking_shift: tuple[LockingShift, ...] = ()


class AlertRule(_Strict, frozen=True):
    """A low-credit rule: fires at or below `level`, re-arms at or above `rearm` (default: anything above the level)."""

    level: Amount
    rearm: Amount | None = None
    enabled: bool = True
    scope: Literal["customer", "wallet", "user"] = "wallet"
    editable: bool = True
    repeat: Literal["once_per_crossing", "daily"] = "once_per_crossing"
    channels: tuple[Literal["email", "sms", "in_app", "banner", "popup", "mobile"], ...] = ("email",)
    recipients: tuple[str, ...] = ()

    @property
    def level_micros(self) -> int:
        """The level in micro-units of the plan's unit."""
        return parse_micros(self.level)

    @property
    def rearm_micros(self) -> int:
        """The re-arm level in micro-units; always above the level."""
        return max(parse_micros(self.rearm or self.level), self.level_micros + 1)


class Grant(_Strict, frozen=True):
    """Credit put into the pool at each cycle start."""

    amount: Amount
    kind: Literal["nro", "fro", "credit"] = "credit"


class Pack(_Strict, frozen=True):
    """A one-time purchase: `credit` of the plan's unit for `price` in `currency`."""

    id: Identifier
    credit: Amount
    price: Amount
    currency: Annotated[str, msgspec.Meta(pattern="^[A-Z]{3}$")]
    kind: Literal["nro", "fro", "credit"] = "credit"


class Recurring(_Strict, frozen=True):
    """A fee by month or cycle. `sender_type` is usable only with the fee or with the equipment that waives it."""

    id: Identifier
    price: Amount
    currency: str
    every: Literal["month", "cycle"] = "month"
    sender_type: str | None = None
    waived_by: str | None = None


class Scope(_Strict, frozen=True):
    """Which lines a counter applies to; empty lists mean all."""

    channel: MeteredChannel
    direction: Literal["outbound", "inbound", "forwarded"] = "outbound"
    countries: tuple[str, ...] = ()
    sender_types: tuple[str, ...] = ()
    conversation_classes: tuple[str, ...] = ()


class Included(_Strict, frozen=True):
    """The first `quantity` units (parts, messages, billed seconds, ...) of each window are free."""

    counter: Identifier
    scope: Scope
    quantity: PositiveInt
    window: Literal["month", "cycle"] = "cycle"


class Step(_Strict, frozen=True):
    """Units up to and including the `up_to`-th (None = the rest) cost `price`, or `percent` of the row's price."""

    up_to: PositiveInt | None = None
    price: Amount | None = None
    percent: Annotated[int, msgspec.Meta(ge=0, le=1000)] | None = None


class Tiers(_Strict, frozen=True):
    """Volume prices: `graduated` charges each unit by its own step, `volume` all of a line by the step it ends in."""

    counter: Identifier
    scope: Scope
    mode: Literal["graduated", "volume"]
    steps: Annotated[tuple[Step, ...], msgspec.Meta(min_length=1, max_length=20)]
    window: Literal["month", "cycle"] = "month"


class PlanFile(_Strict, frozen=True):
    """A plan file. `unit` is an ISO 4217 currency or `credit`."""

    id: Identifier
    title: str
    unit: Annotated[str, msgspec.Meta(pattern="^([A-Z]{3}|credit)$")]
    rounding: RoundingChoice
    decks: Annotated[tuple[TableRef, ...], msgspec.Meta(min_length=1)]
    surcharges: tuple[TableRef, ...] = ()
    cycle: Literal["monthly", "yearly", "none"] = "monthly"
    grant: Grant | None = None
    packs: tuple[Pack, ...] = ()
    recurring: tuple[Recurring, ...] = ()
    hold_seconds: dict[HeldChannel, Seconds] = {}
    alerts: tuple[AlertRule, ...] = ()
    segments: SegmentOptions = SegmentOptions()
    included: tuple[Included, ...] = ()
    tiers: tuple[Tiers, ...] = ()
    policy: Policies = Policies()

    @property
    def line_rounding(self) -> Rounding:
        """The one rounding of a charged line."""
        return Rounding(self.rounding.mode, parse_micros(self.rounding.step))


def parse_plan(content: bytes, file: str) -> tuple[PlanFile | None, list[Problem]]:
    """Read one plan. On any problem there is no plan; each problem points at the offending key or value."""
    try:
        root = yaml.compose(content.decode(), Loader=yaml.SafeLoader)
    except UnicodeDecodeError:
        return None, [Problem(file, 1, 1, "encoding", "not UTF-8")]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        return None, [Problem(file, line, column, "yaml", str(error.problem))]
    if root is None:
        return None, [Problem(file, 1, 1, "yaml", "empty file")]
    places: dict[str, tuple[int, int]] = {}
    problems: list[Problem] = []
    data = _plain(root, "$", places, problems, file)
    if problems:
        return None, problems
    try:
        plan = msgspec.convert(data, PlanFile)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `")
        unknown = re.search(r"unknown field `(.*)`", message)
        where = f"{path.rstrip('`') or '$'}{f'.{unknown[1]}' if unknown else ''}"
        return None, [Problem(file, *_nearest(places, where), "wrong_plan", f"{where}: {message}")]
    problems = [
        Problem(file, *_nearest(places, where), rule, f"{where}: {message}")
        for where, rule, message in _inconsistencies(plan)
    ]
    return (None if problems else plan), problems


def _nearest(places: Mapping[str, tuple[int, int]], path: str) -> tuple[int, int]:
    while path not in places:
        path = re.sub(r"(\.[^.\[]*|\[[^\]]*\])$", "", path) if path != "$" else path
        if path == "$":
            break
    return places.get(path, (1, 1))


def _plain(node: yaml.Node, path: str, places: dict[str, tuple[int, int]], problems: list[Problem], file: str) -> Any:
    """Turn nodes into plain data, remembering where each stands. Numbers stay text: amounts must not become floats."""
    places[path] = (node.start_mark.line + 1, node.start_mark.column + 1)
    if isinstance(node, yaml.MappingNode):
        result: dict[str, Any] = {}
        for key, value in node.value:
            where = f"{path}.{key.value}"
            if key.value in result:
                mark = key.start_mark
                problems.append(Problem(file, mark.line + 1, mark.column + 1, "repeated_key", f"{where} stands twice"))
            result[key.value] = _plain(value, where, places, problems, file)
            places[where] = (key.start_mark.line + 1, key.start_mark.column + 1)
        return result
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, f"{path}[{index}]", places, problems, file) for index, item in enumerate(node.value)]
    tag = node.tag.rpartition(":")[2]
    if tag == "int" and node.value.isdecimal():
        return int(node.value)
    return {"null": None, "bool": node.value.lower() in ("true", "yes", "on")}.get(tag, node.value)


def _inconsistencies(plan: PlanFile) -> list[tuple[str, str, str]]:
    """What types cannot say, as (path, rule, message)."""
    found = []
    if parse_micros(plan.rounding.step) == 0:
        found.append(("$.rounding.step", "wrong_rounding", "must be above 0"))
    for index, alert in enumerate(plan.alerts):
        if alert.rearm is not None and parse_micros(alert.rearm) <= parse_micros(alert.level):
            found.append((f"$.alerts[{index}].rearm", "wrong_alert", "must be above the level"))
    for index, tiers in enumerate(plan.tiers):
        path = f"$.tiers[{index}].steps"
        bounds = [step.up_to for step in tiers.steps]
        if bounds[-1] is not None or None in bounds[:-1]:
            found.append((path, "wrong_tiers", "only the last step, and it always, is open-ended"))
        elif any(a is None or b is None or a >= b for a, b in zip(bounds[:-1], bounds[1:-1], strict=False)):
            found.append((path, "wrong_tiers", "steps must rise"))
        for number, step in enumerate(tiers.steps):
            if (step.price is None) == (step.percent is None):
                found.append((f"{path}[{number}]", "wrong_tiers", "needs a price or a percent, not both"))
    names = [rule.counter for rule in plan.included] + [rule.counter for rule in plan.tiers]
    for name in sorted({name for name in names if names.count(name) > 1}):
        found.append(("$.tiers", "wrong_counter", f"counter {name} stands twice"))
    if plan.grant is not None and parse_micros(plan.grant.amount) > AMOUNT_MICROS_MAX:
        found.append(("$.grant.amount", "wrong_grant", "too large"))
    return found
