"""Every check that is taken out, one at a time: where it stands, what stands there instead, what must notice it.

Leaves taking it out to `patching`, and running to `__main__`. The names are those of docs/protocol.md.
"""

from __future__ import annotations

from tests.mutations.mutation import (
    Edit,
    Mutation,
    has,
    loses_answers,
    loses_batches,
    plain,
    transactional,
)

CLAIMING, APPLYING = "metering.worker.claiming", "metering.worker.applying"
BUCKET, PUBLISHING = "metering.worker.bucket", "metering.worker.publishing"
ZOMBIE = ("zombie", "freeze", "freeze_at")
APPLIED = "        self._steps.reached(Step.APPLIED, self._bucket)\n"
DECISIONS = "            await await_all([delivery for batch in together for delivery in batch.decisions])\n"
SIDES = "            await await_all(await self._outbound.send(publication.sides))\n"
PRODUCED = "            self._steps.reached(Step.RESULTS_PRODUCED, self._bucket)\n"
FORGETS = ("redis_back", "redis_flush")
SAME_END = "            if (written.head.seq, written.head.chunk) != (end.seq, end.chunk):\n"
TOKEN = "            known = await self._till.claim(token)\n            self._reached(Step.TOKEN_TAKEN)\n"
COMMITTED = "            committed = await self._committed()\n"
END_READ = "            self._reached(Step.END_READ)\n"
FRESH = "            chunk_id = fresh_chunk_id()\n"
CALL_FAILED = '            raise redis_error(error, f"{name} of bucket {self.bucket}") from error\n'
CONTINUES = " or record.prev_chunk != self.chunk"
IS_MINE = "        if (found.seq, found.chunk) != (publication.seq, publication.chunk):\n            raise Fenced\n"
LOCKED = 'await connection.fetchval(queries["lock_position"], batch.bucket, base.seq, base.chunk)'
BEGUN = 'await connection.fetchval(queries["begin_position"], batch.bucket) is not None'
AGAIN = "            answer = await call_script(self._redis, name, keys, args)\n"
TILL = "metering.ledger.till"
STEPS = "tests/worker/test_steps.py"
SCRIPTS = "tests/faults/test_script_checks.py::test_scripts_as_they_are_hold"

MUTATIONS = {
    mutation.name: mutation
    for mutation in (
        Mutation(
            "outbox",
            (
                Edit(
                    APPLYING,
                    "return self._take_repeated(answer, taken)",
                    "return self._answered(taken, answer.head, Told)",
                ),
            ),
            loses_answers,
        ),
        Mutation(
            "expected_head",
            (Edit("apply", "if head.seq ~= expected or head.chunk ~= chunk then", "if false then"),),
            has("redis_back"),
        ),
        Mutation(
            "decisions_awaited",
            (Edit(BUCKET, DECISIONS, "            pass\n"),),
            loses_batches,
        ),
        Mutation(
            "probe",
            (
                Edit(
                    APPLYING,
                    "            await self._probe()\n",
                    "            self._probe_at = self._loop.time() + 1.0\n",
                ),
            ),
            has(*FORGETS),
        ),
        Mutation(
            "position",
            (
                Edit(CLAIMING, "        if not self._kafka.has_transactions:\n", "        if False:\n"),
                Edit(
                    CLAIMING,
                    "    return Position(max(head.usage, committed.usage), max(head.commands, committed.commands))",
                    "    return committed if head else committed",
                ),
            ),
            plain(has(*FORGETS)),
        ),
        Mutation(
            "restore_exact",
            (
                Edit(CLAIMING, "            if seq == end.seq:\n", "            if True:\n"),
                Edit(CLAIMING, SAME_END, "            if False:\n"),
                Edit(CLAIMING, "                if end != START:\n", "                if False:\n"),
            ),
            has(*FORGETS),
        ),
        Mutation(
            "letters_first",
            (
                Edit(APPLYING, "        await self._send_aside(taken)\n", ""),
                Edit(APPLYING, APPLIED, APPLIED + "        await self._send_aside(taken)\n"),
            ),
            has("kill_at", "kafka_down", "kill"),
        ),
        Mutation(
            "side_first",
            (
                Edit(PUBLISHING, SIDES + "            if publication", "            if publication"),
                Edit(PUBLISHING, PRODUCED + "            # Only a hint", SIDES + "            # Only a hint"),
            ),
            plain(has("kill", "kill_at", "kafka_down", *ZOMBIE)),
        ),
        Mutation(
            "forward",
            (
                Edit(
                    "metering.worker.chunking",
                    "        if partition == self._bucket:\n",
                    "        if partition >= 0:\n",
                ),
            ),
            lambda schedule: schedule.buckets > 1,
        ),
        Mutation(
            "dedupe",
            (
                Edit(
                    "apply",
                    "bucket.ids_known = read_ids(bucket)",
                    "_ = read_ids(bucket)\n  bucket.ids_known, bucket.ids_new = {}, false",
                ),
                Edit(
                    "apply",
                    "function event_seen(bucket, i, digest, now)\n",
                    "function event_seen(bucket, i, digest, now)\n  if true then return nil end\n",
                ),
            ),
        ),
        Mutation(
            "fencing",
            (
                Edit(CLAIMING, "            await self._publisher.start()\n", ""),
                Edit(
                    PUBLISHING,
                    '            raise Retryable("the bucket\'s producer is not started")\n',
                    "            await self.start()\n            producer = self._producer\n",
                ),
            ),
            transactional(has(*ZOMBIE)),
        ),
        Mutation(
            "identity",
            (
                Edit("compare", "if chunk_at ~= ARGV[3] then", "if not chunk_at then"),
                Edit(CLAIMING, SAME_END, "            if written.head.seq != end.seq:\n"),
            ),
            tests=(f"{SCRIPTS}[ledger_of_another_history_is_not_agreed_with]",),
        ),
        Mutation(
            "token_first",
            (Edit(CLAIMING, TOKEN, "            known = None\n"), Edit(CLAIMING, END_READ, TOKEN + END_READ)),
            tests=(f"{STEPS}::test_claim_takes_the_token_before_it_reads_the_ledger_and_compares_after",),
        ),
        Mutation(
            "restore_counted",
            (
                Edit("restore_chunk", " or tonumber(meta[2] or '-1') ~= tonumber(ARGV[2]) - 1 then", " then"),
                Edit("restore_end", " or meta[2] ~= ARGV[2] then", " then"),
            ),
            tests=(f"{SCRIPTS}[part_lost_in_mid_restore_is_noticed]", f"{SCRIPTS}[last_part_lost_is_noticed]"),
        ),
        Mutation(
            "drain",
            (Edit(BUCKET, "            await publishing\n            return", "            return"),),
            tests=(f"{STEPS}::test_what_was_applied_before_redis_was_lost_is_in_the_ledger_as_it_was_applied",),
        ),
        Mutation(
            "own_end",
            (
                Edit(
                    PUBLISHING,
                    IS_MINE,
                    "        found = LedgerEnd(publication.seq, publication.chunk, found.offset_next)\n",
                ),
            ),
            tests=("tests/worker/test_own_end.py",),
        ),
        Mutation(
            "checkpoint_conditional",
            (
                Edit("metering.checkpoint.flush", LOCKED, "batch.bucket"),
                Edit("metering.checkpoint.flush", BEGUN, f"[{BEGUN}] != []"),
            ),
            tests=("tests/checkpoint/test_flush.py::test_flush_from_another_position_writes_nothing",),
        ),
        Mutation(
            "committed_first",
            (Edit(CLAIMING, COMMITTED, ""), Edit(CLAIMING, END_READ, COMMITTED + END_READ)),
            tests=(f"{STEPS}::test_claim_takes_the_token_before_it_reads_the_ledger_and_compares_after",),
        ),
        Mutation(
            "readers_chunk",
            (
                Edit("metering.checkpoint.continuity", CONTINUES, ""),
                Edit("metering.worker.ledger_tail", " and link.prev_chunk == end.chunk", ""),
            ),
            tests=("tests/checkpoint/test_continuity.py",),
        ),
        Mutation(
            "restore_token",
            (Edit(TILL, CALL_FAILED, f"            if not name.startswith('restore'):\n    {CALL_FAILED}{AGAIN}"),),
            tests=(f"{STEPS}::test_restore_call_without_an_answer_is_not_repeated_under_its_token",),
        ),
        Mutation(
            "chunk_fresh",
            (
                Edit(APPLYING, FRESH, ""),
                Edit(
                    APPLYING,
                    "        pause = RETRY_SECONDS_FIRST\n",
                    FRESH[4:] + "        pause = RETRY_SECONDS_FIRST\n",
                ),
            ),
            tests=(f"{STEPS}::test_answers_of_apply_lost_on_the_way_change_nothing",),
        ),
        Mutation(
            "trim_identity",
            (Edit("trim", "if chunk_at ~= ARGV[3] then", "if false then"),),
            tests=(f"{SCRIPTS}[entries_of_another_history_are_not_trimmed]",),
        ),
    )
}
