"""Puts a Lua script together: its includes once each, then its body, with codes written in. Leaves calling to `till`.

A script names what it builds on in lines `-- include: name` (`lua/parts/name.lua`); a code in it reads `KIND.DEBITED`.
Of a part in a line `-- include when needed: name` the script has a function `name()`, which makes the part and all that
only it builds on when it is first called, and returns what the part returns: calls that do not need it do not pay for
it, and Lua's 200 local names to a function suffice for twice as many.
"""

from __future__ import annotations

import re
from enum import IntEnum
from functools import cache
from hashlib import sha1
from importlib.resources import files

from msgspec import Struct

from metering.contracts.fields import MICROS_LIMIT
from metering.errors import Fatal
from metering.ledger import (
    allotment_codes,
    bounds,
    cause_codes,
    codes,
    counter_codes,
    grant_codes,
    layout,
    plan_codes,
    rows,
    wallet_codes,
)

_INCLUDE = re.compile(r"^-- include: (\w+)$", re.MULTILINE)
_LATER = re.compile(r"^-- include when needed: (\w+)$", re.MULTILINE)
_CODE = re.compile(r"\b([A-Z][A-Z_]*)\.([A-Z][A-Z_]*)\b")
_LOCAL = re.compile(r"^local (?:function )?(\w+)", re.MULTILINE)
_COMMENT = re.compile(r"^\s*--.*\n", re.MULTILINE)
_LUA = files("metering.ledger") / "lua"

SCRIPTS = ("claim", "compare", "apply", "restore_begin", "restore_chunk", "restore_end", "trim", "probe")
"""Every script that may be called, by the name of its file."""


LUA_NAMES: dict[str, type[IntEnum]] = {
    "CODE": codes.Code,
    "OP": codes.Op,
    "KIND": codes.KindCode,
    "REASON": codes.ReasonCode,
    "DECIDED": codes.Decided,
    "MOMENT": codes.Moment,
    "STATE": codes.State,
    "RULE_STATE": codes.RuleStateCode,
    "WALLET_STATE": wallet_codes.WalletStateCode,
    "WALLET_KIND": wallet_codes.WalletKindCode,
    "LEVEL": wallet_codes.Level,
    "ALERT": codes.AlertCode,
    "CAUSE": cause_codes.Cause,
    "KEPT": codes.StateKind,
    "FLAG": codes.Flag,
    "SWITCH": codes.Switch,
    "GRANT": grant_codes.GrantOf,
    "ROUNDING": grant_codes.RoundingCode,
    "COUNTED_BY": counter_codes.CountedBy,
    "CALL": layout.Call,
    "INPUT": layout.Input,
    "CUSTOMER": layout.Customer,
    "WALLET": layout.Wallet,
    "PLAIN": rows.Plain,
    "LOT": layout.Lot,
    "PROFILE": wallet_codes.Profile,
    "RULE": layout.Rule,
    "CHARGE": layout.Charge,
    "BLOCK": layout.Block,
    "LIMIT": layout.Limit,
    "CYCLE": plan_codes.Cycle,
    "FEE": plan_codes.Fee,
    "NUMBERS": plan_codes.Numbers,
    "SWEEP": plan_codes.Sweep,
    "ON_PLAN_CHANGE": plan_codes.OnPlanChange,
    "COUNTER": counter_codes.Counter,
    "TERMS": counter_codes.Terms,
    "USE": counter_codes.Use,
    "ANSWERED": layout.Answered,
    "USER": allotment_codes.User,
    "ALLOTMENTS": allotment_codes.Allotments,
}
"""The enum behind each prefix that a script may use."""

LUA_CONSTANTS: dict[str, int] = {
    "TIMERS_PER_INPUT": bounds.TIMERS_PER_INPUT,
    "TIMERS_PER_TICK": bounds.TIMERS_PER_TICK,
    "SENDERS_BLOCKED_MAX": bounds.SENDERS_BLOCKED_MAX,
    "LOTS_MAX": bounds.LOTS_MAX,
    "RULES_MAX": bounds.RULES_MAX,
    "LIMITS_MAX": bounds.LIMITS_MAX,
    "NUMBERS_MAX": bounds.NUMBERS_MAX,
    "SWEEP_WORK_MAX": bounds.SWEEP_WORK_MAX,
    "SWEEP_PAUSE_MS": bounds.SWEEP_PAUSE_MS,
    "USERS_MAX": bounds.USERS_MAX,
    "MICROS_LIMIT": MICROS_LIMIT,
    "LAYOUT_VERSION": layout.LAYOUT_VERSION,
    "PLAIN_PATH": 1,
}
"""The constants that a script may use by name. PLAIN_PATH 0 sends all inputs the general way: tests compare the two."""


@cache
def load_script(name: str) -> str:
    """Return the text of script `name`, ready for Redis. Raises `Fatal` on an unknown include or code."""
    return assemble((_LUA / f"{name}.lua").read_text(encoding="utf-8"))


def assemble(source: str) -> str:
    """Return a script's text with its includes, codes and constants. Raises `Fatal` as `load_script` does."""
    seen: set[str] = set()
    parts: list[str] = []
    _collect(source, parts, seen)
    *included, body = parts
    later: dict[str, list[str]] = {}
    for name in _LATER.findall(source):
        later[name] = []
        _collect(_read_part(name), later[name], seen)
    elsewhere = "".join("".join(made) for made in later.values())
    makers = [_make_later(name, made) for name, made in later.items()]
    text = "".join([*_enclose_all(included, body + elsewhere), *makers, body])
    for constant, value in LUA_CONSTANTS.items():
        text = re.sub(rf"\b{constant}\b", str(value), text)
    return text


def _make_later(name: str, parts: list[str]) -> str:
    *included, body = parts
    made = "".join([*_enclose_all(included, body), body])
    function = f"function {name}()\nmade = made or (function()\n{made}end)()\nreturn made\nend\n"
    return f"local {name}\ndo\nlocal made\n{function}end\n"


def _enclose_all(parts: list[str], rest: str) -> list[str]:
    return [_enclose(part, [*parts[:n], *parts[n + 1 :], rest]) for n, part in enumerate(parts)]


def _collect(source: str, parts: list[str], seen: set[str]) -> None:
    for include in _INCLUDE.findall(source):
        if include not in seen:
            seen.add(include)
            _collect(_read_part(include), parts, seen)
    parts.append(_CODE.sub(_code_number, _COMMENT.sub("", source)))


def _read_part(name: str) -> str:
    return (_LUA / "parts" / f"{name}.lua").read_text(encoding="utf-8")


def _enclose(part: str, others: list[str]) -> str:
    """Keep to a part what no other part names: Lua has room for 200 local names at a time in one function."""
    elsewhere = "".join(others)
    shared = [name for name in _LOCAL.findall(part) if re.search(rf"\b{name}\b", elsewhere)]
    if not shared:
        return f"do\n{part}end\n"
    names = "|".join(shared)
    part = re.sub(rf"^local function ({names})\(", r"function \1(", part, flags=re.MULTILINE)
    part = re.sub(rf"^local ({names}) =", r"\1 =", part, flags=re.MULTILINE)
    return f"local {', '.join(shared)}\ndo\n{part}end\n"


def _code_number(match: re.Match[str]) -> str:
    prefix, name = match.groups()
    if prefix not in LUA_NAMES:
        raise Fatal(f"a script uses {prefix}.{name}, and ledger.codes has no {prefix}")
    try:
        return str(int(LUA_NAMES[prefix][name]))
    except KeyError:
        raise Fatal(f"a script uses {prefix}.{name}, which {LUA_NAMES[prefix].__name__} does not have") from None


class Script(Struct, frozen=True):
    """A script's text and the name under which Redis caches it."""

    text: str
    sha: str

    @classmethod
    def named(cls, name: str) -> Script:
        """Return script `name`, put together once per process."""
        found = _scripts.get(name)
        if found is None:
            text = load_script(name)
            found = _scripts[name] = cls(text, sha1(text.encode(), usedforsecurity=False).hexdigest())
        return found


_scripts: dict[str, Script] = {}
