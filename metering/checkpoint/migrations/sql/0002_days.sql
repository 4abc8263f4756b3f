-- Make the day partitions of entries and denials that hold a moment; those that are there stay as they are. Returns how many it made.
-- A partition is made on its own and then attached: that lets readers and writers of the others go on, CREATE … PARTITION OF would not.
CREATE OR REPLACE FUNCTION make_partition(moment_ms bigint) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    day_ms constant bigint := 86400000;
    start_ms constant bigint := moment_ms / day_ms * day_ms;
    parent text;
    child text;
    made integer := 0;
BEGIN
    -- Two writers may want the same day; the second waits here and then finds it. It waits even where it could see the partition already:
    -- Postgres shows a commit a moment before it tells other sessions to look at their partitions again, and whoever wrote in that moment
    -- would find none. This lock is let go after both.
    PERFORM pg_advisory_xact_lock(hashtext('metering.make_partition'));
    FOREACH parent IN ARRAY ARRAY['entries', 'denials'] LOOP
        child := parent || '_' || to_char(at(start_ms) AT TIME ZONE 'UTC', 'YYYYMMDD');
        -- Not to_regclass: that may still remember from before the wait that there was none.
        IF NOT EXISTS (SELECT FROM pg_class WHERE relname = child AND relnamespace = current_schema()::regnamespace) THEN
            EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', child, parent);
            EXECUTE format(
                'ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)', parent, child, start_ms, start_ms + day_ms
            );
            made := made + 1;
        END IF;
    END LOOP;
    RETURN made;
END $$;
