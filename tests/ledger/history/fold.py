"""The state of a bucket, folded from its entries alone: what the ledger must tell so that Redis can be rebuilt from it.

Leaves doing so at scale, in Postgres, to the checkpointer.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from msgspec.structs import replace

from metering.contracts.decisions import AnswerLeg
from metering.contracts.entries import (
    Balance,
    BlockChange,
    Charge,
    CustomerSettings,
    LedgerEntry,
    LotChange,
    RuleState,
)
from metering.contracts.reasons import BlockLevel, Kind
from metering.contracts.states import State
from metering.contracts.wallets import WalletProfile
from metering.ledger.identity import event_digest
from metering.ledger.state import (
    COMPANY_POOL,
    BlockState,
    BucketPosition,
    ChargeState,
    CustomerState,
    LotState,
    RecordState,
    RememberedCommand,
    RememberedEvent,
    StateRecord,
    WalletState,
)


@dataclass
class FoldedWallet:
    """A wallet as its entries leave it."""

    unit: str
    seq: int = 0
    overdrawn: int = 0
    held: int = 0
    lots: dict[str, LotState] = field(default_factory=dict)
    rules: dict[str, RuleState] = field(default_factory=dict)
    last_top_up: int = 0
    profile: WalletProfile = COMPANY_POOL


@dataclass
class Fold:
    """Everything that the entries so far tell."""

    settings: dict[str, CustomerSettings] = field(default_factory=dict)
    wallets: dict[tuple[str, str], FoldedWallet] = field(default_factory=dict)
    charges: dict[tuple[str, str], ChargeState] = field(default_factory=dict)
    blocks: dict[tuple[str, str, str], BlockState] = field(default_factory=dict)
    states: dict[tuple[str, type[State], str], RecordState] = field(default_factory=dict)
    events: dict[str, RememberedEvent] = field(default_factory=dict)
    commands: dict[tuple[str, str], RememberedCommand] = field(default_factory=dict)
    timers_run: int = 0
    last: LedgerEntry | None = None

    def take(self, entry: LedgerEntry) -> None:
        """Fold one entry."""
        if entry.settings is not None:
            self.settings[entry.customer] = entry.settings
        if entry.wallet is not None:
            self._take_wallet(entry, entry.wallet)
        if entry.charge is not None:
            self._take_charge(entry, entry.charge)
        for change in entry.blocks:
            self._take_block(entry, change)
        for state in entry.states:
            key = (entry.customer, type(state), state.id)
            self.states.pop(key, None)
            if not state.gone:
                self.states[key] = RecordState(entry.customer, state)
        is_timer = entry.due_at_ms is not None
        self.timers_run = self.timers_run + 1 if is_timer else 0
        if not is_timer and entry.kind is not Kind.DUPLICATE:
            self._remember(entry)
        self.last = entry

    def position(self) -> BucketPosition:
        """Return where the last entry leaves the bucket."""
        last = self.last
        assert last is not None
        return BucketPosition(
            seq=last.seq,
            chunk=last.chunk,
            usage=last.position.usage,
            commands=last.position.commands,
            clock_ms=last.applied_at_ms,
            timers_run=self.timers_run,
        )

    def records(self) -> list[StateRecord]:
        """Return the state for a restore."""
        records: list[StateRecord] = [CustomerState(name, settings) for name, settings in self.settings.items()]
        for (customer, name), wallet in self.wallets.items():
            held_over = wallet.held - sum(lot.held_micros for lot in wallet.lots.values())
            lots, rules = tuple(wallet.lots.values()), tuple(wallet.rules.values())
            records.append(
                WalletState(
                    customer,
                    name,
                    wallet.unit,
                    wallet.seq,
                    wallet.overdrawn,
                    held_over,
                    lots,
                    rules,
                    wallet.last_top_up,
                    wallet.profile,
                )
            )
        states: Iterable[StateRecord] = (
            *self.charges.values(),
            *self.blocks.values(),
            *self.states.values(),
            *self.events.values(),
            *self.commands.values(),
        )
        return [*records, *states]

    def _take_wallet(self, entry: LedgerEntry, name: str) -> None:
        key = (entry.customer, name)
        if key not in self.wallets:
            self.wallets[key] = FoldedWallet(self.settings[entry.customer].unit)
        wallet = self.wallets[key]
        wallet.seq = entry.wallet_seq or wallet.seq
        assert entry.after is not None
        self._take_figures(entry, wallet, entry.after, entry.lots)
        if entry.kind is Kind.TOPPED_UP:
            wallet.last_top_up = entry.amount_micros
        for rule in entry.rules:
            self.wallets[entry.customer, rule.wallet or name].rules[rule.rule] = replace(rule, wallet=None)
        if entry.profile is not None:
            wallet.profile = entry.profile
            wallet.rules = {} if entry.profile.state == "closed" else wallet.rules
        for leg in entry.legs:
            other = self.wallets[entry.customer, leg.wallet]
            other.seq = leg.wallet_seq
            self._take_figures(entry, other, leg.after, leg.lots)

    def _take_figures(
        self, entry: LedgerEntry, wallet: FoldedWallet, after: Balance, lots: tuple[LotChange, ...]
    ) -> None:
        wallet.overdrawn, wallet.held = after.overdrawn_micros, after.held_micros
        for change in lots:
            if change.kind is not None:
                expires = change.expires_at_ms or 0
                wallet.lots[change.lot] = LotState(
                    change.lot, change.kind, 0, 0, expires, entry.seq, change.transferable, change.notice_at_ms
                )
            elif change.expires_at_ms is not None:
                wallet.lots[change.lot] = replace(
                    wallet.lots[change.lot], expires_at_ms=change.expires_at_ms, notice_at_ms=change.notice_at_ms
                )
            lot = replace(
                wallet.lots[change.lot], remaining_micros=change.remaining_micros, held_micros=change.held_micros
            )
            wallet.lots[change.lot] = lot
        wallet.lots = {lot.lot: lot for lot in wallet.lots.values() if lot.remaining_micros != 0}

    def _take_charge(self, entry: LedgerEntry, charge: Charge) -> None:
        """A charge keeps the recipients of the entry that made it, less those settled; none once it is committed.

        What makes one: a reservation, a denial, or the note of a failure that came first.
        """
        key = (entry.customer, charge.id)
        recipients = charge.recipients
        if (
            entry.kind not in (Kind.RESERVED, Kind.DENIED, Kind.NOTED)
            and key in self.charges
            and charge.state != "committed"
        ):
            known = self.charges[key].charge.recipients
            recipients = {to: price for to, price in (known or {}).items() if to not in charge.settled} or None
        self.charges[key] = ChargeState(
            entry.customer, replace(charge, recipients=recipients, settled=()), entry.applied_at_ms
        )

    def _take_block(self, entry: LedgerEntry, change: BlockChange) -> None:
        if change.level in (BlockLevel.CUSTOMER, BlockLevel.USER):
            # In the settings, and in the limit that is the allotment.
            return
        level: Literal["wallet", "sender"] = "wallet" if change.level is BlockLevel.WALLET else "sender"
        key = (entry.customer, level, change.id)
        self.blocks.pop(key, None)
        if change.blocked:
            self.blocks[key] = BlockState(
                entry.customer,
                level,
                change.id,
                change.causes,
                change.wallet,
                change.needed_micros,
                change.until_ms,
                change.since_ms,
                change.since_seq,
            )

    def _remember(self, entry: LedgerEntry) -> None:
        if entry.event is not None:
            digest = event_digest(entry.event.source, entry.event.id)
            self.events[digest] = RememberedEvent(
                digest, entry.applied_at_ms, entry.seq, entry.decision, entry.reason, entry.granted
            )
        if entry.command is not None:
            self.commands[entry.customer, entry.command.id] = RememberedCommand(
                entry.customer,
                entry.command.id,
                entry.applied_at_ms,
                entry.seq,
                entry.reason,
                entry.wallet,
                entry.amount_micros,
                entry.after,
                tuple(AnswerLeg(leg.wallet, leg.amount_micros, leg.after) for leg in entry.legs),
                entry.allotment,
            )
