-- What the books keep of entries that are put away (METERING_CHECKPOINT__RETENTION_DAYS): where those that are left begin.

-- Where each bucket's rows begin.
CREATE TABLE bucket_anchors (
    bucket integer PRIMARY KEY,
    -- The last entry that was put away, and its chunk; '' where it was a denial that is only counted.
    seq bigint NOT NULL CHECK (seq > 0),
    chunk text NOT NULL,
    -- What was applied before this moment is put away.
    cut_ms bigint NOT NULL
);

-- Where each wallet's rows begin: its figures, and the hash that the next row goes on from.
CREATE TABLE wallet_anchors (
    customer text NOT NULL,
    wallet text NOT NULL,
    bucket integer NOT NULL,
    wallet_seq bigint NOT NULL CHECK (wallet_seq > 0),
    available_micros bigint NOT NULL,
    held_micros bigint NOT NULL CHECK (held_micros >= 0),
    overdrawn_micros bigint NOT NULL CHECK (overdrawn_micros >= 0),
    chain bytea NOT NULL,
    -- {kind: what entries of that kind changed of the balance}: adds up to available + held.
    sums jsonb NOT NULL,
    PRIMARY KEY (customer, wallet)
);
CREATE INDEX wallet_anchors_bucket ON wallet_anchors (bucket);
