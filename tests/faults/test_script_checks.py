"""Each check in the scripts earns its place: the scenario holds with it, and fails when it is taken out.

Leaves the same question about the whole protocol to `tests/protocol_model`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from redis.asyncio import Redis

from metering.errors import BrokenInvariant
from metering.ledger import scripts
from metering.ledger.layout import LAYOUT_VERSION
from metering.ledger.scripts import Script, load_script
from tests.faults import probe_scenarios as probes, script_scenarios as scenarios
from tests.faults.bench import Bench

Scenario = Callable[[Bench], Awaitable[None]]

TOKEN_AND_LOADED = f"if meta[1] ~= token or not meta[2] or string.byte(meta[2]) ~= {LAYOUT_VERSION} then"
NOT_LOADED = f"if not meta[2] or string.byte(meta[2]) ~= {LAYOUT_VERSION} then"
OF_ANY_LAYOUT = "if meta[1] ~= token or not meta[2] then"
TOKEN_OF_RESTORE = "if meta[1] ~= ARGV[1] then"
COUNT_OF_PARTS = "if meta[1] ~= ARGV[1] or tonumber(meta[2] or '-1') ~= tonumber(ARGV[2]) - 1 then"
COUNT_AT_END = "if meta[1] ~= ARGV[1] or meta[2] ~= ARGV[2] then"
EXPECTED_HEAD = "if head.seq ~= expected or head.chunk ~= chunk then"
PROBED_HEAD = "if not head or head.seq ~= tonumber(ARGV[2]) or head.chunk ~= ARGV[3] then"

LEFT_OUT: list[tuple[str, str, str, str, Scenario]] = [
    ("token_of_apply", "apply", TOKEN_AND_LOADED, NOT_LOADED, scenarios.stale_owner_is_refused),
    (
        "taking_the_token",
        "claim",
        "redis.call('HSET', KEYS[1], 'token', ARGV[1])",
        "",
        scenarios.late_claimer_is_served,
    ),
    (
        "identity_of_expected_head",
        "apply",
        EXPECTED_HEAD,
        "if head.seq ~= expected then",
        scenarios.another_history_of_the_same_length_is_not_continued,
    ),
    (
        "expected_head",
        "apply",
        EXPECTED_HEAD,
        "if false then",
        scenarios.another_history_of_the_same_length_is_not_continued,
    ),
    (
        "position_of_apply",
        "apply",
        "if head.usage ~= from_usage or head.commands ~= from_commands then",
        "if false then",
        scenarios.position_gone_back_is_noticed,
    ),
    (
        "outbox_for_lost_answers",
        "apply",
        "if head.seq > expected and chunk_at == chunk then",
        "if false then",
        scenarios.answer_lost_is_repeated_from_the_outbox,
    ),
    (
        "identity_of_lost_answers",
        "apply",
        "if head.seq > expected and chunk_at == chunk then",
        "if head.seq > expected then",
        scenarios.entries_of_another_history_are_not_taken_for_an_answer,
    ),
    (
        "identity_of_compare",
        "compare",
        "if chunk_at ~= ARGV[3] then",
        "if not chunk_at then",
        scenarios.ledger_of_another_history_is_not_agreed_with,
    ),
    (
        "bounds_and_identity_of_compare",
        "compare",
        "if chunk_at ~= ARGV[3] then",
        "if false then",
        scenarios.ledger_of_another_history_is_not_agreed_with,
    ),
    (
        "loaded_of_compare",
        "compare",
        TOKEN_AND_LOADED,
        "if meta[1] ~= token then",
        scenarios.empty_redis_is_not_agreed_with,
    ),
    (
        "loaded_of_apply",
        "apply",
        TOKEN_AND_LOADED,
        "if meta[1] ~= token then",
        scenarios.half_loaded_bucket_is_not_usable,
    ),
    (
        "layout_of_compare",
        "compare",
        TOKEN_AND_LOADED,
        OF_ANY_LAYOUT,
        scenarios.bucket_of_another_layout_is_restored,
    ),
    (
        "layout_of_apply",
        "apply",
        TOKEN_AND_LOADED,
        OF_ANY_LAYOUT,
        scenarios.bucket_of_another_layout_is_not_applied_to,
    ),
    (
        "count_of_restored_parts",
        "restore_chunk",
        COUNT_OF_PARTS,
        "if meta[1] ~= ARGV[1] then",
        scenarios.part_lost_in_mid_restore_is_noticed,
    ),
    (
        "count_at_the_end_of_a_restore",
        "restore_end",
        COUNT_AT_END,
        "if meta[1] ~= ARGV[1] then",
        scenarios.last_part_lost_is_noticed,
    ),
    (
        "token_of_restore_begin",
        "restore_begin",
        TOKEN_OF_RESTORE,
        "if false then",
        scenarios.late_restore_does_not_wipe_a_living_bucket,
    ),
    (
        "token_of_restore_chunk",
        "restore_chunk",
        COUNT_OF_PARTS,
        COUNT_OF_PARTS.replace("meta[1] ~= ARGV[1] or ", ""),
        scenarios.late_part_of_an_older_restore_is_refused,
    ),
    (
        "token_of_restore_end",
        "restore_end",
        COUNT_AT_END,
        "if meta[2] ~= ARGV[2] then",
        scenarios.late_end_of_an_older_restore_is_refused,
    ),
    (
        "token_of_trim",
        "trim",
        TOKEN_AND_LOADED,
        NOT_LOADED,
        scenarios.zombie_does_not_trim_what_the_owner_has_not_published,
    ),
    (
        "identity_of_trim",
        "trim",
        "if chunk_at ~= ARGV[3] then",
        "if false then",
        scenarios.entries_of_another_history_are_not_trimmed,
    ),
    ("head_of_probe", "probe", PROBED_HEAD, "if not head then", probes.probe_notices_another_history),
    (
        "position_of_probe",
        "probe",
        "if head.usage ~= tonumber(ARGV[4]) or head.commands ~= tonumber(ARGV[5]) then",
        "if false then",
        probes.probe_notices_a_position_gone_back,
    ),
    (
        "loaded_of_probe",
        "probe",
        PROBED_HEAD,
        "if false then",
        probes.probe_notices_a_redis_that_is_empty,
    ),
    (
        "token_of_probe",
        "probe",
        TOKEN_AND_LOADED,
        NOT_LOADED,
        probes.probe_notices_another_owner,
    ),
    ("version_of_settings", "apply", "if stale then", "if false then", scenarios.price_of_old_settings_is_not_charged),
]

SCENARIOS = [
    value
    for module in (scenarios, probes)
    for name, value in vars(module).items()
    if getattr(value, "__module__", "") == module.__name__ and not name.startswith("_")
]


@pytest.mark.requirement("INF-01")
@pytest.mark.parametrize("scenario", SCENARIOS, ids=[scenario.__name__ for scenario in SCENARIOS])
async def test_scripts_as_they_are_hold(scenario: Scenario, fresh_redis: Redis) -> None:
    await scenario(Bench(fresh_redis))


@pytest.mark.parametrize(
    ("script", "check", "instead", "scenario"), [row[1:] for row in LEFT_OUT], ids=[row[0] for row in LEFT_OUT]
)
async def test_script_without_its_check_fails_the_scenario(
    script: str, check: str, instead: str, scenario: Scenario, fresh_redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = load_script(script)
    assert whole.count(check) == 1
    broken = Script.made_of(script, whole.replace(check, instead))
    monkeypatch.setitem(scripts._scripts, script, broken)
    with pytest.raises((AssertionError, BrokenInvariant)):
        await scenario(Bench(fresh_redis))


def test_every_scenario_is_what_some_check_is_for() -> None:
    used = {row[4].__name__ for row in LEFT_OUT}
    shown_by_two_checks = {"old_snapshot_is_not_agreed_with"}
    assert {scenario.__name__ for scenario in SCENARIOS} == used | shown_by_two_checks
