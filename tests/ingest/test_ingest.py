"""One item becomes exactly one video, whatever fails (service.md#lost-responses,
service.md#repeated-requests).
"""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from apivideo_async import (
    ApiVideoClient,
    AuthenticationError,
    LeaseLostError,
    LedgerError,
    RetryPolicy,
)
from apivideo_async.emulator import Emulator, Fault
from apivideo_async.ingest.ingestion import Ingest
from apivideo_async.ingest.item_run import IngestContext, ingest_one
from apivideo_async.ingest.items import Item
from apivideo_async.ingest.ledger.lease import LeaseKeeper
from apivideo_async.ingest.ledger.ledger import Ledger
from apivideo_async.ingest.options import IngestOptions
from apivideo_async.ingest.stores.stores import Stores
from tests.conftest import QUICK, options, sha256

from .ingesting import (
    QUICK_OPTIONS,
    MakeItems,
    all_of,
    context_of,
    item_of,
    records_of,
    videos_by_key,
)


def assert_exactly_once(emu: Emulator, items: list[Item]) -> None:
    """Every source has one video with its bytes, and there is no other container."""
    held = videos_by_key(emu)
    assert {key: len(ids) for key, ids in held.items()} == {item.key: 1 for item in items}
    for item in items:
        assert emu.sha256(held[item.key][0]) == sha256(Path(item.uri).read_bytes()), item.uri


async def claimed(context: IngestContext, item: Item) -> Any:
    await context.ledger.add([item])
    claim = await context.lease_keeper.claim_key(item.key)
    assert claim is not None
    return claim


async def test_every_source_has_one_video_and_a_second_run_sends_nothing(
    client: ApiVideoClient, emu: Emulator, make_items: MakeItems, tmp_path: Path
) -> None:
    items = make_items(40)
    async with Ingest(client, tmp_path / "l.db", options=QUICK_OPTIONS) as ingest:
        results = await all_of(ingest, items)
        assert {result.outcome for result in results} == {"done"}
        assert (await ingest.totals()).items == {"done": 40}
    assert_exactly_once(emu, items)
    sent = len(emu.requests)
    async with Ingest(client, tmp_path / "l.db", options=QUICK_OPTIONS) as ingest:
        assert await all_of(ingest, items) == []
    assert len(emu.requests) == sent


async def test_a_lost_ledger_is_made_up_for_by_the_keys(
    client: ApiVideoClient, emu: Emulator, make_items: MakeItems, tmp_path: Path
) -> None:
    items = make_items(12)
    for name in ("first.db", "second.db"):
        async with Ingest(client, tmp_path / name, options=QUICK_OPTIONS) as ingest:
            assert {result.outcome for result in await all_of(ingest, items)} == {"done"}
    assert_exactly_once(emu, items)


@pytest.mark.parametrize("operation", ["videos.create", "videos.upload"])
async def test_lost_answers_make_no_second_video(
    client: ApiVideoClient, emu: Emulator, make_items: MakeItems, tmp_path: Path, operation: str
) -> None:
    items = make_items(12)
    emu.faults.add(Fault(operation, "drop-response", probability=0.3, times=None))
    async with Ingest(client, tmp_path / "l.db", options=QUICK_OPTIONS) as ingest:
        await all_of(ingest, items)
        assert (await ingest.totals()).items == {"done": 12}
    assert_exactly_once(emu, items)


async def test_an_interrupted_run_goes_on_and_repeats_no_accepted_chunk(
    client: ApiVideoClient, emu: Emulator, make_items: MakeItems, tmp_path: Path
) -> None:
    items = make_items(30)
    for _ in range(20):
        async with Ingest(client, tmp_path / "l.db", options=QUICK_OPTIONS) as ingest:
            run = ingest.run(items)
            done = 0
            async for result in run:
                done += result.outcome == "done"
                if done == 3:
                    break
            await run.aclose()
            if not (await ingest.totals()).open:
                break
    assert_exactly_once(emu, items)
    accepted = [
        (request.video_id, request.content_range)
        for request in emu.requests
        if request.operation == "videos.upload" and request.status == 201
    ]
    assert len(accepted) == len(set(accepted))


async def test_an_answer_lost_in_a_crash_is_found_by_the_key(
    client: ApiVideoClient, emu: Emulator, make_items: MakeItems, ledger: Ledger
) -> None:
    [item] = make_items(1)
    context = context_of(client, ledger)
    claim = await claimed(context, item)
    await ledger.creating(claim, item.size or 0, None, "stream")
    await client.videos.create(title="x", idempotency_key=item.key)  # The process dies here.
    await ledger.expire()
    again = await context.lease_keeper.claim_key(item.key)
    assert again is not None
    assert again.contested
    assert (await ingest_one(again, context)).outcome == "done"
    assert_exactly_once(emu, [item])


async def test_the_empty_container_of_a_lost_worker_is_deleted(
    client: ApiVideoClient, emu: Emulator, make_items: MakeItems, ledger: Ledger
) -> None:
    [item] = make_items(1)
    context = context_of(client, ledger)
    await ledger.creating(await claimed(context, item), item.size or 0, None, "stream")
    for _ in range(2):  # Two workers, both lost before they could note the id.
        marked = {"ingestKey": item.key, "ingestLedger": await ledger.mark()}
        await client.videos.create(title="x", metadata=marked)
    await ledger.expire()
    again = await context.lease_keeper.claim_key(item.key)
    assert again is not None
    assert (await ingest_one(again, context)).outcome == "done"
    assert_exactly_once(emu, [item])


async def test_of_two_workers_that_create_the_first_to_note_its_id_wins(
    client: ApiVideoClient, emu: Emulator, make_items: MakeItems, ledger: Ledger
) -> None:
    """A worker frozen during its creation request learns the other id and removes its container."""
    [item] = make_items(1)
    frozen, other = context_of(client, ledger), context_of(client, ledger)
    claim = await claimed(frozen, item)
    await ledger.creating(claim, item.size or 0, None, "stream")
    await ledger.expire()
    taken = await other.lease_keeper.claim_key(item.key)
    assert taken is not None
    # The container of the frozen worker may not be listed yet.
    waiting = await ingest_one(taken, other)
    assert waiting.outcome == "later"
    await asyncio.sleep(waiting.delay + 0.1)
    taken = await other.lease_keeper.claim_key(item.key)
    assert taken is not None
    assert (await ingest_one(taken, other)).outcome == "done"

    thawed = await client.videos.create(title="late", metadata={"ingestKey": item.key})
    counts = await ledger.created(claim, thawed.video_id)
    assert counts == (await ledger.record(item.key)).video_id  # type: ignore[union-attr]
    assert counts != thawed.video_id
    with pytest.raises(LeaseLostError):
        await ledger.uploading(claim)


async def test_two_containers_that_claim_a_key_are_left_to_a_person(
    client: ApiVideoClient, emu: Emulator, make_items: MakeItems, ledger: Ledger
) -> None:
    [item] = make_items(1)
    ids = {
        (await client.videos.create(title="x", metadata={"ingestKey": item.key})).video_id
        for _ in range(2)
    }
    context = context_of(client, ledger)
    result = await ingest_one(await claimed(context, item), context)
    record = await ledger.record(item.key)
    assert (result.outcome, record and record.state, record and record.cause) == (
        "quarantined",
        "quarantined",
        "duplicate",
    )
    assert all(video_id in str(result.error) for video_id in ids)
    assert set(emu.state.videos) == ids
    await client.videos.delete(ids.pop())
    assert await ledger.retry(["quarantined"]) == [item.key]
    again = await context.lease_keeper.claim_key(item.key)
    assert again is not None
    assert (await ingest_one(again, context)).outcome == "done"
    assert_exactly_once(emu, [item])


async def test_a_container_that_is_gone_is_made_again(
    client: ApiVideoClient, emu: Emulator, make_items: MakeItems, tmp_path: Path
) -> None:
    items = make_items(1)
    async with Ingest(client, tmp_path / "l.db", options=QUICK_OPTIONS) as ingest:
        await ingest.add(items)
        context = context_of(client, ingest.ledger)  # type: ignore[arg-type]
        claim = await context.lease_keeper.claim_key(items[0].key)
        assert claim is not None
        video = await client.videos.create(title="x", idempotency_key=items[0].key)
        await ingest.ledger.creating(claim, items[0].size or 0, None, "stream")
        await ingest.ledger.created(claim, video.video_id)
        await client.videos.delete(video.video_id)
        await ingest.ledger.release(claim)
        assert [result.outcome for result in await all_of(ingest)] == ["later", "done"]
    assert_exactly_once(emu, items)


async def test_who_lost_the_lease_sends_nothing_more(
    client: ApiVideoClient, emu: Emulator, make_items: MakeItems, ledger: Ledger
) -> None:
    [item] = make_items(1, 400_000)
    slow, other = context_of(client, ledger, IngestOptions(lease=0.2)), context_of(client, ledger)
    claim = await claimed(slow, item)
    emu.faults.add(Fault("videos.upload", "delay", nth=1, seconds=0.6))
    working = asyncio.create_task(ingest_one(claim, slow))
    taken = None
    while taken is None:
        await asyncio.sleep(0.02)
        taken = await other.lease_keeper.claim_key(item.key)
    sent = len([one for one in emu.requests if one.operation == "videos.upload"])
    assert (await working).outcome == "lost"
    assert len([one for one in emu.requests if one.operation == "videos.upload"]) == sent
    assert (await ingest_one(taken, other)).outcome == "done"
    assert_exactly_once(emu, [item])


async def test_a_lease_that_is_kept_outlasts_its_seconds(
    client: ApiVideoClient, make_items: MakeItems, ledger: Ledger
) -> None:
    [item] = make_items(1)
    lease_keeper = LeaseKeeper(ledger, "owner", 0.3)
    await ledger.add([item])
    claim = await lease_keeper.claim_key(item.key)
    assert claim is not None
    keeping = asyncio.create_task(lease_keeper.run())
    await asyncio.sleep(0.6)
    assert await ledger.claim_key("thief", item.key, 1.0) is None
    await lease_keeper.check(claim)
    keeping.cancel()
    await lease_keeper.release_all()
    assert await ledger.claim_key("next", item.key, 1.0) is not None
    with pytest.raises(LeaseLostError):
        await lease_keeper.check(claim)


async def test_what_cannot_work_fails_at_once_and_stops_nothing(
    client: ApiVideoClient, emu: Emulator, make_items: MakeItems, tmp_path: Path
) -> None:
    items = make_items(5)
    items[2] = evolve(items[2], size=None)  # Nobody has seen it.
    Path(items[2].uri).unlink()
    async with Ingest(client, tmp_path / "l.db", options=QUICK_OPTIONS) as ingest:
        results = await all_of(ingest, items)
        assert sorted(result.outcome for result in results) == ["done"] * 4 + ["failed"]
        [record] = [record async for record in ingest.ledger.records(("failed",))]
        assert record.item == items[2]
        assert record.message
        assert "no such file" in record.message
        Path(items[2].uri).write_bytes(b"x")
        assert await ingest.ledger.retry() == [items[2].key]
        assert [result.outcome for result in await all_of(ingest)] == ["done"]
    assert_exactly_once(emu, items)


async def test_what_may_pass_is_tried_so_often_and_no_more(
    emu: Emulator, make_items: MakeItems, tmp_path: Path
) -> None:
    items = make_items(1, 100)
    emu.faults.add(Fault("videos.upload", "status", status=503, times=None))
    brief = IngestOptions(first_delay=0.01, attempts=3)
    once = RetryPolicy(attempts=1)
    async with ApiVideoClient(
        emu.api_key, base_url=emu.url, retry=once, upload=options()
    ) as client:
        async with Ingest(client, tmp_path / "l.db", options=brief) as ingest:
            assert [result.outcome for result in await all_of(ingest, items)] == [
                "later",
                "later",
                "failed",
            ]
            [record] = await records_of(ingest.ledger)
            assert (record.attempts, record.state) == (3, "failed")
            emu.faults.clear()
            await ingest.ledger.retry()
            assert [result.outcome for result in await all_of(ingest)] == ["done"]
    assert_exactly_once(emu, items)


async def test_who_found_no_budget_in_time_is_tried_again(
    make_items: MakeItems, tmp_path: Path
) -> None:
    items = make_items(4, 100)
    impatient = RetryPolicy(rate_limit_seconds=0.05)
    limits = {"uploads": 100, "writes": 2, "reads": 100}
    async with Emulator(rate_limits=limits, rate_window=0.5) as emu:
        async with ApiVideoClient(emu.api_key, base_url=emu.url, retry=impatient) as client:
            patient = IngestOptions(first_delay=0.2, longest_delay=0.5, attempts=30)
            async with Ingest(client, tmp_path / "l.db", options=patient) as ingest:
                results = await all_of(ingest, items)
                assert "later" in [result.outcome for result in results]
                # A creation that was not sent leaves no container to wait for.
                assert max(result.delay for result in results) <= 0.5
                assert not any([record.contested async for record in ingest.ledger.records()])
                assert (await ingest.totals()).items == {"done": 4}
        assert_exactly_once(emu, items)


async def test_a_defect_fails_its_item_and_no_other(
    client: ApiVideoClient, emu: Emulator, make_items: MakeItems, tmp_path: Path
) -> None:
    items = make_items(4)

    class Broken(Stores):
        async def open(self, item: Item) -> Any:
            if item == items[1]:
                raise RuntimeError("nobody thought of this")
            return await super().open(item)

    async with Ingest(client, tmp_path / "l.db", options=QUICK_OPTIONS, stores=Broken()) as ingest:
        results = await all_of(ingest, items)
        assert sorted(result.outcome for result in results) == ["done", "done", "done", "failed"]
        [record] = [record async for record in ingest.ledger.records(("failed",))]
        assert (record.item, record.cause) == (items[1], "defect")
        assert "nobody thought of this" in (record.message or "")


async def test_requests_and_refusals_are_written_down(
    client: ApiVideoClient, emu: Emulator, make_items: MakeItems, tmp_path: Path
) -> None:
    emu.faults.add(Fault("videos.upload", "rate-limit", nth=2, retry_after=0.1))
    async with Ingest(client, tmp_path / "l.db", options=QUICK_OPTIONS) as ingest:
        await all_of(ingest, make_items(3, 100))
        usage = await ingest.ledger.usage()
    assert client.budget("uploads").refused == 1
    for name, requests, refused in (("uploads", 4, 1), ("writes", 3, 0)):
        mine = [one for one in usage if one.limit_class == name]
        assert (sum(one.requests for one in mine), sum(one.refused for one in mine)) == (
            requests,
            refused,
        )


async def test_a_wrong_key_ends_the_run_and_loses_nothing(
    client: ApiVideoClient, emu: Emulator, make_items: MakeItems, tmp_path: Path
) -> None:
    items = make_items(5)
    async with ApiVideoClient("wrong", base_url=emu.url, retry=QUICK) as stranger:
        async with Ingest(stranger, tmp_path / "l.db", options=QUICK_OPTIONS) as ingest:
            with pytest.raises(AuthenticationError):
                await all_of(ingest, items)
    async with Ingest(client, tmp_path / "l.db", options=QUICK_OPTIONS) as ingest:
        assert (await ingest.totals()).open == 5
        await all_of(ingest)
    assert_exactly_once(emu, items)


async def test_the_key_can_be_dropped_at_the_end(
    client: ApiVideoClient, emu: Emulator, tmp_path: Path
) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"video")
    dropping = IngestOptions(keep_key=False)
    async with Ingest(client, tmp_path / "l.db", options=dropping) as ingest:
        [result] = await all_of(
            ingest, [item_of(path, metadata={"lang": "fr"}, tags=["a"], title="A")]
        )
        assert result.video_id is not None
        video = await client.videos.get(result.video_id)
        assert (video.title, list(video.tags), dict(video.metadata)) == ("A", ["a"], {"lang": "fr"})


async def test_a_ledger_belongs_to_one_server(client: ApiVideoClient, tmp_path: Path) -> None:
    async with Ingest(client, tmp_path / "l.db"):
        pass
    async with Emulator() as other, ApiVideoClient(other.api_key, base_url=other.url) as stranger:
        with pytest.raises(LedgerError, match="belongs to"):
            async with Ingest(stranger, tmp_path / "l.db"):
                pass


async def test_one_process_works_with_a_ledger_at_a_time(
    client: ApiVideoClient, make_items: MakeItems, tmp_path: Path
) -> None:
    async with (
        Ingest(client, tmp_path / "l.db") as first,
        Ingest(client, tmp_path / "l.db") as second,
    ):
        run = first.run(make_items(3))
        await anext(aiter(run))
        with pytest.raises(LedgerError, match="another run"):
            await all_of(second)
        assert (await second.totals()).count() == 3
        await run.aclose()
