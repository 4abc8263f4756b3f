"""What may happen to a bucket, already priced. Leaves what it does to the rules."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.ledger_model.calls import Call
from tests.ledger_model.counted import Counted


@dataclass(frozen=True, kw_only=True)
class Tick:
    """Time passes; yields no entry of its own."""

    at: int


@dataclass(frozen=True, kw_only=True)
class Event:
    """What every usage event carries. `charge` is the charge id that it names; None where it names none."""

    at: int
    source: str = "gateway"
    id: str
    customer: str
    wallet: str = "main"
    charge: str | None = None
    sender: str | None = None
    user: str | None = None
    campaign: str | None = None
    counted: Counted | None = None
    """Counters take part in its price, which is found when it is applied."""

    @property
    def charge_key(self) -> str:
        """The event's own id where a submission leaves the charge id out."""
        return self.id if self.charge is None else self.charge


@dataclass(frozen=True, kw_only=True)
class Submission(Event):
    """A reservation or direct debit; `received` for what came in."""

    price: int
    charge_on: str = "sent"
    deadline: int = 0
    fee: int = 0
    recipients: dict[str, int] | None = field(default=None, hash=False)
    broadcast: bool = False
    received: bool = False
    call: Call | None = None
    """Of a call: how it is priced. Then `price` is what its first seconds reserve."""
    feature: bool = False
    """Received, and more than the message or call itself."""
    scheduled: bool = False
    draft: bool = False
    """It only asks."""

    @property
    def single(self) -> bool:
        """One recipient and no broadcast."""
        return not self.broadcast and (self.recipients is None or len(self.recipients) < 2)


@dataclass(frozen=True, kw_only=True)
class Extension(Event):
    """`voice.extended`; `price` is that of the additional seconds by themselves, if the event could be priced."""

    price: int | None
    deadline: int
    seconds: int = 0


@dataclass(frozen=True, kw_only=True)
class Outcome(Event):
    """`sent`, `delivered`, `failed`, `cancelled` or `expired`; with a price of its own where it could be rated."""

    moment: str
    price: int | None = None
    charge_on: str = "sent"
    actual: bool = False
    """The event says how many segments there really were: its price is the actual one."""
    to: str | None = None


@dataclass(frozen=True, kw_only=True)
class CallEnd(Event):
    """`voice.ended`; `price` is that of the seconds used, if the event could be priced."""

    price: int | None
    seconds: int = 0


@dataclass(frozen=True, kw_only=True)
class Recorded(Event):
    """`usage.recorded`: it already happened."""

    price: int


@dataclass(frozen=True, kw_only=True)
class Adjustment(Event):
    """`charge.adjusted`: plus = dearer. `charge` is the charge that is corrected."""

    amount: int


@dataclass(frozen=True, kw_only=True)
class Unpriced(Event):
    """An event that the rating refuses; `asked` where it asks for a decision."""

    reason: str
    asked: bool


@dataclass(frozen=True, kw_only=True)
class Command:
    """What every command carries."""

    at: int
    id: str
    customer: str


@dataclass(frozen=True, kw_only=True)
class OpenCustomer(Command):
    """Open a customer with the wallet `main`."""

    plan: str
    time_zone: str = "UTC"
    country: str | None = None


@dataclass(frozen=True, kw_only=True)
class TopUp(Command):
    """Add bought credit."""

    amount: int
    unit: str = "USD"
    wallet: str = "main"
    lot_kind: str = "fro"
    expires_at: int | None = None
    transferable: bool = True


@dataclass(frozen=True, kw_only=True)
class SetPlan(Command):
    """Put the customer on another plan."""

    plan: str


@dataclass(frozen=True, kw_only=True)
class CancelPlan(Command):
    """End the plan."""


@dataclass(frozen=True, kw_only=True)
class SetOptions(Command):
    """What a customer has; None leaves it."""

    rop: bool | None = None
    equipment: tuple[str, ...] | None = None
    time_zone: str | None = None
    country: str | None = None


@dataclass(frozen=True, kw_only=True)
class SetAlert(Command):
    """Make or change a low-credit rule."""

    level: int = 0
    rearm: int | None = None
    rule: str = "default"
    enabled: bool = True
    percent: int = 0
    user: str = ""
    wallet: str = "main"


@dataclass(frozen=True, kw_only=True)
class Suspend(Command):
    """Deny every charge until `Resume`."""


@dataclass(frozen=True, kw_only=True)
class Resume(Command):
    """End a suspension."""


@dataclass(frozen=True, kw_only=True)
class BlockSender(Command):
    """Block a sender by hand."""

    sender: str


@dataclass(frozen=True, kw_only=True)
class UnblockSender(Command):
    """Lift every block of a sender."""

    sender: str


@dataclass(frozen=True, kw_only=True)
class Adjust(Command):
    """Correct a wallet."""

    amount: int
    unit: str = "USD"
    wallet: str = "main"


@dataclass(frozen=True, kw_only=True)
class PutWallet(Command):
    """Open a wallet, or change what is said of it: what is None stays, empty clears."""

    wallet: str
    kind: str | None = None
    user: str | None = None
    name: str | None = None
    reference: str | None = None
    keyword: str | None = None


@dataclass(frozen=True, kw_only=True)
class FreezeWallet(Command):
    """Keep what is in it from being spent."""

    wallet: str


@dataclass(frozen=True, kw_only=True)
class ThawWallet(Command):
    """End a freeze."""

    wallet: str


@dataclass(frozen=True, kw_only=True)
class CloseWallet(Command):
    """Close a wallet; what is in it goes to another, what it owes only where the plan writes that off."""

    wallet: str
    to: str = "main"
    writes_off: bool = True


@dataclass(frozen=True, kw_only=True)
class MergeWallets(Command):
    """Move all into another, and close it."""

    wallet: str
    to: str


@dataclass(frozen=True, kw_only=True)
class Transfer(Command):
    """Move free credit."""

    wallet: str = "main"
    to: str
    amount: int
    unit: str = "USD"


@dataclass(frozen=True, kw_only=True)
class SetWalletMode(Command):
    """Set who holds and pays; `wallets` are swept into the pool."""

    mode: str
    wallets: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ReverseTopUp(Command):
    """A refund or chargeback of the top-up whose entry has that id."""

    top_up: str
    amount: int
    unit: str = "USD"
    cause: str = "refund"
    wallet: str = "main"


@dataclass(frozen=True, kw_only=True)
class PutLimit(Command):
    """Set a cap, or take it away (None)."""

    level: str
    name: str
    window: str
    cap: int | None
    carry: bool = False


Input = Tick | Event | Command
