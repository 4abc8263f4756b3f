-- Entries that are older than they are kept: out of the tables, with anchors in their place. {day} is a partition's: 20260301.

-- name: days
-- The days that have a partition, oldest first.
SELECT substr(c.relname, 9) AS day FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'entries'::regclass AND c.relname ~ '^entries_\d{8}$' ORDER BY 1;

-- name: clock
-- The present, as far as the books' clocks and the server's agree: neither alone can have days put away too soon. Of books
-- in which nothing stands yet there is no row: `least` would leave out their missing clock and take the server's.
SELECT least(max(clock_ms), ms(clock_timestamp())) FROM positions HAVING count(*) > 0;

-- name: clocks
-- Each bucket's clock.
SELECT bucket, clock_ms FROM positions;

-- name: anchored_buckets
-- Where each bucket's rows begin.
SELECT bucket, seq, cut_ms FROM bucket_anchors ORDER BY bucket;

-- name: take_turn
-- One checkpointer at a time, until the transaction ends.
SELECT pg_try_advisory_xact_lock(hashtext('metering.retention'));

-- name: hold_day
-- Nobody writes into the day until the transaction ends. Readers go on, and so do writers of all other days.
LOCK TABLE entries_{day}, denials_{day} IN SHARE MODE;

-- name: make_tables
-- Up to which moment each bucket's rows go, what goes of each bucket, and of each wallet.
CREATE TEMPORARY TABLE cuts (bucket integer PRIMARY KEY, cut_ms bigint NOT NULL) ON COMMIT DROP;

-- name: note_cuts
-- The moments.
INSERT INTO cuts SELECT * FROM unnest($1::integer[], $2::bigint[]);

-- name: gather
-- Add up what goes.
CREATE TEMPORARY TABLE gone_buckets ON COMMIT DROP AS
SELECT bucket, cut_ms, sum(found)::bigint AS found, min(first_seq) AS first_seq, max(last_seq) AS last_seq FROM (
    SELECT bucket, cut_ms, count(*) FILTER (WHERE leg = 0) AS found, min(seq) AS first_seq, max(seq) AS last_seq
    FROM entries_{day} JOIN cuts USING (bucket) WHERE applied_at_ms < cut_ms GROUP BY bucket, cut_ms
    UNION ALL
    SELECT bucket, cut_ms, sum(attempts), min(first_seq), max(last_seq)
    FROM denials_{day} JOIN cuts USING (bucket) WHERE hour_ms < cut_ms GROUP BY bucket, cut_ms
) parts GROUP BY bucket, cut_ms;
CREATE TEMPORARY TABLE gone_wallets ON COMMIT DROP AS
WITH by_kind AS (
    SELECT customer, wallet, bucket, kind, count(*) AS found, min(wallet_seq) AS first_seq, max(wallet_seq) AS last_seq,
        sum(amount_micros) AS amount_micros, sum(held_change_micros) AS held_change_micros
    FROM entries_{day} JOIN cuts USING (bucket) WHERE wallet_seq IS NOT NULL AND applied_at_ms < cut_ms
    GROUP BY customer, wallet, bucket, kind
)
SELECT customer, wallet, bucket, sum(found)::bigint AS found, min(first_seq) AS first_seq, max(last_seq) AS last_seq,
    sum(amount_micros)::bigint AS amount_micros, sum(held_change_micros)::bigint AS held_change_micros,
    jsonb_object_agg(kind, amount_micros) AS sums
FROM by_kind GROUP BY customer, wallet, bucket;
ANALYZE gone_wallets;

-- name: contradictions
-- What does not go on from where the anchors end: a gap, or figures that do not follow.
SELECT format('bucket %s: %s entries from %s to %s, after %s', g.bucket, g.found, g.first_seq, g.last_seq, coalesce(a.seq, 0))
FROM gone_buckets g LEFT JOIN bucket_anchors a USING (bucket)
WHERE g.first_seq <> coalesce(a.seq, 0) + 1 OR g.found <> g.last_seq - coalesce(a.seq, 0)
UNION ALL
SELECT format(
    'wallet %s of %s: %s entries from wallet_seq %s to %s, after %s; they add up to %s, and held %s', g.wallet, g.customer, g.found,
    g.first_seq, g.last_seq, coalesce(a.wallet_seq, 0), g.amount_micros, g.held_change_micros
)
FROM gone_wallets g LEFT JOIN wallet_anchors a USING (customer, wallet)
JOIN entries_{day} first ON first.customer = g.customer AND first.wallet = g.wallet AND first.wallet_seq = g.first_seq
JOIN entries_{day} last ON last.customer = g.customer AND last.wallet = g.wallet AND last.wallet_seq = g.last_seq
WHERE g.first_seq <> coalesce(a.wallet_seq, 0) + 1 OR g.found <> g.last_seq - coalesce(a.wallet_seq, 0)
    OR (first.before_available_micros, first.before_held_micros, first.before_overdrawn_micros)
        <> (coalesce(a.available_micros, 0), coalesce(a.held_micros, 0), coalesce(a.overdrawn_micros, 0))
    OR last.after_available_micros + last.after_held_micros
        <> coalesce(a.available_micros + a.held_micros, 0) + g.amount_micros
    OR last.after_held_micros <> coalesce(a.held_micros, 0) + g.held_change_micros
LIMIT 5;

-- name: save_anchors
-- Where what is left begins.
INSERT INTO bucket_anchors (bucket, seq, chunk, cut_ms)
SELECT g.bucket, g.last_seq, coalesce(e.chunk, ''), g.cut_ms
FROM gone_buckets g LEFT JOIN entries_{day} e ON e.bucket = g.bucket AND e.seq = g.last_seq AND e.leg = 0
ON CONFLICT (bucket) DO UPDATE SET seq = EXCLUDED.seq, chunk = EXCLUDED.chunk, cut_ms = EXCLUDED.cut_ms;
INSERT INTO wallet_anchors AS a (
    customer, wallet, bucket, wallet_seq, available_micros, held_micros, overdrawn_micros, chain, sums
)
SELECT g.customer, g.wallet, g.bucket, g.last_seq, e.after_available_micros, e.after_held_micros, e.after_overdrawn_micros, e.chain, g.sums
FROM gone_wallets g
JOIN entries_{day} e ON e.customer = g.customer AND e.wallet = g.wallet AND e.wallet_seq = g.last_seq
ON CONFLICT (customer, wallet) DO UPDATE SET wallet_seq = EXCLUDED.wallet_seq, available_micros = EXCLUDED.available_micros,
    held_micros = EXCLUDED.held_micros, overdrawn_micros = EXCLUDED.overdrawn_micros, chain = EXCLUDED.chain, sums = (
        SELECT jsonb_object_agg(kind, micros) FROM (
            SELECT key AS kind, sum(value::bigint) AS micros FROM (
                SELECT * FROM jsonb_each_text(a.sums) UNION ALL SELECT * FROM jsonb_each_text(EXCLUDED.sums)
            ) both_sums GROUP BY key
        ) totals
    );

-- name: totals
-- How much goes: entries, those that are only counted included, and wallets that they changed.
SELECT coalesce((SELECT sum(found) FROM gone_buckets), 0)::bigint AS entries, (SELECT count(*) FROM gone_wallets) AS wallets;

-- name: needs_any
-- Whether a bucket that stands still can still meet rows of the day.
SELECT EXISTS (SELECT FROM entries_{day} LEFT JOIN cuts USING (bucket) WHERE applied_at_ms >= coalesce(cut_ms, 0))
    OR EXISTS (SELECT FROM denials_{day} LEFT JOIN cuts USING (bucket) WHERE hour_ms >= coalesce(cut_ms, 0));

-- name: empty_day
-- All rows go: waits for readers of this day alone.
TRUNCATE entries_{day}, denials_{day};

-- name: thin_day
-- All rows go but those that are needed.
DELETE FROM entries_{day} USING cuts WHERE cuts.bucket = entries_{day}.bucket AND applied_at_ms < cut_ms;
DELETE FROM denials_{day} USING cuts WHERE cuts.bucket = denials_{day}.bucket AND hour_ms < cut_ms;

-- name: hold_parents
-- Nobody reads or writes any day until the transaction ends, which is at once.
LOCK TABLE ONLY entries, ONLY denials IN ACCESS EXCLUSIVE MODE;

-- name: is_empty
-- Whether the day has no row.
SELECT NOT EXISTS (SELECT FROM entries_{day}) AND NOT EXISTS (SELECT FROM denials_{day});

-- name: drop_day
-- Take its partitions away.
DROP TABLE entries_{day}, denials_{day};
