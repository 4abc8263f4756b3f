"""What a check of the ledger found: where, and what is wrong there. Leaves looking for it to the checks."""

from __future__ import annotations

from msgspec import Struct

FAULTS_MAX = 100
"""So many are told one by one; all are counted."""


class Fault(Struct, frozen=True, omit_defaults=True):
    """Something in the ledger that is not as it was written."""

    what: str
    """`chain`: a wallet's hashes or numbers. `seq`: a bucket's. `legs`: of an entry that changes several wallets.
    `topic`: books and topic differ. `anchor`: what is kept of entries that are put away.
    """
    why: str
    bucket: int | None = None
    entry: str = ""
    """Id of the entry; empty where it is the end that is missing."""
    customer: str = ""
    wallet: str = ""


class Faults:
    """Faults found so far: all counted, the first kept."""

    def __init__(self) -> None:
        self.count = 0
        self.first: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Count one, and keep it while there is room."""
        self.count += 1
        if len(self.first) < FAULTS_MAX:
            self.first.append(fault)
