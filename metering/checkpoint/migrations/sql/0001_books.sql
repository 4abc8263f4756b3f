-- The books: entries by day, what they add up to, and how far they go. docs/books.md explains each table for readers.
-- Amounts are micro-units (`_micros`), moments Unix milliseconds of the bucket's clock (`_ms`). There are no foreign keys: one writer
-- a bucket keeps the tables in step in one transaction, and a key check for each row would cost as much as the row.

CREATE FUNCTION ms(moment timestamptz) RETURNS bigint
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (extract(epoch FROM moment) * 1000)::bigint;
COMMENT ON FUNCTION ms IS 'A moment as Unix milliseconds, to compare with a column _ms: applied_at_ms >= ms(''2026-03-01Z'')';

CREATE FUNCTION at(moment_ms bigint) RETURNS timestamptz
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN to_timestamp(moment_ms / 1000.0);
COMMENT ON FUNCTION at IS 'Unix milliseconds as a timestamp';

CREATE FUNCTION units(amount_micros bigint) RETURNS numeric
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN round(amount_micros / 1000000::numeric, 6);
COMMENT ON FUNCTION units IS 'Micro-units as units of the wallet, exact';

-- How far the books of each bucket go. Every write is conditional on the row that its writer read.
CREATE TABLE positions (
    bucket integer PRIMARY KEY CHECK (bucket >= 0),
    seq bigint NOT NULL CHECK (seq >= 0),
    chunk text NOT NULL,
    usage_offset_next bigint NOT NULL,
    commands_offset_next bigint NOT NULL,
    clock_ms bigint NOT NULL,
    timers_run integer NOT NULL CHECK (timers_run >= 0),
    ledger_offset_next bigint NOT NULL,
    updated_at timestamptz NOT NULL
) WITH (fillfactor = 50);

-- One row for each ledger entry but repeated denials (see denials), and one for each further wallet that an entry changed. Never
-- updated, never deleted one by one.
-- The columns up to `allotment` are what the hash in `chain` covers, in this order.
CREATE TABLE entries (
    bucket integer NOT NULL,
    seq bigint NOT NULL CHECK (seq > 0),
    leg smallint NOT NULL CHECK (leg >= 0),
    id text NOT NULL,
    applied_at_ms bigint NOT NULL,
    kind text NOT NULL,
    customer text NOT NULL,
    wallet text,
    counter_wallet text,
    wallet_seq bigint CHECK (wallet_seq > 0),
    unit text,
    amount_micros bigint NOT NULL,
    held_change_micros bigint NOT NULL,
    price_micros bigint,
    before_available_micros bigint,
    before_held_micros bigint,
    before_overdrawn_micros bigint,
    after_available_micros bigint,
    after_held_micros bigint,
    after_overdrawn_micros bigint,
    charge_id text,
    charge_state text,
    reason text,
    decision text,
    duplicate_of bigint,
    due_at_ms bigint,
    event_source text,
    event_id text,
    event_type text,
    event_time_ms bigint,
    command_id text,
    command_type text,
    channel text,
    country text,
    quantity bigint,
    sender text,
    user_id text,
    campaign text,
    on_behalf_of text,
    actor text,
    note text,
    terms_version text,
    reply_to text,
    input_topic text NOT NULL,
    input_offset bigint NOT NULL,
    usage_offset_next bigint NOT NULL,
    commands_offset_next bigint NOT NULL,
    chunk text NOT NULL,
    prev_chunk text NOT NULL,
    rates_version text,
    -- `json`, not `jsonb`: it keeps the text that the hash was made of, and costs no parsing to write. All operators with -> work.
    rates json,
    line_amounts json,
    lots json,
    granted json,
    recipients json,
    settled json,
    alerts json,
    rules json,
    blocks json,
    settings json,
    states json,
    profile json,
    allotment json,
    chain bytea,
    PRIMARY KEY (bucket, seq, leg, applied_at_ms),
    CHECK ((chain IS NULL) = (wallet_seq IS NULL)),
    CHECK (leg = 0 OR wallet_seq IS NOT NULL)
) PARTITION BY RANGE (applied_at_ms);

CREATE INDEX entries_customer_wallet ON entries (customer, wallet, wallet_seq);
CREATE INDEX entries_event ON entries (event_id) WHERE event_id IS NOT NULL;
CREATE INDEX entries_charge ON entries (charge_id) WHERE charge_id IS NOT NULL;
CREATE INDEX entries_user_lines ON entries (customer, (allotment ->> 'user'), applied_at_ms) WHERE allotment IS NOT NULL;
CREATE INDEX entries_command ON entries (bucket, command_id) WHERE command_id IS NOT NULL;

-- Entries of kind `denied` for reason `blocked`: a blocked sender that keeps trying is counted, an attempt gets no row. One row a flush,
-- sender and hour; when its events are out of the window, the rows of an hour become one and the lists go.
CREATE TABLE denials (
    bucket integer NOT NULL,
    hour_ms bigint NOT NULL,
    customer text NOT NULL,
    wallet text,
    sender text,
    first_seq bigint NOT NULL,
    last_seq bigint NOT NULL,
    attempts bigint NOT NULL CHECK (attempts > 0),
    price_micros bigint NOT NULL,
    first_at_ms bigint NOT NULL,
    last_at_ms bigint NOT NULL,
    event_digests text[],
    event_seqs bigint[],
    event_ats_ms bigint[],
    PRIMARY KEY (bucket, first_seq, hour_ms)
) PARTITION BY RANGE (hour_ms);
CREATE INDEX denials_customer ON denials (customer, hour_ms);
CREATE INDEX denials_unmerged ON denials (bucket, hour_ms) WHERE event_seqs IS NOT NULL;

CREATE TABLE customers (
    customer text PRIMARY KEY,
    bucket integer NOT NULL,
    version bigint NOT NULL,
    plan text NOT NULL,
    unit text NOT NULL,
    time_zone text NOT NULL,
    country text,
    -- What blocks the customer as a whole.
    causes text[] NOT NULL,
    billing_start_ms bigint NOT NULL,
    cycle_months integer NOT NULL,
    wallet_mode text,
    -- Which limits there may be, a bit for each level and window, and how many there are.
    limits bigint NOT NULL,
    limits_count integer NOT NULL,
    rop boolean NOT NULL,
    equipment text[] NOT NULL,
    opened_at_ms bigint NOT NULL,
    changed_at_ms bigint NOT NULL
);
CREATE INDEX customers_bucket ON customers (bucket);

-- What else there is of a customer, one row a record, such as a limit, as the entry that changed it has it (contracts/states.py).
CREATE TABLE states (
    customer text NOT NULL,
    kind text NOT NULL,
    id text NOT NULL,
    bucket integer NOT NULL,
    record json NOT NULL,
    changed_at_ms bigint NOT NULL,
    PRIMARY KEY (customer, kind, id)
);
CREATE INDEX states_bucket ON states (bucket);

CREATE TABLE wallets (
    customer text NOT NULL,
    wallet text NOT NULL,
    bucket integer NOT NULL,
    unit text NOT NULL,
    wallet_seq bigint NOT NULL CHECK (wallet_seq >= 0),
    available_micros bigint NOT NULL,
    held_micros bigint NOT NULL CHECK (held_micros >= 0),
    overdrawn_micros bigint NOT NULL CHECK (overdrawn_micros >= 0),
    -- Hash of the wallet's newest entry with a wallet_seq; empty before the first.
    chain bytea NOT NULL,
    opened_at_ms bigint NOT NULL,
    changed_at_ms bigint NOT NULL,
    -- What alert rules in percent go by; 0 before the first.
    last_top_up_micros bigint NOT NULL DEFAULT 0,
    state text NOT NULL DEFAULT 'active',
    kind text NOT NULL DEFAULT 'company_pool',
    user_id text,
    name text,
    reference text,
    keyword text,
    PRIMARY KEY (customer, wallet)
) WITH (fillfactor = 70);  -- room beside the row, so that an update touches no index
CREATE INDEX wallets_bucket ON wallets (bucket, customer, wallet);

CREATE TABLE lots (
    customer text NOT NULL,
    wallet text NOT NULL,
    lot text NOT NULL,
    bucket integer NOT NULL,
    kind text NOT NULL,
    first_micros bigint NOT NULL,
    remaining_micros bigint NOT NULL,
    held_micros bigint NOT NULL CHECK (held_micros >= 0),
    expires_at_ms bigint NOT NULL,
    transferable boolean NOT NULL,
    notice_at_ms bigint NOT NULL,
    made_seq bigint NOT NULL,
    made_at_ms bigint NOT NULL,
    PRIMARY KEY (customer, wallet, lot),
    CHECK (held_micros <= remaining_micros)
) WITH (fillfactor = 70);

CREATE TABLE charges (
    customer text NOT NULL,
    charge_id text NOT NULL,
    bucket integer NOT NULL,
    wallet text NOT NULL,
    state text NOT NULL,
    price_micros bigint NOT NULL,
    held_micros bigint NOT NULL CHECK (held_micros >= 0),
    committed_micros bigint NOT NULL,
    charge_on text NOT NULL,
    failed_fee_micros bigint NOT NULL,
    deadline_at_ms bigint NOT NULL,
    -- [[lot, micros], …] in the order in which they are consumed; the lot '' is credit beyond the lots.
    parts json NOT NULL,
    sender text,
    -- Whether it has recipients of its own price that are not settled yet: then they are in charge_recipients. Null: no.
    several boolean,
    touched_at_ms bigint NOT NULL,
    -- How a call is priced to its end.
    call json,
    -- [[limit, since_seq, micros], …]: what it took of limits, and still holds there.
    takes json,
    PRIMARY KEY (customer, charge_id),
    CHECK (state = 'held' OR held_micros = 0)
) WITH (
    -- Every message adds, changes and in the end deletes a row: the default would wait for a fifth of the table to be dead.
    autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.1
);
CREATE INDEX charges_held ON charges (bucket) WHERE state = 'held';
CREATE INDEX charges_settled ON charges (bucket, touched_at_ms) WHERE state <> 'held';

-- The recipients of charges with `several` that are not settled yet.
CREATE TABLE charge_recipients (
    customer text NOT NULL,
    charge_id text NOT NULL,
    recipient text NOT NULL,
    price_micros bigint NOT NULL,
    PRIMARY KEY (customer, charge_id, recipient)
) WITH (autovacuum_vacuum_scale_factor = 0.02);

CREATE TABLE blocks (
    customer text NOT NULL,
    level text NOT NULL,
    id text NOT NULL,
    bucket integer NOT NULL,
    reason text NOT NULL,
    wallet text NOT NULL,
    needed_micros bigint NOT NULL,
    causes text[] NOT NULL,
    until_ms bigint NOT NULL,
    since_ms bigint NOT NULL,
    since_seq bigint NOT NULL,
    PRIMARY KEY (customer, level, id)
);
CREATE INDEX blocks_bucket ON blocks (bucket, since_seq);

CREATE TABLE alert_rules (
    customer text NOT NULL,
    wallet text NOT NULL,
    rule text NOT NULL,
    bucket integer NOT NULL,
    state text NOT NULL,
    level_micros bigint NOT NULL,
    rearm_micros bigint NOT NULL,
    enabled boolean NOT NULL,
    percent integer NOT NULL,
    locks boolean NOT NULL,
    fixed boolean NOT NULL,
    user_id text NOT NULL,
    of_plan boolean NOT NULL,
    -- Rules are looked at in the order of their making: the entry that made it, and its place in that entry.
    made_seq bigint NOT NULL,
    made_place integer NOT NULL,
    changed_at_ms bigint NOT NULL,
    PRIMARY KEY (customer, wallet, rule)
);
