"""What a ledger promises, kept by SQLite and by PostgreSQL alike: one suite for both."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest

from apivideo_async.distributed.postgres import PostgresDatabase
from apivideo_async.errors import LeaseLostError, LedgerError
from apivideo_async.ingest.items import OPEN_STATES, Item, Record, State
from apivideo_async.ingest.ledger.database import Database
from apivideo_async.ingest.ledger.ledger import Ledger, Usage
from apivideo_async.ingest.ledger.sqlite import open_sqlite_ledger

from .ingesting import ITEMS

LONG = 60.0
"""Seconds that no test lasts."""
ENGINES = ["sqlite", "postgresql"]


async def open_postgres(dsn: str, *, init: bool = True) -> Ledger:
    database = PostgresDatabase(dsn, outage_timeout=5.0)
    await database.connect()
    if init:
        await database.init()
    return Ledger(database)


@pytest.fixture(params=ENGINES)
def reopen(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Callable[[], Coroutine[Any, Any, Ledger]]:
    """Open the ledger of this test, once more each time."""
    if request.param == "sqlite":
        return lambda: open_sqlite_ledger(tmp_path / "ledger.db")
    dsn = request.getfixturevalue("postgres_dsn")
    return lambda: open_postgres(dsn)


@pytest.fixture
async def ledger(reopen: Callable[[], Coroutine[Any, Any, Ledger]]) -> AsyncIterator[Ledger]:
    opened = await reopen()
    yield opened
    await opened.aclose()


def item_of(number: int = 1, **given: Any) -> Item:
    return Item(
        **{"key": f"key-{number}", "uri": f"/videos/{number}.mp4", "size": 1_000 + number, **given}
    )


async def claimed(
    ledger: Ledger, owner: str = "one", seconds: float = LONG, key: str = "key-1"
) -> Record:
    record = await ledger.claim_key(owner, key, seconds)
    assert record is not None
    return record


async def taken_over(ledger: Ledger) -> tuple[Record, Record]:
    """An item whose first owner was thought dead: what the first one holds, and the second one."""
    await ledger.add([item_of()])
    stale = await claimed(ledger, "one")
    await ledger.expire("one")
    return stale, await claimed(ledger, "two")


async def record_of(ledger: Ledger, key: str = "key-1") -> Record:
    record = await ledger.record(key)
    assert record is not None
    return record


async def advance(ledger: Ledger, claim: Record, state: str) -> None:
    """Bring a new item into an open state, as a worker does."""
    if state == "new":
        return
    await ledger.creating(claim, 10, "v1", "stream")
    if state == "creating":
        return
    await ledger.created(claim, "vi1")
    if state == "created":
        return
    await ledger.uploading(claim)
    if state == "verifying":
        await ledger.verifying(claim, 10)


# -- entering


async def test_an_item_comes_back_as_it_was_entered(ledger: Ledger) -> None:
    odd = "/videos/käse \"1' %s {} :key \\ \N{PILE OF POO}\n.mp4"
    item = item_of(
        uri=odd, version='"etag"', fields={"title": odd, "tags": ["a", "ü"], "public": False}
    )
    assert await ledger.add([item, item_of(2, size=None, strategy="pull")]) == {"key-1", "key-2"}
    record = await record_of(ledger)
    assert record.item == item
    assert (record.state, record.fence, record.attempts, record.contested) == ("new", 0, 0, False)
    assert (record.video_id, record.owner, record.transfer, record.finished_at) == (
        None,
        None,
        None,
        None,
    )
    assert record.added_at == pytest.approx(record.due)
    assert (await record_of(ledger, "key-2")).item.size is None


async def test_known_items_stay_as_they_are(ledger: Ledger) -> None:
    await ledger.add([item_of(1)])
    claim = await claimed(ledger)
    assert await ledger.add([item_of(1, uri="/elsewhere"), item_of(2)]) == {"key-2"}
    record = await record_of(ledger)
    assert (record.item.uri, record.fence) == (item_of(1).uri, claim.fence)


async def test_one_key_twice_in_a_batch_is_one_item(ledger: Ledger) -> None:
    assert await ledger.add([item_of(1), item_of(1, uri="/again")]) == {"key-1"}
    assert (await record_of(ledger)).item.uri == item_of(1).uri


@pytest.mark.parametrize("key", ["escaped:%0000", 'json:"key"'])
async def test_a_key_that_looks_like_stored_text_is_found_again(ledger: Ledger, key: str) -> None:
    assert await ledger.add([item_of(key=key)]) == {key}
    assert (await record_of(ledger, key)).item.key == key
    assert (await claimed(ledger, key=key)).key == key


async def test_no_items_are_no_work(ledger: Ledger) -> None:
    assert await ledger.add([]) == set()


async def test_concurrent_additions_of_the_same_items_enter_each_once(ledger: Ledger) -> None:
    batches = [
        [item_of(number) for number in range(start, start + 60)] for start in (0, 20, 40, 60)
    ]
    new = await asyncio.gather(*(ledger.add(batch) for batch in batches))
    assert sum(map(len, new)) == 120
    assert (await ledger.totals()).count() == 120


async def test_an_unknown_key_has_no_record(ledger: Ledger) -> None:
    assert await ledger.record("nothing") is None
    assert await ledger.claim_key("one", "nothing", LONG) is None


@pytest.mark.parametrize("name", ["bad\udcff.mp4", "nul\x00.mp4"])
async def test_text_that_no_database_takes_comes_back_as_it_was(ledger: Ledger, name: str) -> None:
    item = item_of(uri=f"/videos/{name}", version=name, fields={"title": name})
    await ledger.add([item])
    claim = await claimed(ledger)
    assert claim.item == item
    await ledger.later(claim, 0.0, "source", name)
    assert (await record_of(ledger)).message == name
    await ledger.fail(await claimed(ledger), "source", name * 2)
    assert (await record_of(ledger)).message == name * 2


# -- claims


async def test_claims_take_what_is_due_the_oldest_first(ledger: Ledger) -> None:
    await ledger.add([item_of(number) for number in range(5)])
    records = await ledger.claim("one", 3, LONG)
    assert [record.item.key for record in records] == ["key-0", "key-1", "key-2"]
    assert {(record.owner, record.fence) for record in records} == {("one", 1)}
    assert [record.item.key for record in await ledger.claim("two", 3, LONG)] == ["key-3", "key-4"]
    assert await ledger.claim("three", 3, LONG) == []


async def test_fifty_claimants_take_nothing_twice(ledger: Ledger) -> None:
    await ledger.add([item_of(number) for number in range(300)])

    async def take(owner: str) -> list[str]:
        keys: list[str] = []
        while records := await ledger.claim(owner, 7, LONG):
            keys += [record.item.key for record in records]
        return keys

    taken = await asyncio.gather(*(take(f"owner-{number}") for number in range(50)))
    keys = [key for some in taken for key in some]
    assert len(keys) == len(set(keys)) == 300


async def test_of_fifty_who_want_one_item_one_gets_it(ledger: Ledger) -> None:
    await ledger.add([item_of()])
    records = await asyncio.gather(
        *(ledger.claim_key(f"owner-{n}", "key-1", LONG) for n in range(50))
    )
    assert [record.fence for record in records if record is not None] == [1]


async def test_a_lease_that_ended_is_for_others_with_a_higher_fence(ledger: Ledger) -> None:
    await ledger.add([item_of()])
    first = await claimed(ledger, "one", 0.05)
    assert await ledger.claim_key("two", "key-1", LONG) is None
    await asyncio.sleep(0.06)
    second = await claimed(ledger, "two")
    assert (first.fence, second.fence) == (1, 2)
    assert (await record_of(ledger)).owner == "two"


async def test_renewal_prolongs_what_is_held_and_nothing_else(ledger: Ledger) -> None:
    await ledger.add([item_of(number) for number in range(4)])
    await claimed(ledger, "one", 0.2, "key-0")
    finished, later = (
        await claimed(ledger, "one", 0.2, "key-1"),
        await claimed(ledger, "one", 0.2, "key-2"),
    )
    await claimed(ledger, "two", 0.2, "key-3")
    await ledger.fail(finished, "source", "gone")
    await ledger.later(later, 0.0)
    assert await ledger.renew("one", LONG, [f"key-{number}" for number in range(4)]) == {"key-0": 1}
    await asyncio.sleep(0.25)
    assert await ledger.claim_key("three", "key-0", LONG) is None
    assert await ledger.claim_key("three", "key-2", LONG) is not None
    assert await ledger.claim_key("three", "key-3", LONG) is not None


async def test_a_lease_that_its_owner_does_not_know_of_ends(ledger: Ledger) -> None:
    """The answer to a claim may be lost with a connection."""
    await ledger.add([item_of(1), item_of(2)])
    await claimed(ledger, "one", 0.05, "key-1")
    await claimed(ledger, "one", 0.05, "key-2")
    assert await ledger.renew("one", LONG, ["key-2"]) == {"key-2": 1}
    assert await ledger.renew("one", LONG, []) == {}
    await asyncio.sleep(0.06)
    assert (await claimed(ledger, "two", key="key-1")).fence == 2


async def test_a_lease_that_was_taken_over_is_not_renewed(ledger: Ledger) -> None:
    _, holder = await taken_over(ledger)
    assert await ledger.renew("one", LONG, ["key-1"]) == {}
    assert await ledger.renew("two", LONG, ["key-1"]) == {"key-1": holder.fence}


async def test_a_released_item_is_due_at_once(ledger: Ledger) -> None:
    await ledger.add([item_of()])
    await ledger.release(await claimed(ledger))
    record = await record_of(ledger)
    assert (record.owner, record.attempts, record.cause) == (None, 0, None)
    assert (await claimed(ledger, "two")).fence == 2


async def test_leases_of_one_owner_or_of_all_can_be_ended(ledger: Ledger) -> None:
    await ledger.add([item_of(number) for number in range(4)])
    for owner, key in (("one", "key-0"), ("one", "key-1"), ("two", "key-2")):
        await claimed(ledger, owner, key=key)
    assert await ledger.expire("one") == 2
    assert len(await ledger.claim("three", 10, LONG)) == 3
    assert await ledger.expire() == 4
    assert await ledger.next_due() == 0


async def test_next_due_is_the_soonest_of_the_open_items(ledger: Ledger) -> None:
    assert await ledger.next_due() is None
    await ledger.add([item_of(1), item_of(2)])
    assert await ledger.next_due() == 0
    await claimed(ledger, key="key-1", seconds=100)
    await ledger.later(await claimed(ledger, key="key-2"), 50)
    assert await ledger.next_due() == pytest.approx(50, abs=5)
    await ledger.fail(await waiting_claim(ledger, "key-2"), "other", "")
    assert await ledger.next_due() == pytest.approx(100, abs=5)


async def waiting_claim(ledger: Ledger, key: str) -> Record:
    """Hold an item that waits."""
    return await record_of(ledger, key)


# -- transitions


async def test_an_item_passes_all_states_to_done(ledger: Ledger) -> None:
    await ledger.add([item_of(size=None)])
    claim = await claimed(ledger)
    await ledger.creating(claim, 77, "v2", "pull")
    record = await record_of(ledger)
    assert (record.state, record.item.size, record.item.version, record.transfer) == (
        "creating",
        77,
        "v2",
        "pull",
    )
    assert await ledger.created(claim, "vi1") == "vi1"
    record = await record_of(ledger)
    assert (record.state, record.video_id) == ("created", "vi1")
    assert record.created_at is not None
    await ledger.uploading(claim)
    assert (await record_of(ledger)).state == "uploading"
    await ledger.verifying(claim, 70)
    await ledger.verifying(claim, 7)
    record = await record_of(ledger)
    assert (record.state, record.sent) == ("verifying", 77)
    await ledger.done(claim)
    record = await record_of(ledger)
    assert (record.state, record.due, record.owner) == ("done", None, None)
    assert record.started_at is not None
    assert record.finished_at is not None
    assert record.started_at <= record.created_at <= record.finished_at  # type: ignore[operator]
    assert await ledger.claim("two", 5, LONG) == []
    assert await ledger.claim_key("two", "key-1", LONG) is None


STEPS: dict[str, Callable[[Ledger, Record], Coroutine[Any, Any, Any]]] = {
    "creating": lambda ledger, claim: ledger.creating(claim, 10, "v1", "stream"),
    "created": lambda ledger, claim: ledger.created(claim, "vi1"),
    "uploading": lambda ledger, claim: ledger.uploading(claim),
    "verifying": lambda ledger, claim: ledger.verifying(claim),
    "done": lambda ledger, claim: ledger.done(claim),
    "fail": lambda ledger, claim: ledger.fail(claim, "cause", "message"),
    "quarantine": lambda ledger, claim: ledger.quarantine(claim, "message"),
    "lost": lambda ledger, claim: ledger.lost(claim),
    "later": lambda ledger, claim: ledger.later(claim, 5, "cause", "message"),
    "release": lambda ledger, claim: ledger.release(claim),
}
FENCED = [name for name in STEPS if name not in ("created", "later", "release")]
REPEATED = {
    "creating": "new",
    "created": "creating",
    "uploading": "created",
    "verifying": "uploading",
    "done": "verifying",
    "fail": "new",
    "quarantine": "new",
    "lost": "uploading",
}
"""Steps, each with a state in which it is possible."""


@pytest.mark.parametrize("step", REPEATED)
async def test_a_step_whose_answer_was_lost_may_be_repeated(ledger: Ledger, step: str) -> None:
    await ledger.add([item_of()])
    claim = await claimed(ledger)
    await advance(ledger, claim, REPEATED[step])
    await STEPS[step](ledger, claim)
    before = await record_of(ledger)
    await STEPS[step](ledger, claim)
    after = await record_of(ledger)
    assert (after.state, after.video_id, after.due is None) == (
        before.state,
        before.video_id,
        before.due is None,
    )


@pytest.mark.parametrize(
    ("state", "step"), [("new", "verifying"), ("creating", "done"), ("uploading", "creating")]
)
async def test_a_step_that_leaves_others_out_is_an_error_and_changes_nothing(
    ledger: Ledger, state: str, step: str
) -> None:
    await ledger.add([item_of()])
    claim = await claimed(ledger)
    await advance(ledger, claim, state)
    before = await record_of(ledger)
    with pytest.raises(LedgerError, match=f"not possible in the state '{state}'"):
        await STEPS[step](ledger, claim)
    assert await record_of(ledger) == before


@pytest.mark.parametrize("state", OPEN_STATES)
@pytest.mark.parametrize("step", STEPS)
async def test_a_worker_that_lost_its_lease_changes_nothing(
    ledger: Ledger, step: str, state: str
) -> None:
    stale, holder = await taken_over(ledger)
    await advance(ledger, holder, state)
    before = await record_of(ledger)
    if step in FENCED:
        with pytest.raises(LeaseLostError):
            await STEPS[step](ledger, stale)
    else:
        await STEPS[step](ledger, stale)
    after = await record_of(ledger)
    assert (after.state, after.owner, after.fence, after.due) == (
        before.state,
        "two",
        holder.fence,
        before.due,
    )
    assert (after.attempts, after.cause, after.message) == (0, None, None)


@pytest.mark.parametrize("step", ["fail", "quarantine", "done"])
async def test_a_finished_item_cannot_be_put_off_or_given_back(ledger: Ledger, step: str) -> None:
    await ledger.add([item_of()])
    claim = await claimed(ledger)
    await advance(ledger, claim, "verifying")
    await STEPS[step](ledger, claim)
    before = await record_of(ledger)
    await ledger.later(claim, 5, "cause", "message")
    await ledger.release(claim)
    assert await record_of(ledger) == before


# -- the container


async def test_of_two_workers_that_made_a_container_both_learn_the_first(ledger: Ledger) -> None:
    stale, holder = await taken_over(ledger)
    await ledger.creating(holder, 10, None, "stream")
    assert await ledger.created(stale, "vi-stale") == "vi-stale"
    assert (await record_of(ledger)).state == "creating"
    assert await ledger.created(holder, "vi-holder") == "vi-stale"
    record = await record_of(ledger)
    assert (record.state, record.video_id) == ("created", "vi-stale")


async def test_a_late_container_does_not_replace_the_one_in_the_ledger(ledger: Ledger) -> None:
    stale, holder = await taken_over(ledger)
    await advance(ledger, holder, "verifying")
    await ledger.done(holder)
    before = await record_of(ledger)
    assert await ledger.created(stale, "vi-late") == "vi1"
    assert await record_of(ledger) == before


async def test_fifty_containers_for_one_item_leave_one_id(ledger: Ledger) -> None:
    await ledger.add([item_of()])
    claim = await claimed(ledger)
    await ledger.creating(claim, 10, None, "stream")
    ids = await asyncio.gather(*(ledger.created(claim, f"vi-{number}") for number in range(50)))
    assert len(set(ids)) == 1


async def test_a_container_of_an_item_that_is_not_in_the_ledger_is_an_error(ledger: Ledger) -> None:
    await ledger.add([item_of()])
    claim = await claimed(ledger)
    await ledger.database.run(f"DELETE FROM {ITEMS}", {})
    with pytest.raises(LedgerError, match="no longer in the ledger"):
        await ledger.created(claim, "vi1")


async def test_only_a_claim_of_an_item_that_was_being_created_is_contested(ledger: Ledger) -> None:
    await ledger.add([item_of(1), item_of(2), item_of(3)])
    claim = await claimed(ledger)
    await ledger.creating(claim, 10, None, "stream")
    assert not (await record_of(ledger)).contested
    known = await claimed(ledger, key="key-2")
    await advance(ledger, known, "created")
    await claimed(ledger, key="key-3")
    await ledger.expire()
    assert (await claimed(ledger, "two")).contested
    assert not (await claimed(ledger, "two", key="key-2")).contested
    assert not (await claimed(ledger, "two", key="key-3")).contested


async def test_contested_it_stays_until_it_is_done(ledger: Ledger) -> None:
    await ledger.add([item_of()])
    await ledger.creating(await claimed(ledger), 10, None, "stream")
    await ledger.expire()
    second = await claimed(ledger, "two")
    await ledger.creating(second, 10, None, "stream")
    await ledger.created(second, "vi1")
    await ledger.release(second)
    assert (await claimed(ledger, "three")).contested


async def test_an_item_whose_container_is_gone_begins_anew_under_the_same_lease(
    ledger: Ledger,
) -> None:
    await ledger.add([item_of()])
    claim = await claimed(ledger)
    await advance(ledger, claim, "uploading")
    await ledger.lost(claim)
    record = await record_of(ledger)
    assert (record.state, record.video_id, record.transfer, record.owner) == (
        "new",
        None,
        None,
        "one",
    )
    await ledger.creating(claim, 10, None, "stream")
    assert await ledger.created(claim, "vi2") == "vi2"


# -- failures


async def test_a_failure_that_may_pass_waits_and_counts(ledger: Ledger) -> None:
    await ledger.add([item_of()])
    claim = await claimed(ledger)
    await advance(ledger, claim, "uploading")
    await ledger.later(claim, 0.1, "timeout", "no answer")
    record = await record_of(ledger)
    assert (record.state, record.owner, record.attempts) == ("uploading", None, 1)
    assert (record.cause, record.message) == ("timeout", "no answer")
    assert await ledger.claim_key("two", "key-1", LONG) is None
    await asyncio.sleep(0.12)
    claim = await claimed(ledger, "two")
    await ledger.later(claim, 0.0)
    record = await record_of(ledger)
    assert (record.attempts, record.cause) == (1, "timeout")


async def test_success_forgets_the_failures_before_it(ledger: Ledger) -> None:
    await ledger.add([item_of()])
    claim = await claimed(ledger)
    await advance(ledger, claim, "verifying")
    await ledger.later(claim, 0.0, "timeout", "no answer")
    claim = await claimed(ledger)
    await ledger.done(claim)
    record = await record_of(ledger)
    assert (record.cause, record.message, record.attempts) == (None, None, 1)


async def test_retry_takes_failed_items_and_keeps_their_containers(ledger: Ledger) -> None:
    await ledger.add([item_of(number) for number in range(4)])
    for key, state in (("key-0", "new"), ("key-1", "uploading"), ("key-2", "uploading")):
        claim = await claimed(ledger, key=key)
        await advance(ledger, claim, state)
        await (
            ledger.quarantine(claim, "two")
            if key == "key-2"
            else ledger.fail(claim, "cause", "message")
        )
    assert (await record_of(ledger)).finished_at is not None
    assert sorted(await ledger.retry()) == ["key-0", "key-1"]
    assert await ledger.retry() == []
    states = {key: await record_of(ledger, key) for key in ("key-0", "key-1", "key-2")}
    assert [record.state for record in states.values()] == ["new", "created", "quarantined"]
    record = states["key-1"]
    assert (record.video_id, record.attempts, record.cause, record.finished_at) == (
        "vi1",
        0,
        None,
        None,
    )
    assert (await claimed(ledger, key="key-1")).fence == 2
    assert await ledger.retry(["quarantined"], ["key-0"]) == []
    assert await ledger.retry(["quarantined", "failed"], ["key-2", "nothing"]) == ["key-2"]


# -- the whole


async def test_records_come_in_order_page_by_page(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apivideo_async.ingest.ledger.ledger.PAGE", 7)
    await ledger.add([item_of(number) for number in range(30)])
    await ledger.fail(await claimed(ledger, key="key-3"), "cause", "")
    assert [record.item.key async for record in ledger.records()] == [
        f"key-{number}" for number in range(30)
    ]
    assert [record.item.key async for record in ledger.records(["failed", "done"])] == ["key-3"]
    assert len([record async for record in ledger.records(["new"])]) == 29


async def test_totals_count_items_and_bytes_by_state(ledger: Ledger) -> None:
    assert (await ledger.totals()).count() == 0
    await ledger.add([item_of(1, size=5), item_of(2, size=None), item_of(3, size=7)])
    claim = await claimed(ledger)
    await advance(ledger, claim, "verifying")
    await ledger.done(claim)
    totals = await ledger.totals()
    assert (totals.items, totals.bytes) == ({"new": 2, "done": 1}, {"new": 7, "done": 10})
    assert (totals.open, totals.count("done", "failed"), totals.sent) == (2, 1, 10)


async def test_usage_adds_up_over_workers_and_calls(ledger: Ledger) -> None:
    await ledger.note_usage(
        "one", [Usage(minute=5, limit_class="uploads", requests=3, refused=1, allowed=100)]
    )
    await ledger.note_usage("one", [Usage(minute=5, limit_class="uploads", requests=2)])
    await ledger.note_usage(
        "two", [Usage(minute=5, limit_class="uploads", requests=10, allowed=90)]
    )
    await ledger.note_usage("two", [Usage(minute=4, limit_class="reads", requests=1)])
    assert await ledger.usage() == [
        Usage(minute=4, limit_class="reads", requests=1),
        Usage(minute=5, limit_class="uploads", requests=15, refused=1, allowed=100),
    ]


async def test_a_ledger_belongs_to_one_server(ledger: Ledger) -> None:
    await ledger.bind("https://ws.api.video")
    await ledger.bind("https://ws.api.video")
    with pytest.raises(LedgerError, match="belongs to https://ws"):
        await ledger.bind("https://sandbox.api.video")


async def test_everything_is_there_when_it_is_opened_again(
    reopen: Callable[[], Coroutine[Any, Any, Ledger]],
) -> None:
    first = await reopen()
    await first.add([item_of()])
    await advance(first, await claimed(first), "uploading")
    before = await record_of(first)
    await first.aclose()
    second = await reopen()
    assert await record_of(second) == before
    await second.aclose()


async def test_two_openings_work_at_the_same_time(
    reopen: Callable[[], Coroutine[Any, Any, Ledger]],
) -> None:
    one, two = await asyncio.gather(reopen(), reopen())
    await asyncio.gather(
        one.add([item_of(number) for number in range(50)]),
        two.add([item_of(number) for number in range(50)]),
    )
    taken = await asyncio.gather(one.claim("one", 40, LONG), two.claim("two", 40, LONG))
    keys = [record.item.key for records in taken for record in records]
    assert len(keys) == len(set(keys)) == 50
    await one.aclose()
    await two.aclose()


async def test_another_layout_is_an_error(
    reopen: Callable[[], Coroutine[Any, Any, Ledger]], request: pytest.FixtureRequest
) -> None:
    ledger = await reopen()
    await ledger.database.run(
        "UPDATE apivideo_ingest_meta SET value = '99' WHERE name = 'schema'", {}
    )
    await ledger.aclose()
    with pytest.raises(LedgerError, match="has the layout 99"):
        await reopen()


def test_the_tables_are_those_of_this_version(tmp_path: Path, postgres_dsn: str) -> None:
    """Whoever changes the tables has to count the version up, and this list with it."""
    asyncio.run(closed(open_sqlite_ledger(tmp_path / "ledger.db")))
    asyncio.run(closed(open_postgres(postgres_dsn)))
    with sqlite3.connect(tmp_path / "ledger.db") as lite:
        columns = [row[1] for row in lite.execute(f"PRAGMA table_info({ITEMS})")]
    lite.close()
    with psycopg.connect(postgres_dsn) as connection:
        query = """SELECT column_name FROM information_schema.columns WHERE table_name = %s
            ORDER BY ordinal_position"""
        assert [name for (name,) in connection.execute(query, (ITEMS,))] == columns
    assert len(columns) == 23


async def closed(opening: Coroutine[Any, Any, Ledger]) -> None:
    await (await opening).aclose()


async def test_items_are_skipped_unless_they_are_done_or_in_progress(ledger: Ledger) -> None:
    await ledger.add([item_of(number) for number in range(1, 5)])
    await claimed(ledger)
    await ledger.fail(await claimed(ledger, key="key-2"), "empty", "empty")
    done = await claimed(ledger, key="key-3")
    await ledger.creating(done, 1, None, "stream")
    await ledger.created(done, "vi1")
    await ledger.uploading(done)
    await ledger.verifying(done)
    await ledger.done(done)
    keys = [f"key-{number}" for number in range(1, 6)]
    assert sorted(await ledger.skip(keys)) == ["key-2", "key-4"]
    assert await ledger.skip(keys) == []
    assert await ledger.claim("two", 10, LONG) == []
    assert sorted(await ledger.forget(keys)) == ["key-2", "key-3", "key-4"]
    assert [record.key async for record in ledger.records()] == ["key-1"]


async def test_an_item_whose_source_was_missing_is_due_when_it_is_listed_again(
    ledger: Ledger,
) -> None:
    """A file system that was not mounted must not cost its items."""
    await ledger.add([item_of(1), item_of(2)])
    await ledger.source_gone(await claimed(ledger), "no such file")
    await ledger.skip(["key-2"])
    # A batch may name a source twice.
    assert await ledger.add([item_of(1), item_of(2), item_of(1)]) == {"key-1"}
    assert [record.key for record in await ledger.claim("one", 10, LONG)] == ["key-1"]


async def test_old_items_and_counts_are_deleted(ledger: Ledger) -> None:
    await ledger.add([item_of(number) for number in range(1, 4)])
    await ledger.skip(["key-1", "key-2"])
    await ledger.note_usage("one", [Usage(minute=1, limit_class="reads", requests=2)])
    assert await ledger.prune(("done",), 0.0) == 0
    assert await ledger.usage() == []
    assert await ledger.prune(("skipped",), 3600.0) == 0
    assert await ledger.prune(("skipped",), -1.0) == 2
    assert [record.key async for record in ledger.records()] == ["key-3"]


@pytest.mark.parametrize(("states", "uses_it"), [(("failed", "skipped"), True), (("done",), False)])
async def test_failed_items_are_found_by_an_index(
    ledger: Ledger, states: tuple[State, ...], uses_it: bool
) -> None:
    """Otherwise status and retry would read a million finished items."""
    database = RecordingDatabase(ledger.database)
    assert [record async for record in Ledger(database).records(states)] == []
    assert await Ledger(database).retry(states) == []
    assert [("due IS NULL AND state <> 'done'" in text) for text in database.statements] == [
        uses_it,
        uses_it,
    ]


class RecordingDatabase:
    """A database that keeps the statements which it executes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.queries = database.queries
        self.statements: list[str] = []

    async def run(self, statement: str, parameters: Mapping[str, Any]) -> list[Any]:
        self.statements.append(statement)
        return await self._database.run(statement, parameters)

    async def aclose(self) -> None:
        await self._database.aclose()


async def test_sqlite_uses_the_index_of_failed_items(tmp_path: Path) -> None:
    opened = await open_sqlite_ledger(tmp_path / "ledger.db")
    recording = RecordingDatabase(opened.database)
    assert [record async for record in Ledger(recording).records(("failed",))] == []
    plan = await opened.database.run(f"EXPLAIN QUERY PLAN {recording.statements[0]}", {"after": 0})
    assert "apivideo_ingest_items_unsuccessful" in plan[0][-1]
    await opened.aclose()
