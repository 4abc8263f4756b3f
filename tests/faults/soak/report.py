"""The report of a soak, as JSON and as text. Leaves judging to `judge`."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from msgspec import Struct

from metering.drill.schedule import Injected
from metering.worker.replay import Difference
from tests.faults.soak.fleet import Memory
from tests.faults.soak.judge import Verdict

MEGABYTE = 1024 * 1024
WARM_SHARE = 0.25
"""Of a run, before memory is compared: caches fill."""

RECOVERY_SECONDS_MAX = 10.0
"""From a worker's kill until every bucket decides again, its session included: the most that the median may be."""
RECOVERIES_MIN = 5
"""Of fewer kills the median says nothing."""
GROWTH_MAX = 0.1
FLAT_AFTER_MINUTES = 60.0
"""In a shorter run what is still warming up is too large a part."""


class MemoryReport(Struct):
    """The memory of the worker that was never killed. Megabytes."""

    warm_mb: float = 0.0
    """Median of the second quarter of the run."""
    end_mb: float = 0.0
    """Median of its last quarter."""
    max_mb: float = 0.0
    away_before_mb: float = 0.0
    """When Redis was stopped for long."""
    away_max_mb: float = 0.0
    """The most until it was back and all caught up."""

    @property
    def growth(self) -> float:
        """From warm to the end, 0.1 for a tenth."""
        return self.end_mb / self.warm_mb - 1 if self.warm_mb else 0.0


class Report(Struct):
    """All that a soak came to."""

    seed: int
    minutes: float
    per_second: int
    verdict: Verdict
    faults: dict[str, int]
    injected: list[Injected]
    recoveries: list[float]
    """Seconds until every bucket decided again, after each kill of a worker, sorted."""
    redis_away_seconds: float
    memory: MemoryReport
    settled_seconds: float
    replay_entries: int
    replay_differing: int
    replay_differences: list[Difference]
    """The first of them, whole."""
    reconcile_drift: int
    ended: list[str]
    """Processes that ended though nobody killed them; each was restarted."""

    @property
    def is_exact(self) -> bool:
        """Whether nothing was lost, doubled, overspent or adrift, and the replay came out the same."""
        return self.verdict.is_exact and not self.replay_differing and not self.reconcile_drift

    @property
    def misses(self) -> list[str]:
        """What was asked of time and memory and did not come about; an exact run may still be too slow."""
        found = []
        if len(self.recoveries) >= RECOVERIES_MIN and statistics.median(self.recoveries) > RECOVERY_SECONDS_MAX:
            found.append(
                f"decisions must flow again within {RECOVERY_SECONDS_MAX:.0f} s of a worker's kill, in the median"
            )
        if self.minutes >= FLAT_AFTER_MINUTES and abs(self.memory.growth) > GROWTH_MAX:
            found.append(f"a worker's memory must stay within {GROWTH_MAX:.0%} over an hour")
        return found

    def as_text(self) -> str:
        """Return the report for people."""
        verdict, memory = self.verdict, self.memory
        faults, replayed = len(self.injected), self.replay_entries
        lines = [
            f"seed {self.seed}, {self.minutes:g} minutes, {self.per_second} events a second asked for",
            f"{faults} faults, {verdict.inputs:,} inputs, {verdict.entries:,} entries, {verdict.decisions:,} decisions",
            f"lost {verdict.lost}, doubled {verdict.doubled}, overspent {verdict.overspent}, drift {verdict.drift}",
            f"replay of {replayed:,} entries: {self.replay_differing} differ; reconcile: drift {self.reconcile_drift}",
        ]
        if self.recoveries:
            middle, worst = statistics.median(self.recoveries), max(self.recoveries)
            lines.append(
                f"decisions again after a worker's kill: median {middle:.1f} s, most {worst:.1f} s,"
                f" of {len(self.recoveries)}"
            )
        lines.append(
            f"memory of the worker that lived on: {memory.warm_mb:.0f} MB warm, {memory.end_mb:.0f} MB at the end"
            f" ({memory.growth:+.1%}), {memory.max_mb:.0f} MB at most"
        )
        if self.redis_away_seconds:
            lines.append(
                f"Redis stopped for {self.redis_away_seconds:.0f} s under load: {memory.away_before_mb:.0f} MB before,"
                f" {memory.away_max_mb:.0f} MB at most"
            )
        lines.append(f"settled {self.settled_seconds:.0f} s after the last fault")
        lines += [f"  {count:4d}  {name}" for name, count in self.faults.items()]
        lines += [f"ended by itself: {told}" for told in self.ended]
        lines += [f"PROBLEM {problem}" for problem in verdict.problems]
        lines += [f"MISSED {miss}" for miss in self.misses]
        lines.append("exact" if self.is_exact else "NOT EXACT")
        return "\n".join(lines)


def describe_memory(samples: Sequence[Memory], away: tuple[float, float] | None) -> MemoryReport:
    """Return what the samples come to. `away`: from when until when Redis was stopped and caught up with. Seconds."""
    report = MemoryReport()
    if not samples:
        return report
    end = samples[-1].at_seconds
    report.warm_mb = _median(samples, end * WARM_SHARE, end * 2 * WARM_SHARE)
    report.end_mb = _median(samples, end * (1 - WARM_SHARE), end)
    report.max_mb = max(one.rss_bytes for one in samples) / MEGABYTE
    if away is not None:
        before = [one.rss_bytes for one in samples if one.at_seconds <= away[0]]
        during = [one.rss_bytes for one in samples if away[0] <= one.at_seconds <= away[1]]
        report.away_before_mb = (before[-1] if before else 0) / MEGABYTE
        report.away_max_mb = max(during, default=0) / MEGABYTE
    return report


def _median(samples: Sequence[Memory], since: float, until: float) -> float:
    chosen = [one.rss_bytes for one in samples if since <= one.at_seconds <= until]
    return statistics.median(chosen) / MEGABYTE if chosen else 0.0
