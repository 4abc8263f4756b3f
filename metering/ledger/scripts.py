"""Puts a Lua script together: its includes once each, then its body, with codes written in. Leaves calling to `till`.

A script names what it builds on in lines `-- include: name` (`lua/parts/name.lua`); a code in it reads `KIND.DEBITED`.
Put together it makes a function of KEYS and ARGV, which Redis keeps (ADR 11): the functions of its parts are made once,
not in each call. So a part keeps nothing of a call: what stays from one to the next are functions and constants.
Of a part in a line `-- include when needed: name` the script has a function `name()`, which makes the part and all that
only it builds on when it is first called, and returns what the part returns: calls that do not need it do not pay for
it, and Lua's 200 local names to a function suffice for twice as many.
"""

from __future__ import annotations

import re
from collections import Counter
from enum import IntEnum
from functools import cache
from hashlib import sha1
from importlib.resources import files
from itertools import chain

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
    keys,
    layout,
    plan_codes,
    rows,
    wallet_codes,
)

_INCLUDE = re.compile(r"^-- include: (\w+)$", re.MULTILINE)
_LATER = re.compile(r"^-- include when needed: (\w+)$", re.MULTILINE)
_CODE = re.compile(r"\b([A-Z][A-Z_]*)\.([A-Z][A-Z_]*)\b")
_LOCAL = re.compile(r"^local (?:function )?(\w+)", re.MULTILINE)
_DEFINED = re.compile(r"^local (?:function (?=\w+\()|(?=\w+ =))(\w+)", re.MULTILINE)
_WORD = re.compile(r"\w+")
_COMMENT = re.compile(r"^\s*--.*\n", re.MULTILINE)
_FLAGS = re.compile(r"^-- FLAGS: (\S+)", re.MULTILINE)
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
    "KEY": keys.Key,
    "INPUT": layout.Input,
    "CUSTOMER": layout.Customer,
    "WALLET": layout.Wallet,
    "PLAIN": rows.Plain,
    "SHAPE": rows.Shape,
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
    "RUNS_MAX": bounds.RUNS_MAX,
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

_CONSTANT = re.compile(rf"\b(?:{'|'.join(LUA_CONSTANTS)})\b")


@cache
def load_script(name: str) -> str:
    """Return Lua that makes the function of script `name`. Raises `Fatal` on an unknown include or code."""
    return assemble(_read_script(name))


def assemble(source: str) -> str:
    """Return Lua that makes a function of KEYS and ARGV out of a script. Raises `Fatal` as `load_script` does."""
    seen: set[str] = set()
    parts: list[str] = []
    _collect(source, parts, seen)
    *included, body = parts
    later: dict[str, list[str]] = {}
    for name in _LATER.findall(source):
        later[name] = []
        _collect(_read_part(name), later[name], seen)
    elsewhere = [part for made in later.values() for part in made]
    makers = [_make_later(name, made) for name, made in later.items()]
    function = f"return function(KEYS, ARGV)\n{body}end\n"
    text = "".join([*_enclose_all(included, [body, *elsewhere]), *makers, function])
    return _CONSTANT.sub(lambda match: str(LUA_CONSTANTS[match[0]]), text)


def _make_later(name: str, parts: list[str]) -> str:
    *included, body = parts
    made = "".join([*_enclose_all(included, [body]), body])
    function = f"function {name}()\nmade = made or (function()\n{made}end)()\nreturn made\nend\n"
    return f"local {name}\ndo\nlocal made\n{function}end\n"


def _enclose_all(parts: list[str], rest: list[str]) -> list[str]:
    """Enclose parts that come before `rest`. Each text is searched for words once: a worker does this as it starts."""
    named = [set(_WORD.findall(part)) for part in parts]
    parts_with = Counter(chain.from_iterable([*named, *(set(_WORD.findall(part)) for part in rest)]))
    return [
        _enclose(part, {word for word in own if parts_with[word] > 1}) for part, own in zip(parts, named, strict=True)
    ]


def _collect(source: str, parts: list[str], seen: set[str]) -> None:
    for include in _INCLUDE.findall(source):
        if include not in seen:
            seen.add(include)
            _collect(_read_part(include), parts, seen)
    parts.append(_CODE.sub(_code_number, _COMMENT.sub("", source)))


def _read_script(name: str) -> str:
    return (_LUA / f"{name}.lua").read_text(encoding="utf-8")


def _read_part(name: str) -> str:
    return (_LUA / "parts" / f"{name}.lua").read_text(encoding="utf-8")


def _enclose(part: str, elsewhere: set[str]) -> str:
    """Keep to a part what no other part names: Lua has room for 200 local names at a time in one function."""
    shared = [name for name in _LOCAL.findall(part) if name in elsewhere]
    if not shared:
        return f"do\n{part}end\n"
    part = _DEFINED.sub(lambda found: found[0].removeprefix("local ") if found[1] in elsewhere else found[0], part)
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
    """A function that Redis keeps: its name, which is its library's as well, and the library's text.

    The name says which text it is of. So workers of several versions call their own each, on the same server.
    """

    name: str
    library: str

    @classmethod
    def named(cls, name: str) -> Script:
        """Return script `name`, put together once per process."""
        found = _scripts.get(name)
        if found is None:
            found = _scripts[name] = cls.made_of(name, load_script(name))
        return found

    @classmethod
    def made_of(cls, name: str, text: str) -> Script:
        """Return what Redis keeps of script `name`, whose text makes the function. It is made at its first call.

        While Redis loads a library, Lua has none of its own libraries there; and a restore's functions need not be made
        where nothing is restored.
        """
        flags = _FLAGS.findall(_read_script(name))
        digest = sha1(f"{flags} {text}".encode(), usedforsecurity=False).hexdigest()
        function = f"{library_prefix(name)}{digest}"
        given = f", flags = {{ '{flags[0]}' }}" if flags else ""
        library = (
            f"#!lua name={function}\nlocal made\nlocal function make()\n{text}end\n"
            f"redis.register_function{{ function_name = '{function}', callback = function(keys, arguments)\n"
            f"made = made or make()\nreturn made(keys, arguments)\nend{given} }}\n"
        )
        return cls(function, library)


def library_prefix(name: str) -> str:
    """Return how the names of all versions of script `name` begin."""
    return f"metering_{name}_"


_scripts: dict[str, Script] = {}
