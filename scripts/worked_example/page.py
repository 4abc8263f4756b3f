"""Writes what happened as a page for people: one section a step, one row an entry. Leaves what happens to `story`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from metering.contracts.entries import LedgerEntry, LotChange
from metering.contracts.states import State, kind_of
from metering.ledger.state import WalletState

ZONE = ZoneInfo("America/New_York")
HIDDEN = {"id", "gone", "kind"}


def amount(micros: int, *, signed: bool = False) -> str:
    """Micro-units as units: exact, without zeros at the end."""
    text = format((Decimal(micros) / 1_000_000).normalize(), "f")
    return f"+{text}" if signed and micros > 0 else text


class Page:
    """The page so far."""

    def __init__(self, title: str, introduction: str) -> None:
        self._lines = [f"# {title}", "", introduction]
        self.entries: list[LedgerEntry] = []

    def section(self, at: datetime, text: str, entries: Iterable[LedgerEntry]) -> None:
        """Add a step: when, what, and the entries that came of it."""
        entries = list(entries)
        self.entries += entries
        self._lines += ["", f"## {at.astimezone(ZONE):%-d %B %Y, %H:%M}", "", text, ""]
        if not entries:
            self._lines.append("No entry.")
            return
        self._lines += ["| entry | amount | held | available | what else |", "| --- | ---: | ---: | ---: | --- |"]
        self._lines += [_row(entry) for entry in entries]

    def chapter(self, title: str, lines: Iterable[str]) -> None:
        """Add a closing chapter."""
        self._lines += ["", f"## {title}", "", *lines]

    def text(self) -> str:
        """Return the whole page."""
        return "\n".join(self._lines) + "\n"


def lots_table(wallets: Iterable[WalletState]) -> list[str]:
    """Return the lots of wallets as a table."""
    lines = ["| wallet | lot | kind | remaining | of which held | lapses |", "| --- | --- | --- | ---: | ---: | --- |"]
    for wallet in wallets:
        for lot in wallet.lots:
            lapses = _moment(lot.expires_at_ms) if lot.expires_at_ms else "never"
            figures = f"{amount(lot.remaining_micros)} | {amount(lot.held_micros)}"
            lines.append(f"| {wallet.wallet} | {lot.lot} | {lot.kind} | {figures} | {lapses} |")
    return lines


def _row(entry: LedgerEntry) -> str:
    kind = f"{entry.kind} `{entry.reason}`" if entry.reason else str(entry.kind)
    after = amount(entry.after.available_micros) if entry.after else ""
    figures = f"{_change(entry.amount_micros)} | {_change(entry.held_change_micros)} | {after}"
    return f"| {entry.id} {kind} | {figures} | {'; '.join(_more(entry))} |"


def _change(micros: int) -> str:
    return amount(micros, signed=True) if micros else ""


def _more(entry: LedgerEntry) -> Iterator[str]:
    if entry.charge is not None:
        yield f"charge `{entry.charge.id}` {entry.charge.state}"
    elif entry.charge_id is not None:
        yield f"charge `{entry.charge_id}`"
    for lot in _summed(entry.lots):
        yield f"lot {lot.lot}: {_lot(lot)}"
    for leg in entry.legs:
        yield f"wallet `{leg.wallet}` {_change(leg.amount_micros)}, available {amount(leg.after.available_micros)}"
    for state in entry.states:
        yield _state(state)
    for alert in entry.alerts:
        yield f"**{alert.type}** `{alert.rule}` at {amount(alert.level_micros)}" if alert.rule else f"**{alert.type}**"
    for block in entry.blocks:
        if block.changed:
            verb = "blocked" if block.blocked else "unblocked"
            yield f"**sender.{verb}** {block.level} `{block.id}`"


def _summed(changes: Iterable[LotChange]) -> list[LotChange]:
    """Several changes of one lot in an entry, as one."""
    lots: dict[str, LotChange] = {}
    for change in changes:
        before = lots.get(change.lot)
        lots[change.lot] = LotChange(
            change.lot,
            change.amount_micros + (before.amount_micros if before else 0),
            change.held_change_micros + (before.held_change_micros if before else 0),
            change.remaining_micros,
            change.held_micros,
            change.kind or (before.kind if before else None),
            change.expires_at_ms,
        )
    return list(lots.values())


def _lot(lot: LotChange) -> str:
    parts = []
    if lot.kind:
        lapses = f"lapses {_moment(lot.expires_at_ms)}" if lot.expires_at_ms else "never lapses"
        parts.append(f"{lot.kind}, {lapses}")
    if lot.amount_micros:
        parts.append(_change(lot.amount_micros))
    if lot.held_change_micros:
        parts.append(f"held {_change(lot.held_change_micros)}")
    return ", ".join([*parts, f"left {amount(lot.remaining_micros)}"])


def _state(state: State) -> str:
    if state.gone:
        return f"{kind_of(state)} `{state.id}` gone"
    figures = [
        f"{name.removesuffix('_micros')} {amount(value)}"
        for name in state.__struct_fields__
        if name.endswith("_micros") and isinstance(value := getattr(state, name), int)
    ]
    return f"{kind_of(state)} `{state.id}`: {', '.join(figures)}"


def _moment(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1_000, ZONE):%-d %B %Y, %H:%M}"
