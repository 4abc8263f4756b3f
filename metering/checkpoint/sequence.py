"""Checks that a bucket's rows follow each other without a gap, and that entries have all their legs.

Pure; leaves reading the rows to `verify` and the wallets' hashes to `audit`.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from metering.checkpoint.faults import Fault, Faults
from metering.contracts.reasons import Kind


class Link(Struct, frozen=True, gc=False, array_like=True):
    """What the check looks at of a row. `kind` None: a denial that is only counted, of which the seq is known."""

    seq: int
    leg: int
    id: str | None
    kind: str | None
    customer: str
    wallet: str | None
    counter_wallet: str | None
    amount_micros: int
    chunk: str | None
    prev_chunk: str | None


class Counted(Struct, frozen=True, gc=False, array_like=True):
    """Denials of which the books keep only how many there were, and between which entries."""

    first_seq: int
    last_seq: int
    attempts: int


class BucketSequence:
    """Follows one bucket's rows in the order of seq and leg, from the one that follows seq and chunk of `after`.

    `counted` do not overlap, and are in order.
    """

    def __init__(self, bucket: int, counted: Iterable[Counted], faults: Faults, after: tuple[int, str]) -> None:
        self.bucket = bucket
        self.entries = 0
        """Found, counted denials included."""
        self._faults = faults
        self._seq, self._chunk = after
        self._spans = iter(counted)
        self._span: Counted | None = next(self._spans, None)
        self._span_missing = 0
        self._group: list[Link] = []

    def take(self, link: Link) -> None:
        """Check one row."""
        if self._group and link.seq == self._group[0].seq:
            self._group.append(link)
            return
        self._end_group()
        if link.seq > self._seq + 1:
            self._miss(self._seq + 1, link.seq - 1)
        elif link.seq <= self._seq:
            self._report("seq", f"it is put away, and there: what is left begins after {self._seq}", link)
        elif self._chunk and link.prev_chunk is not None and link.prev_chunk != self._chunk:
            self._report("seq", f"it follows chunk {link.prev_chunk}, the entry before it is of {self._chunk}", link)
        self._group = [link]
        self._seq, self._chunk = link.seq, link.chunk or ""

    def finish(self, seq: int, chunk: str) -> None:
        """Check that the rows end with the entry (`seq`, `chunk`), as the position says."""
        self._end_group()
        if self._seq < seq:
            self._miss(self._seq + 1, seq)
        elif self._seq > seq:
            self._report("seq", f"the position says that {seq} is the last entry, there is {self._seq}")
        elif self._chunk and self._chunk != chunk:
            self._report("seq", f"the position says that chunk {chunk} is the last, entry {seq} is of {self._chunk}")
        while self._span is not None:
            self._end_span(self._span)

    def _miss(self, first: int, last: int) -> None:
        """Take the seqs from `first` to `last` for denials that are only counted, where there are such, else report."""
        self._chunk = ""
        while first <= last:
            span = self._span
            if span is None or last < span.first_seq:
                self._report_missing(first, last)
                return
            if span.last_seq < first:
                self._end_span(span)
                continue
            if first < span.first_seq:
                self._report_missing(first, span.first_seq - 1)
                first = span.first_seq
            covered = min(last, span.last_seq)
            self._span_missing += covered - first + 1
            first = covered + 1

    def _end_span(self, span: Counted) -> None:
        self.entries += span.attempts
        if self._span_missing != span.attempts:
            where = f"entries {span.first_seq} to {span.last_seq}"
            self._report("seq", f"of {where} {self._span_missing} have no row, {span.attempts} are counted as denials")
        self._span, self._span_missing = next(self._spans, None), 0

    def _end_group(self) -> None:
        group, self._group = self._group, []
        if not group:
            return
        self.entries += 1
        first = group[0]
        if [link.leg for link in group] != list(range(len(group))):
            self._report(
                "legs", f"it has the legs {[link.leg for link in group]}, in place of 0 and those after it", first
            )
        elif first.counter_wallet is not None and [first.counter_wallet] != [link.wallet for link in group[1:]]:
            self._report("legs", f"its other wallet is {first.counter_wallet}, which has no leg of its own", first)
        elif first.kind == _TRANSFERRED and sum(link.amount_micros for link in group) != 0:
            total = sum(link.amount_micros for link in group)
            self._report(
                "legs", f"its legs add up to {total} micro-units, and a transfer makes or takes nothing", first
            )

    def _report_missing(self, first: int, last: int) -> None:
        which = f"{self.bucket}-{first}" + (f" to {self.bucket}-{last}" if last > first else "")
        why = "it is missing" if first == last else f"{last - first + 1} entries are missing"
        self._faults.add(Fault("seq", why, self.bucket, which))

    def _report(self, what: str, why: str, link: Link | None = None) -> None:
        if link is None:
            self._faults.add(Fault(what, why, self.bucket))
        else:
            entry = f"{self.bucket}-{link.seq}"
            self._faults.add(Fault(what, why, self.bucket, entry, link.customer, link.wallet or ""))


_TRANSFERRED = Kind.TRANSFERRED.value
