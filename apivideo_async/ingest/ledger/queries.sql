-- The statements of the ledger, for SQLite and PostgreSQL.
--
-- Each statement has a name, and a comment that says what it does and why it may be repeated. A
-- worker repeats a statement whose response was lost.
--
--   :name        a parameter
--   {name}       text that is inserted when the file is loaded (see database.py): an expression of
--                the database ({now}, {serial}, {skip_locked}, {elements}, {member[NAME]}), the
--                list of columns ({columns}), or an earlier statement of this file
--   {{name}}     text that is inserted for each call
--
-- Columns:
--
--   due          the time at which an item may be claimed next: the current time for a new item,
--                the end of the lease for a claimed one, the end of the delay after a failure, NULL
--                for a finished item
--   fence        incremented by each claim; a transition compares it, so that only the worker with
--                the latest claim can change an item
--   sample       a digest of samples of the content, for local files; NULL if it is not known
--   way          the transfer of an item ("stream" or "pull"), named as in version 0.1
--
-- Times are seconds since 1970 by the clock of the database, because the clocks of workers differ.


-- ---------------------------------------------------------------------------------------------
-- Tables. Repeating a statement does nothing, because existing tables and indexes are kept.

-- name: create_items
-- Creates the table of the items.
CREATE TABLE IF NOT EXISTS apivideo_ingest_items (
    number {serial},
    key TEXT NOT NULL UNIQUE,
    uri TEXT NOT NULL,
    size BIGINT,
    version TEXT,
    fields TEXT NOT NULL,
    strategy TEXT NOT NULL,
    state TEXT NOT NULL,
    way TEXT,
    video_id TEXT,
    contested INTEGER NOT NULL DEFAULT 0,
    owner TEXT,
    fence BIGINT NOT NULL DEFAULT 0,
    due DOUBLE PRECISION,
    attempts INTEGER NOT NULL DEFAULT 0,
    cause TEXT,
    message TEXT,
    sent BIGINT NOT NULL DEFAULT 0,
    added_at DOUBLE PRECISION NOT NULL,
    started_at DOUBLE PRECISION,
    created_at DOUBLE PRECISION,
    finished_at DOUBLE PRECISION,
    sample TEXT
);

-- name: create_items_due
-- Creates the index by which items are claimed.
CREATE INDEX IF NOT EXISTS apivideo_ingest_items_due
    ON apivideo_ingest_items (due, number) WHERE due IS NOT NULL;

-- name: create_items_owner
-- Creates the index by which leases are renewed and ended.
CREATE INDEX IF NOT EXISTS apivideo_ingest_items_owner
    ON apivideo_ingest_items (owner) WHERE owner IS NOT NULL;

-- name: create_items_uri
-- Creates the index by which other versions of a source are found. Indexes have a limit for the
-- length of a text.
CREATE INDEX IF NOT EXISTS apivideo_ingest_items_uri
    ON apivideo_ingest_items (substr(uri, 1, 200));

-- name: create_items_sample
-- Creates the index by which items with the same content are found.
CREATE INDEX IF NOT EXISTS apivideo_ingest_items_sample
    ON apivideo_ingest_items (sample) WHERE sample IS NOT NULL;

-- name: create_items_unsuccessful
-- Creates the index by which items that ended without a video are found among many.
CREATE INDEX IF NOT EXISTS apivideo_ingest_items_unsuccessful
    ON apivideo_ingest_items (number) WHERE due IS NULL AND state <> 'done';

-- name: create_aliases
-- Creates the table of further keys: of sources whose content is that of an item.
CREATE TABLE IF NOT EXISTS apivideo_ingest_aliases (key TEXT PRIMARY KEY, item TEXT NOT NULL);

-- name: migrate_from_1
-- Adds the column that layout 1 does not have.
ALTER TABLE apivideo_ingest_items {add_column} sample TEXT;

-- name: set_schema
-- Records the layout after a migration. A repetition records it again.
UPDATE apivideo_ingest_meta SET value = :schema WHERE name = 'schema' RETURNING value;

-- name: create_usage
-- Creates the table of the requests per minute, class and worker.
CREATE TABLE IF NOT EXISTS apivideo_ingest_usage (
    owner TEXT NOT NULL,
    minute BIGINT NOT NULL,
    limit_class TEXT NOT NULL,
    requests BIGINT NOT NULL,
    refused BIGINT NOT NULL,
    allowed BIGINT,
    PRIMARY KEY (minute, limit_class, owner)
);

-- name: create_budget
-- Creates the table of the request budget that workers share, one row per class (JSON).
CREATE TABLE IF NOT EXISTS apivideo_ingest_budget (name TEXT PRIMARY KEY, state TEXT NOT NULL);

-- name: create_meta
-- Creates the table of facts about the ledger: the version of the tables, the server, the mark.
CREATE TABLE IF NOT EXISTS apivideo_ingest_meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);

-- name: sqlite_has_tables
-- Returns a row if the file has the tables of a ledger. Changes nothing.
SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'apivideo_ingest_meta';

-- name: schema_version
-- Returns the version of the tables. Changes nothing.
SELECT value FROM apivideo_ingest_meta WHERE name = 'schema';

-- name: set_meta
-- Stores a fact about the ledger unless it is stored already, and returns the stored value. A
-- repetition returns the same value. The update, which changes nothing, makes the statement return
-- the value, also when another worker inserts the row at the same time.
INSERT INTO apivideo_ingest_meta AS had (name, value) VALUES (:name, :value)
ON CONFLICT (name) DO UPDATE SET value = had.value
RETURNING value;


-- ---------------------------------------------------------------------------------------------
-- Items

-- name: add
-- Inserts the items of a JSON array and returns the keys that were new. Known items and aliases of
-- items stay unchanged, except that an item whose source was missing becomes due again. A
-- repetition inserts nothing; the keys that the lost response contained are then not returned. One
-- JSON parameter makes the statement the same for any number of items. SQLite needs a WHERE to
-- parse ON CONFLICT after a SELECT.
INSERT INTO apivideo_ingest_items AS had
    (key, uri, size, version, fields, strategy, state, due, added_at)
SELECT {member[key]}, {member[uri]}, CAST({member[size]} AS BIGINT), {member[version]},
    {member[fields]}, {member[strategy]}, 'new', {now}, {now}
FROM {elements}
WHERE NOT EXISTS (
    SELECT 1 FROM apivideo_ingest_aliases AS alias
    JOIN apivideo_ingest_items AS target ON target.key = alias.item
    WHERE alias.key = {member[key]}
)
ON CONFLICT (key) DO UPDATE
SET state = CASE WHEN had.video_id IS NULL THEN 'new' ELSE 'created' END, due = {now},
    attempts = 0, cause = NULL, message = NULL, finished_at = NULL
WHERE had.state = 'skipped' AND had.cause = 'missing'
RETURNING key;

-- name: replace_failed
-- Deletes failed items without a container whose source is listed again with another content: the
-- new version takes their place. Returns their addresses and fields. A repetition finds none.
DELETE FROM apivideo_ingest_items
WHERE state = 'failed' AND video_id IS NULL AND contested = 0
    AND substr(uri, 1, 200) IN (SELECT substr({member[uri]}, 1, 200) FROM {elements})
    AND uri IN (SELECT {member[uri]} FROM {elements})
    AND key NOT IN (SELECT {member[key]} FROM {elements})
RETURNING uri, fields;

-- name: describe
-- Replaces the fields of known items that no worker has begun. A repetition changes nothing.
UPDATE apivideo_ingest_items SET fields = given_fields
FROM (
    SELECT {member[key]} AS given_key, {member[fields]} AS given_fields FROM {elements}
) AS given
WHERE key = given_key AND fields <> given_fields AND video_id IS NULL AND contested = 0
    AND owner IS NULL AND state IN ('new', 'failed')
RETURNING key;

-- name: differing
-- Returns the items of a JSON array that have a video and other fields. Changes nothing.
SELECT {columns} FROM apivideo_ingest_items JOIN (
    SELECT {member[key]} AS given_key, {member[fields]} AS given_fields FROM {elements}
) AS given ON key = given_key
WHERE fields <> given_fields AND video_id IS NOT NULL;

-- name: redescribe
-- Replaces the fields of an item whose video was changed, unless another process has replaced them.
-- A repetition changes nothing.
UPDATE apivideo_ingest_items SET fields = :fields WHERE key = :key AND fields = :before
RETURNING key;

-- name: record
-- Returns an item by its key or by an alias. Changes nothing.
SELECT {columns} FROM apivideo_ingest_items
WHERE key = COALESCE((SELECT item FROM apivideo_ingest_aliases WHERE key = :key), :key);

-- name: versions
-- Returns the finished items of an address, except one key. Changes nothing.
SELECT {columns} FROM apivideo_ingest_items
WHERE substr(uri, 1, 200) = substr(:uri, 1, 200) AND uri = :uri AND key <> :key AND state = 'done'
ORDER BY number;

-- name: same_content
-- Returns finished items with this content, except one key. Changes nothing.
SELECT {columns} FROM apivideo_ingest_items
WHERE sample = :sample AND size = :size AND key <> :key AND state = 'done'
ORDER BY number LIMIT {{page}};

-- name: add_alias
-- Makes a key an alias of an item. A repetition changes nothing.
INSERT INTO apivideo_ingest_aliases (key, item) VALUES (:key, :item)
ON CONFLICT (key) DO UPDATE SET item = excluded.item
RETURNING key;

-- name: move
-- Records the address to which the source of an item was moved. A repetition records it again.
UPDATE apivideo_ingest_items SET uri = :uri WHERE key = :key RETURNING key;

-- name: merge
-- Deletes a claimed item without a container, whose source is that of another item. A repetition
-- finds none.
DELETE FROM apivideo_ingest_items
WHERE key = :key AND fence = :fence AND state = 'new' AND video_id IS NULL AND contested = 0
RETURNING key;

-- name: drop
-- Deletes a finished item whose video was replaced. A repetition finds none.
DELETE FROM apivideo_ingest_items WHERE key = :key AND state = 'done' RETURNING key;

-- name: records
-- Returns the next page of the items in some states. Changes nothing. Paging by the last number
-- reads each row once and stays correct while rows are inserted.
SELECT {columns} FROM apivideo_ingest_items
WHERE number > :after AND state IN ({{states}}) {{and_unsuccessful}}
ORDER BY number LIMIT {{page}};

-- name: and_unsuccessful
-- Part of records and retry, for states without success: allows their index.
AND due IS NULL AND state <> 'done';

-- name: totals
-- Counts the items, their bytes and the bytes sent, by state. Changes nothing. The sums are
-- floating point because servers may announce sizes whose sum exceeds every integer column. They
-- are exact below 8 PiB.
SELECT state, COUNT(*), COALESCE(SUM(CAST(size AS DOUBLE PRECISION)), 0),
    COALESCE(SUM(CAST(sent AS DOUBLE PRECISION)), 0)
FROM apivideo_ingest_items GROUP BY state;

-- name: census
-- Counts the items, their bytes, the bytes sent, the age in seconds of the oldest open item, and
-- the items whose lease has ended without being given back, by state and cause. Changes nothing.
SELECT state, cause, COUNT(*), COALESCE(SUM(CAST(size AS DOUBLE PRECISION)), 0),
    COALESCE(SUM(CAST(sent AS DOUBLE PRECISION)), 0),
    {now} - MIN(CASE WHEN due IS NOT NULL THEN added_at END),
    SUM(CASE WHEN owner IS NOT NULL AND due <= {now} THEN 1 ELSE 0 END)
FROM apivideo_ingest_items GROUP BY state, cause;

-- name: workers
-- Returns the owners of leases that have not ended, and the number of their items. Uses the index
-- of the owners. Changes nothing.
SELECT owner, COUNT(*) FROM apivideo_ingest_items
WHERE owner IS NOT NULL AND due > {now} GROUP BY owner ORDER BY owner;

-- name: next_due
-- Returns the seconds until the next open item is due; NULL if no item is open. Changes nothing.
SELECT MIN(due) - {now} FROM apivideo_ingest_items WHERE due IS NOT NULL;

-- name: retry
-- Makes finished items of some states due again, and returns their keys. A repetition finds them
-- in another state and changes nothing; it does not return their keys. An item with a container
-- continues with that container, so that no second one is created.
UPDATE apivideo_ingest_items
SET state = CASE WHEN video_id IS NULL THEN 'new' ELSE 'created' END,
    due = {now}, owner = NULL, attempts = 0, cause = NULL, message = NULL, finished_at = NULL
WHERE state IN ({{states}}) {{and_unsuccessful}} {{and_keys}}
RETURNING key;

-- name: skip
-- Skips those items of a JSON array of keys that have no video yet and that no worker has. A
-- repetition changes nothing.
UPDATE apivideo_ingest_items
SET state = 'skipped', due = NULL, cause = 'skipped', message = NULL, finished_at = {now}
WHERE key IN (SELECT {member[key]} FROM {elements}) AND owner IS NULL
    AND state NOT IN ('done', 'skipped')
RETURNING key;

-- name: forget
-- Deletes those items of a JSON array of keys that no worker has. A repetition finds none.
DELETE FROM apivideo_ingest_items
WHERE key IN (SELECT {member[key]} FROM {elements}) AND owner IS NULL
RETURNING key;

-- name: prune
-- Deletes a batch of the items that were finished in some states before a time. A repetition
-- deletes the next batch.
DELETE FROM apivideo_ingest_items WHERE number IN (
    SELECT number FROM apivideo_ingest_items
    WHERE state IN ({{states}}) AND finished_at < {now} - :seconds
    ORDER BY number LIMIT {{page}}
)
RETURNING number;

-- name: prune_usage
-- Deletes counts of requests before a time. A repetition finds none.
DELETE FROM apivideo_ingest_usage WHERE minute < ({now} - :seconds) / 60 RETURNING minute;

-- name: prune_aliases
-- Deletes the aliases of items that were deleted. A repetition finds none.
DELETE FROM apivideo_ingest_aliases AS alias
WHERE NOT EXISTS (SELECT 1 FROM apivideo_ingest_items AS target WHERE target.key = alias.item)
RETURNING key;

-- name: and_keys
-- Part of retry: limits it to the keys of a JSON array.
AND key IN (SELECT {member[key]} FROM {elements});


-- ---------------------------------------------------------------------------------------------
-- Leases

-- name: leased
-- Part of claim and claim_key: gives the item to the owner until the lease ends. "contested" is
-- set if the item was in the state "creating" without an id when its lease ended: the previous
-- worker may have created a container whose id it did not record.
owner = :owner, fence = fence + 1, due = {now} + :seconds,
    started_at = COALESCE(started_at, {now}),
    contested = CASE WHEN state = 'creating' AND video_id IS NULL THEN 1 ELSE contested END;

-- name: claim
-- Claims items that are due, those due for the longest time first, and returns them. If the
-- response is lost, the leases end without a worker, and a repetition claims other items.
-- MATERIALIZED makes PostgreSQL evaluate the SELECT, with its LIMIT and row locks, exactly once.
WITH picked AS MATERIALIZED (
    SELECT number AS picked_number FROM apivideo_ingest_items
    WHERE due <= {now} ORDER BY due, number LIMIT :count {skip_locked}
)
UPDATE apivideo_ingest_items SET {leased} FROM picked WHERE number = picked_number
RETURNING {columns};

-- name: claim_key
-- Claims one item if it is due. A repetition finds it leased and returns nothing; the lease then
-- ends without a worker.
UPDATE apivideo_ingest_items SET {leased} WHERE key = :key AND due <= {now}
RETURNING {columns};

-- name: renew
-- Extends those leases of a JSON array of keys that the owner still holds, and returns them. A
-- repetition extends them again. Other leases of the owner are not extended: the owner may not know
-- of a claim whose response was lost, and without a worker that item must become due again.
UPDATE apivideo_ingest_items SET due = {now} + :seconds
WHERE owner = :owner AND due IS NOT NULL AND key IN (SELECT {member[key]} FROM {elements})
RETURNING key, fence;

-- name: expire
-- Ends the leases of an owner that has stopped. A repetition finds none.
UPDATE apivideo_ingest_items SET due = {now}, owner = NULL
WHERE owner = :owner AND due IS NOT NULL
RETURNING key;

-- name: expire_all
-- Ends the leases of all owners. A repetition finds none.
UPDATE apivideo_ingest_items SET due = {now}, owner = NULL
WHERE owner IS NOT NULL AND due IS NOT NULL
RETURNING key;


-- ---------------------------------------------------------------------------------------------
-- Transitions. Each one requires the latest claim (fence) and a state from which the step is
-- possible, which includes the state after the step; so a repetition has the same result. A row is
-- returned if the step was possible.

-- name: creating
-- Records the size, version and transfer of the item, before its container is requested.
UPDATE apivideo_ingest_items
SET state = 'creating', size = :size, version = COALESCE(:version, version), way = :transfer,
    sample = COALESCE(CAST(:sample AS TEXT), sample)
WHERE key = :key AND fence = :fence AND state IN ('new', 'creating')
RETURNING key;

-- name: created
-- Sets the id of the container unless one is set, and returns the id that is set. A repetition
-- returns the same id. The id is set even if the fence is old: the container exists, and the
-- current worker must learn of it. Only the state depends on the fence.
UPDATE apivideo_ingest_items
SET video_id = COALESCE(video_id, :video_id),
    created_at = CASE WHEN video_id IS NULL THEN {now} ELSE created_at END,
    state = CASE WHEN state = 'creating' AND fence = :fence THEN 'created' ELSE state END
WHERE key = :key
RETURNING video_id;

-- name: uploading
-- Records that bytes will be sent to the container, or that api.video is fetching them.
UPDATE apivideo_ingest_items SET state = 'uploading'
WHERE key = :key AND fence = :fence AND video_id IS NOT NULL
    AND state IN ('new', 'creating', 'created', 'uploading', 'verifying')
RETURNING key;

-- name: verifying
-- Records that the video is complete, and adds to the bytes sent. A repetition counts them twice,
-- which affects only statistics.
UPDATE apivideo_ingest_items SET state = 'verifying', sent = sent + :sent
WHERE key = :key AND fence = :fence AND state IN ('uploading', 'verifying')
RETURNING key;

-- name: done
-- Finishes an item whose video is complete.
UPDATE apivideo_ingest_items
SET state = 'done', due = NULL, owner = NULL, cause = NULL, message = NULL,
    finished_at = COALESCE(finished_at, {now})
WHERE key = :key AND fence = :fence AND state IN ('verifying', 'done')
RETURNING key;

-- name: stop
-- Finishes an item without success, in the state "failed", "quarantined" or "skipped". A repetition
-- counts the attempt twice, which has no effect on a finished item.
UPDATE apivideo_ingest_items
SET state = :state, due = NULL, owner = NULL, cause = :cause, message = :message,
    attempts = attempts + 1, finished_at = {now},
    way = CASE WHEN :forget_transfer THEN NULL ELSE way END
WHERE key = :key AND fence = :fence
    AND state IN ('new', 'creating', 'created', 'uploading', 'verifying', :state)
RETURNING key;

-- name: lost
-- Resets an item whose container no longer exists to "new", under the same lease.
UPDATE apivideo_ingest_items SET state = 'new', video_id = NULL, way = NULL, created_at = NULL
WHERE key = :key AND fence = :fence
    AND state IN ('new', 'creating', 'created', 'uploading', 'verifying')
RETURNING key;

-- name: renew_version
-- Gives an item without a container another key: that of the version which its source has now. A
-- repetition finds the new key and changes nothing.
UPDATE apivideo_ingest_items
SET key = :new_key, size = :size, version = :version, due = {now} + :seconds, owner = NULL,
    attempts = attempts + 1
WHERE key = :key AND fence = :fence AND state = 'new' AND video_id IS NULL AND contested = 0
    AND NOT EXISTS (SELECT 1 FROM apivideo_ingest_items WHERE key = :new_key)
RETURNING key;

-- name: forget_version
-- Deletes an item without a container whose source has another version now, which is an item of
-- its own. A repetition finds none.
DELETE FROM apivideo_ingest_items
WHERE key = :key AND fence = :fence AND state = 'new' AND video_id IS NULL AND contested = 0
    AND EXISTS (SELECT 1 FROM apivideo_ingest_items WHERE key = :new_key)
RETURNING key;

-- name: later
-- Gives an item back; it is due after a delay. With a cause, this counts as a failed attempt. An
-- old fence changes nothing: the item has been given back already. A repetition counts the attempt
-- twice, so at worst the item fails one attempt early.
UPDATE apivideo_ingest_items
SET due = {now} + :seconds, owner = NULL, attempts = attempts + :failed,
    cause = COALESCE(CAST(:cause AS TEXT), cause),
    message = COALESCE(CAST(:message AS TEXT), message)
WHERE key = :key AND fence = :fence AND due IS NOT NULL
RETURNING key;


-- ---------------------------------------------------------------------------------------------
-- Requests and their budget

-- name: note_usage
-- Adds to the number of requests of a worker in one minute. A repetition counts them twice, which
-- affects only reports.
INSERT INTO apivideo_ingest_usage AS had (owner, minute, limit_class, requests, refused, allowed)
VALUES (:owner, :minute, :limit_class, :requests, :refused, :allowed)
ON CONFLICT (minute, limit_class, owner) DO UPDATE
SET requests = had.requests + excluded.requests, refused = had.refused + excluded.refused,
    allowed = COALESCE(excluded.allowed, had.allowed);

-- name: usage
-- Returns the requests of all workers, by minute and class. Changes nothing.
SELECT minute, limit_class, CAST(SUM(requests) AS BIGINT), CAST(SUM(refused) AS BIGINT),
    MAX(allowed)
FROM apivideo_ingest_usage GROUP BY minute, limit_class ORDER BY minute, limit_class;

-- name: sqlite_read_budget
-- Returns the state of a class (NULL at first) and the clock. Changes nothing. The join returns a
-- row with the clock also when there is no state yet.
SELECT state, {now} FROM (SELECT 1) LEFT JOIN apivideo_ingest_budget ON name = :name;

-- name: sqlite_write_budget
-- Replaces the state of a class, in the transaction that read it. The transaction is repeated only
-- as a whole. PostgreSQL uses compare-and-swap instead (distributed/queries.sql).
INSERT OR REPLACE INTO apivideo_ingest_budget VALUES (:name, :state);
