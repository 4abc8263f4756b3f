"""The closed list of metrics, by process. Leaves counting to the worker and the checkpointer.

No label has values that grow with customers: each stands in `LABELS` with what it can be.
"""

from __future__ import annotations

from functools import cache

from prometheus_client import CollectorRegistry

from metering.observe.bulk_histogram import DECISION_BOUNDS
from metering.observe.catalogue import Catalogue

LABELS = {
    "bucket": "A bucket's number: below the number of partitions.",
    "cause": "Why a bucket was claimed: `assigned`, `lost` (Redis does not have what it should), `fenced`, `resumed`.",
    "change": "`blocked` or `unblocked`.",
    "channel": "`sms`, `mms`, `voice`, `conversation`, or empty where it is not known.",
    "country": "ISO 3166-1 alpha-2 of the destination as the decks have it, or empty.",
    "direction": "`debited`, `credited`, `held` or `freed`.",
    "how": "`agreed` (Redis had everything) or `restored` (read back from Postgres).",
    "level": "`customer`, `wallet` or `sender`.",
    "mode": "`transactions` or `at_least_once` (a broker without transactions).",
    "outcome": "Of events: the kind of the ledger entry. Of commands: `done`, `refused`, `duplicate`."
    " Of transactions: `committed`, `aborted`, `fenced`.",
    "reason": "A word of a closed list: of dead letters, of blocks, of dropped records (`repeat`, `other_history`,"
    " `gap`, `undecodable`), of skipped publications (`late`, `incomplete`, `unreadable`), of refused destinations"
    " (`unrated`, `rejected_destination`, `invalid_number`), of buckets that stop (`broken_invariant`,"
    " `dead_letters`, `records_missing`).",
    "script": "The Lua script: `apply`, the one that decides.",
    "severity": "`retryable`, `broken_invariant`, `fatal`.",
    "state": "`claiming`, `restoring`, `running`, `stopped` (waits for an operator); one of them is 1.",
    "topic": "A topic's name without the prefix.",
    "type": "A type of usage event, command or alert from the closed lists; `other` for what is none.",
    "unit": "The unit of a plan: an ISO 4217 code or `credit`.",
    "version": "Of the program, or of plans and decks (a hash of their contents).",
}

SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
LONG_SECONDS = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
SIZES = (1, 2, 5, 10, 25, 50, 100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800)


COMPILED_STEPS = "1 where the hot steps are compiled code (`METERING_NATIVE`), 0 where they are Python."


class WorkerMetrics:
    """What a worker counts. Figures of events are added up by chunk first: an `inc` costs a microsecond or two."""

    def __init__(self) -> None:
        catalogue = Catalogue()
        catalogue.process()
        self.registry: CollectorRegistry = catalogue.registry
        self._declare_input(catalogue)
        self._declare_effects(catalogue)
        self._declare_buckets(catalogue)
        self.described = tuple(catalogue.described)
        # By their labels in the catalogue's order. Finding one takes prometheus' client longer than counting up, and a
        # chunk may be of one event; it keeps them all for good itself.
        self.events_of = cache(self.events.labels)
        self.amounts_of = cache(self.amounts.labels)

    def _declare_input(self, catalogue: Catalogue) -> None:
        self.events = catalogue.counter(
            "events", "Usage events that became ledger entries.", "type", "channel", "country", "outcome"
        )
        self.commands = catalogue.counter("commands", "Commands that became ledger entries.", "type", "outcome")
        self.dead_letters = catalogue.counter(
            "dead_letters", "Records that could not become an input.", "topic", "reason"
        )
        self.forwarded = catalogue.counter(
            "forwarded", "Records found in another partition than their customer's, sent on to it.", "topic"
        )
        self.ticks = catalogue.counter("ticks", "Ticks written because a timer was due and no input came.")
        self.lag = catalogue.gauge(
            "lag_records", "Records of an input topic that the bucket has not applied yet.", "topic", "bucket"
        )
        self.position = catalogue.gauge("position", "Next offset of an input topic to apply.", "topic", "bucket")
        self.buffered = catalogue.gauge("buffered_inputs", "Inputs read and not yet published.", "bucket")
        self.batch_inputs = catalogue.histogram("batch_inputs", "Inputs of one batch, published together.", SIZES)
        self.chunk_inputs = catalogue.bulk_histogram("chunk_inputs", "Inputs of one Lua call.", SIZES)

    def _declare_effects(self, catalogue: Catalogue) -> None:
        self.amounts = catalogue.counter(
            "amount_micros",
            "Micro-units moved, in absolute value. A float: for graphs, never for accounts.",
            *("unit", "direction"),
        )
        self.decision_seconds = catalogue.bulk_histogram(
            "decision_seconds", "From an event's log timestamp until its decision is acknowledged.", DECISION_BOUNDS
        )
        self.holds_open = catalogue.gauge("holds_open", "Charges that hold credit.", "bucket")
        self.holds_expired = catalogue.counter("holds_expired", "Holds whose deadline passed without an outcome.")
        self.lots_expired = catalogue.counter("lots_expired", "Lots that lapsed.")
        self.blocks = catalogue.gauge("blocks", "Blocks that stand.", "bucket", "level")
        self.block_changes = catalogue.counter(
            "block_changes", "Changes into and out of the blocked state.", "level", "change", "reason"
        )
        self.alerts = catalogue.counter("alerts", "Alerts written.", "type")
        self.destinations_refused = catalogue.counter(
            "destinations_refused", "Events refused because their destination has no price.", "reason", "country"
        )
        self.rates = catalogue.gauge("rates_info", "1, with the version of plans and decks in use.", "version")
        self.rates_next_activation = catalogue.gauge(
            "rates_next_activation_seconds",
            "When the next published version comes into force, Unix seconds; 0: none is.",
        )
        self.rates_skipped = catalogue.counter(
            "rates_skipped",
            "Publications of rates that count for nothing: the version before stays in force.",
            "reason",
        )
        self.rates_read_age = catalogue.gauge(
            "rates_read_age_seconds", "Since the end of the topic `rates` was last seen; above 20 s buckets wait."
        )
        self.rates_load_seconds = catalogue.histogram(
            "rates_load_seconds", "Loading one published version, beside the stream.", LONG_SECONDS
        )

    def _declare_buckets(self, catalogue: Catalogue) -> None:
        self.bucket_state = catalogue.gauge("bucket_state", "1 for the state that the bucket is in.", "bucket", "state")
        self.bucket_clock = catalogue.gauge(
            "bucket_clock_seconds", "The bucket's clock: the newest log timestamp applied, Unix seconds.", "bucket"
        )
        self.ledger_seq = catalogue.gauge("ledger_seq", "`seq` of the bucket's newest entry.", "bucket")
        self.outbox = catalogue.gauge("outbox_entries", "Entries applied and not yet known to be published.", "bucket")
        self.lua_seconds = catalogue.bulk_histogram(
            "lua_seconds", "One call of a script, as the worker sees it.", SECONDS, script="apply"
        )
        self.stale_chunks = catalogue.counter(
            "stale_chunks", "Chunks priced again because settings or rates had changed in between."
        )
        self.bucket_stops = catalogue.counter(
            "bucket_stops", "Times that a bucket stopped and waits for an operator; `bucket status` says why.", "reason"
        )
        self.recovery_started = catalogue.gauge(
            "recovery_started_seconds",
            "When the claim under way began, Unix seconds, over all its tries; 0: none is under way.",
            "bucket",
        )
        self.recovery_records = catalogue.counter(
            "recovery_records", "Records of state (wallets, holds, remembered ids, …) read back from the books."
        )
        self.recoveries = catalogue.counter("recoveries", "Claims of a bucket.", "cause", "how")
        self.recovery_seconds = catalogue.histogram(
            "recovery_seconds", "From the start of a claim until the bucket runs.", LONG_SECONDS, "how"
        )
        self.transactions = catalogue.counter("transactions", "Kafka transactions ended.", "outcome")
        self.producer_renewals = catalogue.counter(
            "producer_renewals",
            "Times that the producer of decisions was made anew, since a broker had refused what it sent, or its client"
            " had ended: what was not acknowledged is sent again. The log says which (`producer_renewed`).",
        )
        self.publish_seconds = catalogue.histogram(
            "publish_seconds", "One publication of a batch: ledger, side topics and offsets.", SECONDS
        )
        self.delivery = catalogue.gauge("delivery_info", "1, with the way that entries are published.", "mode")
        self.compiled_steps = catalogue.gauge("compiled_steps", COMPILED_STEPS)
        self.errors = catalogue.counter("errors", "Errors that stopped a bucket's step.", "severity")


class CheckpointerMetrics:
    """What a checkpointer counts."""

    def __init__(self) -> None:
        catalogue = Catalogue()
        catalogue.process()
        self.registry: CollectorRegistry = catalogue.registry
        self.age_seconds = catalogue.gauge(
            "checkpoint_age_seconds",
            "Age of the oldest entry read and not yet in Postgres; 0 when there is none.",
            "bucket",
        )
        self.lag = catalogue.gauge("checkpoint_lag_records", "Ledger records not yet in Postgres.", "bucket")
        self.seq = catalogue.gauge("checkpoint_seq", "`seq` of the newest entry in Postgres.", "bucket")
        self.entries_written = catalogue.counter("checkpoint_entries_written", "Entries written.")
        self.entries_dropped = catalogue.counter(
            "checkpoint_entries_dropped", "Records of the ledger topic that do not count.", "reason"
        )
        self.buffered = catalogue.gauge("checkpoint_buffered_entries", "Entries read and not yet written.")
        self.flush_seconds = catalogue.histogram(
            "checkpoint_flush_seconds", "One Postgres transaction of a bucket.", LONG_SECONDS
        )
        self.flush_entries = catalogue.histogram("checkpoint_flush_entries", "Entries of one flush.", SIZES)
        self.flush_failures = catalogue.counter("checkpoint_flush_failures", "Flushes that failed and are tried again.")
        self.compiled_steps = catalogue.gauge("compiled_steps", COMPILED_STEPS)
        self.conflicts = catalogue.counter(
            "checkpoint_conflicts", "Flushes given up because another checkpointer had moved the position."
        )
        self.days_put_away = catalogue.counter("checkpoint_days_put_away", "Days of entries put away for good.")
        self.days_due = catalogue.gauge(
            "checkpoint_days_due", "Days of entries that are past the retention and still in Postgres."
        )
        self.retention_failures = catalogue.counter(
            "checkpoint_retention_failures", "Tries to put a day away that its own rows, which do not add up, forbade."
        )
        self.described = tuple(catalogue.described)
