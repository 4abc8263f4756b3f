"""A bad deploy turns most of a stream into dead letters: buckets stop, and once it is put right nothing is missing."""

from __future__ import annotations

from metering.contracts.partitioning import partition_of
from metering.ledger.standstill import end_standstill, read_standstill
from metering.settings import WorkerSettings
from tests.end_to_end.command_line import run, run_plain
from tests.end_to_end.evidence import collect
from tests.end_to_end.messages import AMERICA, opening, text
from tests.end_to_end.metrics import count_logged
from tests.end_to_end.observed import metric
from tests.end_to_end.proof import prove
from tests.end_to_end.system import PARTITIONS, System
from tests.end_to_end.topics import read_topic
from tests.end_to_end.traffic import Totals
from tests.stack.brokers import ON_APACHE, ON_TANSU

WINDOW = 40
TEXTS = 80


@ON_APACHE
async def test_bad_deploy_stops_its_buckets_and_after_the_fix_the_stream_goes_on_with_nothing_lost_or_doubled(
    system: System,
) -> None:
    names = ["customer-0", "customer-1"]
    buckets = {partition_of(name, PARTITIONS) for name in names}
    system.settings = system.settings.with_section(
        worker=WorkerSettings(chunk_events_max=10, probe_seconds=0.5, dead_letters_window_records=WINDOW)
    )
    system.program = "tests.end_to_end.bad_deploy"
    bad = system.start_worker()
    await system.send_commands([record for name in names for record in opening(name, 10_000_000)])
    await system.send([text(name, f"{name}-{n}", AMERICA) for n in range(TEXTS) for name in names])

    async def all_stand() -> bool:
        return all([await read_standstill(system.redis, bucket) for bucket in buckets])

    await system.reached(all_stand, "the buckets stop")
    assert metric(system, 'metering_bucket_stops_total{reason="dead_letters"}') == len(buckets)
    views = {view["bucket"]: view for view in run(system, "bucket", "status", expected=1)["buckets"]}
    for bucket in buckets:
        assert views[bucket]["stopped"]["reason"] == "dead_letters"
        assert "usage unknown_type: " in views[bucket]["stopped"]["why"]
        assert views[bucket]["position"]["usage"] <= WINDOW // 2
    accepted = len(await read_topic(system, "dead-letters"))
    assert 0 < accepted <= len(buckets) * WINDOW // 2

    # A restart alone, of whatever version, lets nothing more through.
    assert await system.stop(bad) == 0
    system.program = "metering.cli"
    system.start_checkpointer()
    fixed = system.start_worker()
    await system.reached(lambda: count_logged(fixed, "bucket_stopped") >= len(buckets), "they stay stopped")
    assert len(await read_topic(system, "dead-letters")) == accepted
    run_plain(system, "bucket", "resume", "--all")
    await system.settled()
    evidence = await collect(system)
    letters = {(one["partition"], one["offset"]) for one in evidence.values("dead-letters")}
    assert len(letters) == len(evidence.values("dead-letters")) == accepted
    missing = dict.fromkeys(names, 0)
    for read in evidence.topics["usage"]:
        if (read.partition, read.offset) in letters:
            missing[read.value["data"]["customer"]] += 1
    totals = {name: Totals(10_000_000 - (TEXTS - missing[name]) * 10_000) for name in names}
    await prove(system, totals)


@ON_TANSU
async def test_bucket_that_bad_input_has_stopped_leaves_the_others_alone_and_reads_on_where_it_stood_when_resumed(
    system: System,
) -> None:
    system.settings = system.settings.with_section(
        worker=WorkerSettings(chunk_events_max=5, probe_seconds=0.5, dead_letters_window_records=WINDOW)
    )
    bucket, other = partition_of("customer-0", PARTITIONS), partition_of("customer-1", PARTITIONS)
    assert bucket != other
    system.start_checkpointer()
    system.start_worker()
    await system.send_commands([*opening("customer-0", 1_000_000), *opening("customer-1", 1_000_000)])
    await system.settled()
    records = [("customer-0", b"{broken %d" % n) for n in range(30)]
    await system.send([text("customer-0", "before", AMERICA), *records, text("customer-0", "after", AMERICA)])

    async def stands() -> bool:
        return await read_standstill(system.redis, bucket) is not None

    await system.reached(stands, "the bucket stops")
    assert metric(system, 'metering_bucket_stops_total{reason="dead_letters"}') == 1
    assert await read_standstill(system.redis, other) is None
    await system.send([text("customer-1", "meanwhile", AMERICA)])
    await system.settled(buckets=[other])
    assert len(await read_topic(system, "dead-letters")) == (await system.status(bucket)).position.usage - 1 == 19
    assert await end_standstill(system.redis, bucket)
    await system.settled()
    evidence = await prove(system, {"customer-0": Totals(980_000), "customer-1": Totals(990_000)})
    assert [one["offset"] for one in evidence.values("dead-letters")] == list(range(1, 31))
