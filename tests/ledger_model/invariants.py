"""What must be true of a bucket after each step. Leaves how it stays true to the rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.ledger_model.conservation import Conservation
from tests.ledger_model.state import Customer, Wallet, in_order
from tests.ledger_model.user_invariants import UserLines, blocked_users

if TYPE_CHECKING:
    from tests.ledger_model.bucket import Bucket


class Books:
    """Follows the entries of one bucket, as a reader of the ledger would, and holds them against the state."""

    def __init__(self) -> None:
        self.seq = 0
        self.wallet_seq: dict[tuple[str, str], int] = {}
        self.balance: dict[tuple[str, str], int] = {}
        self.held: dict[tuple[str, str], int] = {}
        self.figures: dict[tuple[str, str], dict[str, int]] = {}
        self.causes: dict[tuple[str, str, str], list[str]] = {}
        """Of whatever is blocked: customer, level and id."""
        self.forfeited: dict[str, int] = {}
        self.granted_at: dict[str, int] = {}
        self.users = UserLines()
        self.conservation = Conservation()

    def take(self, entry: dict[str, Any]) -> None:
        """Check an entry against those before it: seq, wallet_seq and the before/after chain have no gap.

        Credit that an entry moves between wallets is neither made nor lost on the way.
        """
        self.seq += 1
        assert entry["seq"] == self.seq
        self.conservation.take(entry)
        self._take_blocks(entry)
        self.users.take(entry)
        if entry["before"] is None:
            assert (entry["amount"], entry["held_change"], entry["lots"], entry["legs"]) == (0, 0, {}, [])
            return
        self._take_wallet(entry["customer"], entry)
        for leg in entry["legs"]:
            assert leg["wallet_seq"] is not None
            self._take_wallet(entry["customer"], leg)
        if entry["settings"] is not None:
            self.granted_at.pop(entry["customer"], None)  # another plan may grant at the moment of the last grant
        if entry["kind"] in ("forfeited", "given_back"):
            moved = entry["amount"] + sum(leg["amount"] for leg in entry["legs"])
            self.forfeited[entry["customer"]] = self.forfeited.get(entry["customer"], 0) - moved
        elif entry["kind"] == "granted":
            assert entry["due_at"] > self.granted_at.get(entry["customer"], 0), "each beginning of a cycle grants once"
            self.granted_at[entry["customer"]] = entry["due_at"]
        elif entry["legs"]:
            assert entry["amount"] + sum(leg["amount"] for leg in entry["legs"]) == 0
            assert len({entry["wallet"], *(leg["wallet"] for leg in entry["legs"])}) == 1 + len(entry["legs"])

    def _take_blocks(self, entry: dict[str, Any]) -> None:
        """A block begins with its first cause and ends with its last, with one event each; nothing comes twice."""
        for block in entry["blocks"]:
            key = (entry["customer"], block["level"], block["id"])
            before, after = self.causes.get(key, []), block["causes"]
            assert before != after
            assert block["blocked"] == bool(after)
            assert block["changed"] == (bool(before) != bool(after))
            self.causes[key] = after

    def _take_wallet(self, customer: str, entry: dict[str, Any]) -> None:
        key = (customer, entry["wallet"])
        assert entry["before"] == self.figures.get(key, {"available": 0, "held": 0, "overdrawn": 0})
        self.figures[key] = entry["after"]
        if entry["wallet_seq"] is None:
            assert entry["before"] == entry["after"]
        else:
            self.wallet_seq[key] = self.wallet_seq.get(key, 0) + 1
            assert entry["wallet_seq"] == self.wallet_seq[key]
        self.balance[key] = self.balance.get(key, 0) + entry["amount"]
        self.held[key] = self.held.get(key, 0) + entry["held_change"]
        before, after = entry["before"], entry["after"]
        assert after["available"] - before["available"] == entry["amount"] - entry["held_change"]
        assert after["held"] - before["held"] == entry["held_change"]
        lots = sum(change["amount"] for change in entry["lots"].values())
        assert lots - (after["overdrawn"] - before["overdrawn"]) == entry["amount"]

    def check(self, bucket: Bucket) -> None:
        """For every wallet: the sum of amounts = lots - overdrawn, of held changes = held. Blocks stand as told."""
        self.conservation.check(bucket)
        standing: dict[tuple[str, str, str], list[str]] = {}
        self.users.check(bucket)
        for customer in bucket.customers.values():
            standing |= blocks_of(customer) | blocked_users(customer)
            check_limits(customer)
            check_counters(customer)
            kept = sum(lot.remaining for lots in customer.forfeited.values() for lot in lots)
            assert kept == self.forfeited.get(customer.name, 0), "what was forfeited can be given back, to the last bit"
            for wallet in customer.wallets.values():
                key = (customer.name, wallet.name)
                assert self.balance.get(key, 0) == wallet.balance
                assert self.held.get(key, 0) == wallet.held
                check_wallet(customer, wallet)
        assert standing == {key: causes for key, causes in self.causes.items() if causes}


def blocks_of(customer: Customer) -> dict[tuple[str, str, str], list[str]]:
    """The causes of all that is blocked."""
    found = {
        (customer.name, "wallet", name): wallet.block.in_order
        for name, wallet in customer.wallets.items()
        if wallet.block is not None
    }
    found |= {(customer.name, "sender", name): block.in_order for name, block in customer.senders.items()}
    return found | ({(customer.name, "customer", customer.name): in_order(customer.causes)} if customer.causes else {})


def check_limits(customer: Customer) -> None:
    """What a limit holds is what the charges hold of it since it counts; nothing held is negative."""
    for limit in customer.limits.values():
        takes = [take for charge in customer.charges.values() for take in charge.takes if take.limit == limit.id]
        assert limit.held == sum(take.held for take in takes if take.since == limit.since_seq)
        assert all(take.held >= 0 for take in takes)


def check_counters(customer: Customer) -> None:
    """At least what charges have counted is used, and nothing below zero."""
    for counter in customer.counters.values():
        counts = [count for charge in customer.charges.values() for count in charge.counts]
        mine = [c.units for c in counts if c.counter == counter.id and c.starts == counter.starts and c.units > 0]
        assert counter.used >= sum(mine)


def check_wallet(customer: Customer, wallet: Wallet) -> None:
    """No lot negative; what is overdrawn leaves no lot free; held is what the charges hold, lot by lot."""
    held_by_lot: dict[str, int] = {}
    for charge in customer.charges.values():
        if charge.wallet == wallet.name:
            assert charge.state == "held" or charge.held == 0
            for part in charge.parts:
                assert part.amount > 0
                held_by_lot[part.lot] = held_by_lot.get(part.lot, 0) + part.amount
    for lot in wallet.lots:
        assert 0 <= lot.held <= lot.remaining
        assert lot.remaining > 0
        assert lot.held == held_by_lot.pop(lot.id, 0)
        assert wallet.overdrawn == 0 or lot.free == 0
    assert wallet.held_over == held_by_lot.pop("", 0)
    assert held_by_lot == {}
    assert wallet.overdrawn >= 0
    assert abs(wallet.balance) < 2**53
