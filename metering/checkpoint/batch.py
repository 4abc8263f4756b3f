"""What a run of ledger entries changes in the books, gathered before it is written. Leaves the transaction to `flush`.

Pure: nothing is read or written here. The last state of each thing wins, so a batch touches each row once however many
entries there are.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import msgspec
from msgspec import Struct

from metering import native
from metering.checkpoint.backlog import Waiting
from metering.checkpoint.continuity import Follower, Verdict
from metering.checkpoint.denials import Denials, is_repeated_denial
from metering.checkpoint.entry_rows import EntryRow, leg_rows, row_of
from metering.checkpoint.records import Block, LedgerRecord, decode_record, has_nul
from metering.contracts.entries import Charge, CustomerSettings, LotChange, RuleState
from metering.contracts.reasons import Kind
from metering.contracts.states import State, kind_of
from metering.contracts.wallets import WalletProfile
from metering.errors import BrokenInvariant, ensure
from metering.ledger.state import BucketPosition

if TYPE_CHECKING:
    from metering.native.books import LotAfter, Sheet
    from metering.native.charges import ChargeInBytes

DAY_MS = 86_400_000

WalletKey: TypeAlias = tuple[str, str]
"""Customer and wallet."""
LotKey: TypeAlias = tuple[str, str, str]
"""Customer, wallet and lot."""
ChargeKey: TypeAlias = tuple[str, str]
"""Customer and charge."""
RuleKey: TypeAlias = tuple[str, str, str]
"""Customer, wallet and rule."""
StateKey: TypeAlias = tuple[str, str, str]
"""Customer, kind and id."""


@dataclass(slots=True)
class WalletOpened:
    """A wallet that an entry of the batch opened."""

    unit: str
    at_ms: int


@dataclass(slots=True)
class LotMade:
    """A lot that an entry of the batch made; what it holds in the end is in `lots`."""

    kind: str
    first_micros: int
    expires_at_ms: int
    transferable: bool
    notice_at_ms: int
    seq: int
    at_ms: int


@dataclass(slots=True)
class RuleAfter:
    """A rule after the batch. `seq` and `place` are of the entry that made it, if it is new to the books."""

    state: RuleState
    seq: int
    place: int
    at_ms: int


@dataclass(slots=True)
class BlockStep:
    """One change of a block. The order matters: when a block began depends on what was there before."""

    customer: str
    change: Block
    seq: int
    at_ms: int


class ChargeAfter(Struct, gc=False):
    """A charge after the batch. `several`: whether it has recipients of their own; None where no entry here says."""

    charge: Charge
    several: bool | None
    touched_at_ms: int


@dataclass(slots=True)
class Recipients:
    """What became of the recipients of a charge that has several."""

    renewed: bool = False
    """The charge began in this batch: what the books have is of an earlier one of that name."""
    added: dict[str, int] = field(default_factory=dict)
    settled: set[str] = field(default_factory=set)


class Batch:
    """Entries that follow `base`, folded one by one."""

    def __init__(self, bucket: int, base: BucketPosition) -> None:
        self.bucket = bucket
        self.base = base
        self._follower = Follower(bucket, base)
        self.ledger_offset_next: int | None = None
        """After the last record that counts; None while none does."""
        self.entries = 0
        """How many count, repeated denials included."""
        self.dropped: dict[Verdict, int] = {}
        self.days: set[int] = set()
        self.rows: list[EntryRow] = []
        self.denials = Denials()
        self.wallets: dict[WalletKey, int] = {}
        """When each was last changed."""
        self._wallets_new: list[WalletKey] = []
        self.wallets_opened: dict[WalletKey, WalletOpened] = {}
        self.topped_up: dict[WalletKey, int] = {}
        """The last top-up of each."""
        self.profiles: dict[WalletKey, WalletProfile] = {}
        self.lots: dict[LotKey, LotChange | LotAfter] = {}
        self.lots_made: dict[LotKey, LotMade] = {}
        self.expiries: dict[LotKey, tuple[int, int]] = {}
        """Of lots that the books have: when they lapse and when that is told, where it changed."""
        self.charges: dict[ChargeKey, ChargeAfter | ChargeInBytes] = {}
        self.charges_older: list[ChargeKey] = []
        """Those that no entry here began, as far as entries tell: the books have them, or had."""
        self.recipients: dict[ChargeKey, Recipients] = {}
        self.customers: dict[str, tuple[CustomerSettings, int]] = {}
        self.rules: dict[RuleKey, RuleAfter] = {}
        self.blocks: list[BlockStep] = []
        self.states: dict[StateKey, tuple[State, int]] = {}
        """With the time of the change."""
        self.sheet: Sheet | None = None
        """Plain entries since the last slice was sent, where compiled steps are used: they are not among the rows."""
        if native.in_use:
            states = (self.wallets, self._wallets_new, self.lots, self.charges, self.charges_older, self.recipients)
            self.sheet = native.books.Sheet(self._follower, self.days, *states)

    @property
    def head(self) -> BucketPosition:
        """Where the bucket stands after the entries so far."""
        return self._follower.head

    def take_all(self, records: list[Waiting]) -> None:
        """Fold records in their order: where compiled steps are used, they take those that are plain.

        Raises as `take`.
        """
        at = 0
        while at < len(records):
            if self.sheet is not None:
                first, at = at, self.sheet.take(records, at, len(self.rows))
                if at > first:
                    self.entries += at - first
                    self.ledger_offset_next = self.sheet.ledger_offset_next
                if at == len(records):
                    return
            self.take(records[at].value, records[at].offset)
            at += 1

    def take(self, value: bytes, offset: int) -> Verdict:
        """Fold the record `value` of the ledger's `offset`, if it counts.

        Raises `BrokenInvariant` where its text cannot be stored.
        """
        try:
            record = decode_record(value)
        except msgspec.DecodeError:
            return self._drop(Verdict.UNDECODABLE)
        verdict = self._follower.follow(record)
        if verdict is not Verdict.COUNTS:
            return self._drop(verdict)
        if has_nul(value):
            raise BrokenInvariant(f"entry {record.id} holds the character U+0000, which Postgres cannot store")
        self._fold(record)
        self.ledger_offset_next = offset + 1
        self.entries += 1
        return verdict

    def take_rows(self) -> list[EntryRow]:
        """Return the rows of the entries since the last call; the batch lets go of them."""
        rows, self.rows = self.rows, []
        return rows

    def take_wallets(self) -> list[WalletKey]:
        """Return the wallets that entries have changed since the last call, and none before."""
        keys = [*self._wallets_new]
        self._wallets_new.clear()
        return keys

    def _drop(self, verdict: Verdict) -> Verdict:
        self.dropped[verdict] = self.dropped.get(verdict, 0) + 1
        return verdict

    def _fold(self, record: LedgerRecord) -> None:
        at_ms = record.applied_at_ms
        self.days.add(at_ms // DAY_MS)
        if is_repeated_denial(record):
            self.denials.add(record)
        else:
            self.rows.append(row_of(record))
            if record.wallet is not None:
                self._fold_wallet(record, record.wallet)
            if record.legs:
                self.rows.extend(leg_rows(record))
                for leg in record.legs:
                    self._note_change((record.customer, leg.wallet), at_ms)
                    self._fold_lots(record, leg.wallet, leg.lots)
        if record.charge is not None:
            self._fold_charge(record, record.charge)
        if record.settings is not None:
            self.customers[record.customer] = (record.settings, at_ms)
        for state in record.states:
            self.states[record.customer, kind_of(state), state.id] = (state, at_ms)
        for change in record.blocks:
            self.blocks.append(BlockStep(record.customer, change, record.seq, at_ms))

    def _fold_wallet(self, record: LedgerRecord, wallet: str) -> None:
        customer, at_ms = record.customer, record.applied_at_ms
        if record.wallet_seq is not None:
            self._note_change((customer, wallet), at_ms)
        if record.kind == _TOPPED_UP:
            self.topped_up[customer, wallet] = record.amount_micros
        if record.kind == _OPENED:
            unit = record.unit or (record.settings.unit if record.settings else None)
            ensure(unit is not None, f"entry {record.id} opens a wallet without a unit")
            ensure((customer, wallet) not in self.wallets_opened, f"entry {record.id} opens a wallet a second time")
            self.wallets_opened[customer, wallet] = WalletOpened(unit or "", at_ms)
        self._fold_lots(record, wallet, record.lots)
        for place, rule in enumerate(record.rules) if record.rules else ():
            rule_key = (customer, rule.wallet or wallet, rule.rule)
            known = self.rules.get(rule_key)
            seq, place_made = (known.seq, known.place) if known else (record.seq, place)
            self.rules[rule_key] = RuleAfter(rule, seq, place_made, at_ms)
        if record.profile is not None:
            self.profiles[customer, wallet] = record.profile
            if record.profile.state == "closed":
                self.rules = {key: rule for key, rule in self.rules.items() if key[:2] != (customer, wallet)}

    def _note_change(self, key: WalletKey, at_ms: int) -> None:
        if key not in self.wallets:
            self._wallets_new.append(key)
        self.wallets[key] = at_ms

    def _fold_lots(self, record: LedgerRecord, wallet: str, lots: tuple[LotChange, ...]) -> None:
        customer, at_ms = record.customer, record.applied_at_ms
        for lot in lots:
            key = (customer, wallet, lot.lot)
            self.lots[key] = lot
            if lot.kind is None and lot.expires_at_ms is not None:
                self._fold_expiry(key, lot.expires_at_ms, lot.notice_at_ms)
            elif lot.kind is not None:
                first, expires = lot.remaining_micros, lot.expires_at_ms or 0
                self.lots_made[key] = LotMade(
                    lot.kind, first, expires, lot.transferable, lot.notice_at_ms, record.seq, at_ms
                )

    def _fold_expiry(self, key: LotKey, expires_at_ms: int, notice_at_ms: int) -> None:
        made = self.lots_made.get(key)
        if made is None:
            self.expiries[key] = (expires_at_ms, notice_at_ms)
        else:
            made.expires_at_ms, made.notice_at_ms = expires_at_ms, notice_at_ms

    def _fold_charge(self, record: LedgerRecord, charge: Charge) -> None:
        """Fold a charge. It has the recipients of the entry that began it, less those settled; none once committed."""
        key = (record.customer, charge.id)
        earlier = self.charges.get(key)
        several = earlier.several if earlier else None
        is_late = record.kind == _DEBITED and record.reason is not None
        if earlier is None and (is_late or record.kind not in _FIRST):
            self.charges_older.append(key)
        if record.kind in _BEGINNINGS:
            several = bool(charge.recipients)
            self.recipients.pop(key, None)
            if charge.recipients:
                self.recipients[key] = Recipients(renewed=True, added=dict(charge.recipients))
        elif charge.state == "committed":
            several = False
        self.charges[key] = ChargeAfter(charge, several, record.applied_at_ms)
        if charge.settled:
            known = self.recipients.setdefault(key, Recipients())
            for recipient in charge.settled:
                if known.added.pop(recipient, None) is None:
                    known.settled.add(recipient)


# Plain text: comparing with a member of an enum costs three times as much, for every entry.
_OPENED, _TOPPED_UP, _DEBITED = Kind.OPENED.value, Kind.TOPPED_UP.value, Kind.DEBITED.value
# A noted entry shows a charge only where an outcome came first, perhaps under the name of one that is forgotten.
_BEGINNINGS = (Kind.RESERVED.value, Kind.DENIED.value, Kind.NOTED.value)
_FIRST = (Kind.DEBITED.value, Kind.RESERVED.value, Kind.DENIED.value)
