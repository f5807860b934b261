-- The statements for PostgreSQL that the ledger does not share with SQLite: the shared request
-- budget, its locks, and the creation of tables. The format is that of ingest/ledger/queries.sql.
-- The statements of the job queue are Procrastinate's own.


-- ---------------------------------------------------------------------------------------------
-- Tables

-- name: create_procrastinate
-- Creates the tables of Procrastinate unless they exist. A repetition does nothing.
DO $apivideo$ BEGIN
    IF to_regclass('procrastinate_jobs') IS NULL THEN EXECUTE {{schema}}; END IF;
END $apivideo$;

-- name: find_ledger
-- Returns whether the tables of the ledger exist. Changes nothing.
SELECT to_regclass('apivideo_ingest_meta') IS NOT NULL;

-- name: analyze_items
-- Updates PostgreSQL's statistics of the items. May be repeated.
ANALYZE apivideo_ingest_items;


-- ---------------------------------------------------------------------------------------------
-- Workers

-- name: count_workers
-- Counts the workers of Procrastinate whose last heartbeat is at most :stalled seconds old. Changes
-- nothing.
SELECT COUNT(*) FROM procrastinate_workers
WHERE last_heartbeat > now() - make_interval(secs => :stalled);


-- ---------------------------------------------------------------------------------------------
-- The request budget, replaced by compare-and-swap; and sessions that hold locks

-- name: read_budget
-- Returns the state of a class (NULL at first) and the clock. Changes nothing. {{lock}} is empty or
-- FOR UPDATE.
SELECT (SELECT state FROM apivideo_ingest_budget WHERE name = :name {{lock}}), {now};

-- name: swap_budget
-- Replaces the state of a class if the stored state is still :old, and returns a row if so. The
-- INSERT is for a state that does not exist yet. A repetition is safe, because the rules of the
-- budget recognise an exchange that was applied already.
INSERT INTO apivideo_ingest_budget AS had (name, state) VALUES (:name, :new)
ON CONFLICT (name) DO UPDATE SET state = excluded.state WHERE had.state = CAST(:old AS TEXT)
RETURNING name;

-- name: end_silent_transaction
-- Makes the server end this transaction when the worker is silent for some seconds. May be
-- repeated.
SET LOCAL idle_in_transaction_session_timeout = '{{seconds}}s';

-- name: limit_lock_wait
-- Makes statements of this transaction fail instead of waiting long for a lock. May be repeated.
SET LOCAL lock_timeout = '{{seconds}}s';

-- name: lock_initialisation
-- Waits until no other process creates the tables. The lock ends with the transaction.
SELECT pg_advisory_xact_lock(4107222);

-- name: blockers
-- Returns the sessions that block a process of the server, and the seconds since each of them last
-- changed its state. Changes nothing.
SELECT session.pid, application_name, state,
    CAST(EXTRACT(EPOCH FROM clock_timestamp() - state_change) AS DOUBLE PRECISION)
FROM unnest(pg_blocking_pids(:pid)) AS blocking (pid)
JOIN pg_stat_activity AS session USING (pid);
