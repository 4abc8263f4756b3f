-- Are a bucket's entries all there, in order and whole? All in one repeatable-read snapshot. $1 is the bucket.

-- name: buckets
-- Where the rows of each bucket begin, and where its books stand.
SELECT bucket, coalesce(a.seq, 0) AS put_away, coalesce(a.chunk, '') AS put_away_chunk, a.cut_ms, p.seq, p.chunk, p.ledger_offset_next
FROM positions p LEFT JOIN bucket_anchors a USING (bucket) ORDER BY bucket;

-- name: rows_before_the_cut
-- Whether rows are left of before the moment up to which all is put away.
SELECT EXISTS (SELECT FROM entries WHERE bucket = $1 AND applied_at_ms < $2)
    OR EXISTS (SELECT FROM denials WHERE bucket = $1 AND hour_ms < $2);

-- name: links
-- Every row of the bucket in order, with the seqs of the denials that are counted one by one among them (`kind` null).
SELECT seq, leg, id, kind, customer, wallet, counter_wallet, amount_micros, chunk, prev_chunk FROM entries WHERE bucket = $1
UNION ALL
SELECT s.seq, 0, NULL, NULL, d.customer, d.wallet, NULL, 0, NULL, NULL
FROM denials d, unnest(d.event_seqs) AS s (seq) WHERE d.bucket = $1
ORDER BY seq, leg;

-- name: counted_denials
-- Denials of which only the count is kept: between which entries, and how many. Counts that overlap are one.
WITH counted AS (
    SELECT first_seq, last_seq, attempts,
        max(last_seq) OVER (ORDER BY first_seq, last_seq ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS last_before
    FROM denials WHERE bucket = $1 AND event_seqs IS NULL
), islands AS (
    SELECT *, count(*) FILTER (WHERE last_before IS NULL OR last_before < first_seq) OVER (ORDER BY first_seq, last_seq) AS island
    FROM counted
)
SELECT min(first_seq), max(last_seq), sum(attempts)::bigint FROM islands GROUP BY island ORDER BY 1;

-- name: rows
-- Every row of the bucket in order, with all that the ledger tells. {columns} are those that it tells.
SELECT {columns} FROM entries WHERE bucket = $1 ORDER BY seq, leg;
