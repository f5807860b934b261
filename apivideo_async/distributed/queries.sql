-- The statements for PostgreSQL that the ledger does not share with SQLite: the queue of jobs, the
-- search for lost jobs, the shared request budget and its locks. The format is that of
-- ingest/ledger/queries.sql.
--
-- The name of the queue (QUEUE in engine.py) is a literal, so that PostgreSQL can use the index
-- apivideo_ingest_jobs. :task, :queue, :batch and :most are constants of engine.py and queue.py.


-- ---------------------------------------------------------------------------------------------
-- Tables

-- name: create_procrastinate
-- Creates the tables of Procrastinate unless they exist. A repetition does nothing.
DO $apivideo$ BEGIN
    IF to_regclass('procrastinate_jobs') IS NULL THEN EXECUTE {{schema}}; END IF;
END $apivideo$;

-- name: create_jobs_index
-- Creates the index that finds the job of an item among millions. A repetition does nothing.
CREATE INDEX IF NOT EXISTS apivideo_ingest_jobs ON procrastinate_jobs ((args ->> 'key'))
WHERE queue_name = 'apivideo-ingest' AND status = 'todo';

-- name: find_ledger
-- Returns whether the tables of the ledger exist. Changes nothing.
SELECT to_regclass('apivideo_ingest_meta') IS NOT NULL;

-- name: find_queue
-- Returns whether the index of this package and the functions of Procrastinate exist. Changes
-- nothing.
SELECT to_regclass('apivideo_ingest_jobs') IS NOT NULL,
    to_regproc('procrastinate_defer_jobs_v1') IS NOT NULL
    AND to_regproc('procrastinate_fetch_job_v2') IS NOT NULL;

-- name: analyze_jobs
-- Updates PostgreSQL's statistics of the jobs. May be repeated.
ANALYZE procrastinate_jobs;

-- name: analyze_items
-- Updates PostgreSQL's statistics of the items. May be repeated.
ANALYZE apivideo_ingest_items;


-- ---------------------------------------------------------------------------------------------
-- Jobs. An additional job does no harm: its item is leased or finished when the job runs.

-- name: defer_found
-- Part of the following statements: defers a job for each row of "found" (key, due), where "due" is
-- the time in seconds since 1970 or NULL, and returns the number of jobs.
SELECT CAST(COALESCE(SUM(array_length(ids, 1)), 0) AS BIGINT) AS jobs FROM (
    SELECT procrastinate_defer_jobs_v1(array_agg(
        CAST(ROW(CAST(:queue AS varchar), CAST(:task AS varchar), 0, NULL, NULL,
            jsonb_build_object('key', key), to_timestamp(due)) AS procrastinate_job_to_defer_v1)
        ORDER BY place)) AS ids
    FROM (SELECT key, due, row_number() OVER () AS place FROM found) AS numbered
    GROUP BY place / CAST(:batch AS BIGINT)
) AS made;

-- name: with_jobs
-- Executes a statement of the ledger that returns keys, and defers a job for each key, so that no
-- item is inserted without a job. As safe to repeat as the statement itself. PostgreSQL executes a
-- SELECT in WITH only if its result is used; the condition uses it and is always true.
WITH entered AS ({{statement}}),
    found AS (SELECT key, CAST(NULL AS DOUBLE PRECISION) AS due FROM entered),
    deferred AS MATERIALIZED ({defer_found})
SELECT key FROM entered WHERE (SELECT jobs FROM deferred) >= 0;

-- name: defer_item
-- Defers a job for the time at which an item is due, unless the item is finished or has a waiting
-- job that starts by then; so a repetition does nothing. A later job does not count: it was
-- deferred for the end of a lease that its worker has given back.
WITH found AS (
    SELECT key, due FROM apivideo_ingest_items AS item
    WHERE key = :key AND due IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM procrastinate_jobs
        WHERE queue_name = 'apivideo-ingest' AND status = 'todo' AND args ->> 'key' = :key
            AND COALESCE(scheduled_at <= to_timestamp(item.due), true)
    )
)
{defer_found};

-- name: count_jobs
-- Counts the jobs that can start, that start later, and that are in progress. Changes nothing.
SELECT COUNT(*) FILTER (WHERE status = 'todo' AND COALESCE(scheduled_at <= now(), true)),
    COUNT(*) FILTER (WHERE status = 'todo' AND scheduled_at > now()),
    COUNT(*) FILTER (WHERE status = 'doing')
FROM procrastinate_jobs WHERE queue_name = 'apivideo-ingest';

-- name: count_workers
-- Counts the workers of Procrastinate whose last heartbeat is at most :stalled seconds old. Changes
-- nothing.
SELECT COUNT(*) FROM procrastinate_workers
WHERE last_heartbeat > now() - make_interval(secs => :stalled);

-- name: register_worker
-- Records that a worker of Procrastinate is alive, and inserts its row again if it was deleted. A
-- repetition records a later time.
INSERT INTO procrastinate_workers (id) OVERRIDING SYSTEM VALUE VALUES (:worker_id)
ON CONFLICT (id) DO UPDATE SET last_heartbeat = now();


-- ---------------------------------------------------------------------------------------------
-- The sweep: the search for lost jobs. The statements begin_sweep, delete_dead_jobs and
-- defer_lost_in_sweep are one transaction. The latter two do nothing if the transaction did not
-- begin the sweep.

-- name: transaction_start
-- Part of the following statements: the start of the transaction, which is the same in all its
-- statements.
CAST(EXTRACT(EPOCH FROM now()) AS DOUBLE PRECISION);

-- name: in_sweep
-- Part of the following statements: true if this transaction began the current sweep.
(SELECT value FROM apivideo_ingest_meta WHERE name = 'swept') = CAST({transaction_start} AS TEXT);

-- name: begin_sweep
-- Begins a sweep unless a worker began one within the last :every seconds, and locks the row until
-- the transaction ends. A repetition after a lost response does nothing, because the sweep was
-- complete. A time more than 60 s in the future was written before the database's clock was set
-- back, so it does not count.
INSERT INTO apivideo_ingest_meta AS had (name, value)
VALUES ('swept', CAST({transaction_start} AS TEXT))
ON CONFLICT (name) DO UPDATE SET value = excluded.value
WHERE CAST(had.value AS DOUBLE PRECISION) NOT BETWEEN
    {transaction_start} - CAST(:every AS DOUBLE PRECISION) AND {transaction_start} + 60
RETURNING value;

-- name: delete_dead_jobs
-- Deletes the jobs in progress whose worker is gone or has sent no heartbeat for :stalled seconds.
-- A repetition finds none.
DELETE FROM procrastinate_jobs AS job
WHERE queue_name = 'apivideo-ingest' AND status = 'doing' AND {in_sweep}
    AND NOT EXISTS (
        SELECT 1 FROM procrastinate_workers AS worker
        WHERE worker.id = job.worker_id
            AND last_heartbeat > now() - make_interval(secs => :stalled)
    );

-- name: keys_with_job
-- Part of the following statements: the keys of items that have a job that can start. A job in
-- progress does not count, because its worker may be frozen; nor does a job for a later time.
SELECT args ->> 'key' FROM procrastinate_jobs
WHERE queue_name = 'apivideo-ingest' AND status = 'todo'
    AND COALESCE(scheduled_at <= clock_timestamp(), true);

-- name: defer_lost_in_sweep
-- Defers jobs for open items that are due and have no job that can start, at most :most, if this
-- transaction began the sweep. A repetition finds none. EXCEPT is fast with any query plan.
-- NOT EXISTS takes hours with the plan for tables that were empty a moment ago.
WITH found AS (
    SELECT key, due FROM apivideo_ingest_items WHERE key IN (
        SELECT key FROM apivideo_ingest_items WHERE due <= {now} AND {in_sweep}
        EXCEPT {keys_with_job} LIMIT :most
    )
)
{defer_found};

-- name: defer_lost
-- As defer_lost_in_sweep, in a further transaction: for the rest of the items, if there are more
-- than :most.
WITH found AS (
    SELECT key, due FROM apivideo_ingest_items WHERE key IN (
        SELECT key FROM apivideo_ingest_items WHERE due <= {now}
        EXCEPT {keys_with_job} LIMIT :most
    )
)
{defer_found};


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
