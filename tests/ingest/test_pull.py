"""Pulls, and items with an existing container: complete videos are done, and no video is lost.

The package deletes a video on its own only in ``Containers.remove``; see
``test_videos_are_deleted_in_one_place_only``.
"""

import ast
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from apivideo_async import ApiVideoClient
from apivideo_async.emulator import Emulator, Fault
from apivideo_async.ingest.container import Containers
from apivideo_async.ingest.ingestion import Ingest
from apivideo_async.ingest.item_run import IngestContext, ingest_one
from apivideo_async.ingest.items import Item, Record
from apivideo_async.ingest.ledger.ledger import Ledger
from apivideo_async.ingest.options import IngestOptions
from apivideo_async.ingest.stores.stores import Stores
from apivideo_async.models import VideoStatus, from_json
from apivideo_async.uploads.content import content_of
from tests.conftest import CHUNK, sha256

from .ingesting import QUICK_OPTIONS, MakeItems, all_of, context_of, records_of

PACKAGE = Path(__file__).parents[2] / "apivideo_async"
NOWHERE = "http://127.0.0.1:9"
"""Sources that the emulator cannot fetch: their containers stay at "ingesting"."""
IDLE = {"playable": False, "qualities": []}


class Signing(Stores):
    """Local files that a web server hands out."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self._base = base

    async def open(self, item: Item) -> Any:
        source = await super().open(item)
        base = self._base

        async def pull_url(seconds: float) -> str:
            return f"{base}/{Path(item.uri).name}"

        source.pull_url = pull_url  # type: ignore[method-assign]
        return source


@pytest.fixture
async def served(tmp_path: Path) -> Any:
    (tmp_path / "videos").mkdir()
    app = web.Application()
    app.router.add_static("/", tmp_path / "videos")
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


def quick_options(strategy: Any, seconds: float = 0.05) -> IngestOptions:
    return IngestOptions(strategy=strategy, pull_timeout=seconds, first_delay=0.01, attempts=2)


async def ingested(
    client: ApiVideoClient, path: Path, options: IngestOptions, items: Any, base: str = NOWHERE
) -> Any:
    """Run an ingestion with this ledger; the last result."""
    async with Ingest(client, path, options=options, stores=Signing(base)) as ingest:
        return (await all_of(ingest, items))[-1]


async def retried(
    client: ApiVideoClient, path: Path, options: IngestOptions, base: str = NOWHERE
) -> Any:
    async with Ingest(client, path, options=options, stores=Signing(base)) as ingest:
        assert len(await ingest.ledger.retry(("failed", "quarantined"))) == 1
        return (await all_of(ingest))[-1]


def assert_only(emu: Emulator, video_id: str | None, item: Item) -> None:
    """There is one video, with the bytes of the source, and no request deleted one."""
    assert list(emu.state.videos) == [video_id]
    assert emu.sha256(str(video_id)) == sha256(Path(item.uri).read_bytes())
    assert "videos.delete" not in [request.operation for request in emu.requests]


def kept(emu: Emulator, *video_ids: str) -> bool:
    return set(emu.state.videos) >= set(video_ids) and all(
        one.operation != "videos.delete" for one in emu.requests
    )


# -- pull


@pytest.mark.parametrize("strategy", ["pull", "auto"])
async def test_pull_takes_one_write_and_no_upload_request(
    client: ApiVideoClient,
    emu: Emulator,
    make_items: MakeItems,
    tmp_path: Path,
    served: str,
    strategy: Any,
) -> None:
    items = make_items(10)
    pulling = IngestOptions(strategy=strategy)
    async with Ingest(client, tmp_path / "l.db", options=pulling, stores=Signing(served)) as ingest:
        results = await all_of(ingest, items)
        assert {result.outcome for result in results} <= {"done", "later"}
        assert (await ingest.totals()).items == {"done": 10}
        assert (await ingest.totals()).sent == 0
    assert len(emu.state.videos) == 10
    for result in results:
        if result.outcome == "done":
            assert emu.sha256(str(result.video_id)) == sha256(Path(result.item.uri).read_bytes())
    operations = [request.operation for request in emu.requests]
    assert operations.count("videos.create") == 10
    assert "videos.upload" not in operations


async def test_a_pull_that_does_not_happen_is_said_and_can_be_tried_again(
    client: ApiVideoClient, emu: Emulator, make_items: MakeItems, tmp_path: Path, served: str
) -> None:
    """The container may be receiving bytes, so it is kept; a retry replaces an empty one."""
    items = make_items(1)
    result = await ingested(client, tmp_path / "l.db", quick_options("pull"), items)
    assert result.outcome == "failed"
    assert "did not fetch" in str(result.error)
    assert result.video_id in str(result.error)
    assert kept(emu, result.video_id)
    again = await retried(client, tmp_path / "l.db", quick_options("pull", 5), served)
    assert again.outcome == "done"
    assert list(emu.state.videos) == [again.video_id]
    assert emu.sha256(again.video_id) == sha256(Path(items[0].uri).read_bytes())


async def test_a_retried_pull_that_was_fetched_meanwhile_is_done(
    client: ApiVideoClient, emu: Emulator, make_items: MakeItems, tmp_path: Path, served: str
) -> None:
    [item] = make_items(1)
    emu.faults.add(
        Fault("videos.get_status", "status", status=200, body=status("ingesting"), times=None)
    )
    result = await ingested(client, tmp_path / "l.db", quick_options("pull"), [item], served)
    assert result.outcome == "failed"
    emu.faults.clear()
    assert (
        await retried(client, tmp_path / "l.db", quick_options("pull"), served)
    ).outcome == "done"
    assert_only(emu, result.video_id, item)


@pytest.mark.parametrize("strategy", ["pull", "auto"])
async def test_a_video_that_was_streamed_is_done_for_a_pull_from_another_ledger(
    client: ApiVideoClient, emu: Emulator, make_items: MakeItems, tmp_path: Path, strategy: Any
) -> None:
    items = make_items(1)
    first = await ingested(client, tmp_path / "first.db", QUICK_OPTIONS, items)
    second = await ingested(client, tmp_path / "second.db", quick_options(strategy), items)
    assert (second.outcome, second.video_id) == ("done", first.video_id)
    assert_only(emu, first.video_id, items[0])


@pytest.mark.parametrize("strategy", ["pull", "auto"])
async def test_an_upload_that_was_begun_elsewhere_is_completed_and_not_deleted(
    client: ApiVideoClient, emu: Emulator, make_items: MakeItems, tmp_path: Path, strategy: Any
) -> None:
    [item] = make_items(1, 3 * CHUNK + 17)
    refusal = Fault(
        "videos.upload",
        "status",
        status=400,
        body={"title": "no", "type": "x/no"},
        nth=2,
        times=None,
    )
    emu.faults.add(refusal)
    one = IngestOptions(first_delay=0.01, longest_delay=0.05, attempts=1)
    first = await ingested(client, tmp_path / "first.db", one, [item])
    assert first.outcome == "failed"
    emu.faults.clear()
    second = await ingested(client, tmp_path / "second.db", quick_options(strategy), [item])
    assert (second.outcome, second.video_id) == ("done", first.video_id)
    assert_only(emu, first.video_id, item)


async def test_a_video_that_was_pulled_is_done_for_a_stream(
    client: ApiVideoClient, emu: Emulator, make_items: MakeItems, tmp_path: Path, served: str
) -> None:
    [item] = make_items(1)
    first = await ingested(client, tmp_path / "first.db", quick_options("pull", 5), [item], served)
    second = await ingested(client, tmp_path / "second.db", QUICK_OPTIONS, [item], served)
    assert (second.outcome, second.video_id) == ("done", first.video_id)
    assert_only(emu, first.video_id, item)
    assert "videos.upload" not in [request.operation for request in emu.requests]


@pytest.mark.parametrize("strategy", ["stream", "pull", "auto"])
async def test_a_video_that_is_being_fetched_for_another_ledger_is_waited_for_and_kept(
    client: ApiVideoClient, emu: Emulator, make_items: MakeItems, tmp_path: Path, strategy: Any
) -> None:
    """Also after a retry: it was not created by this ledger."""
    [item] = make_items(1)
    video = await client.videos.create(
        title="x", source=f"{NOWHERE}/x.mp4", idempotency_key=item.key
    )
    first = await ingested(client, tmp_path / "l.db", quick_options(strategy), [item])
    again = await retried(client, tmp_path / "l.db", quick_options(strategy))
    for result in (first, again):
        assert (result.outcome, result.video_id) == ("failed", video.video_id)
        assert "did not fetch" in str(result.error)
    assert kept(emu, video.video_id)
    assert "videos.upload" not in [request.operation for request in emu.requests]


@pytest.mark.parametrize("strategy", ["stream", "pull", "auto"])
async def test_a_video_of_another_size_is_an_error_and_is_kept(
    client: ApiVideoClient, emu: Emulator, make_items: MakeItems, tmp_path: Path, strategy: Any
) -> None:
    [item] = make_items(1, 5_000)
    video = await client.videos.create(title="x", idempotency_key=item.key)
    await client.videos.upload(video.video_id, b"other bytes")
    result = await ingested(client, tmp_path / "l.db", quick_options(strategy), [item])
    assert result.outcome == "failed"
    assert "has 5,000 bytes" in str(result.error)
    assert "has 11 bytes" in str(result.error)
    assert emu.sha256(video.video_id) == sha256(b"other bytes")
    assert kept(emu, video.video_id)


@pytest.mark.parametrize("code", [503, 404, 200])
async def test_a_status_that_cannot_be_read_deletes_nothing(
    client: ApiVideoClient, emu: Emulator, make_items: MakeItems, tmp_path: Path, code: int
) -> None:
    """Neither when the pull is given up nor when the user retries it."""
    [item] = make_items(1)
    unreadable = Fault(
        "videos.get_status", "status", status=code, body={"status": code}, times=None
    )
    emu.faults.add(unreadable)
    for turn in (
        ingested(client, tmp_path / "l.db", quick_options("pull"), [item]),
        retried(client, tmp_path / "l.db", quick_options("pull")),
    ):
        assert (await turn).outcome == "failed"
    assert len(emu.state.videos) == 1
    assert kept(emu)


def status(name: str, **more: Any) -> dict[str, Any]:
    return {
        "ingest": {"status": name, "filesize": None, "receivedBytes": [], **more},
        "encoding": IDLE,
    }


@pytest.mark.parametrize(
    "shown",
    [
        {
            "ingest": None,
            "encoding": {**IDLE, "qualities": [{"quality": "240p", "status": "waiting"}]},
        },
        {"ingest": None, "encoding": {**IDLE, "playable": True}},
        {"ingest": None},
        {"ingest": "garbage", "encoding": IDLE},
        {},
        status("ingesting", filesize=7),
        status("ingesting", progress=50),
        status("uploading"),
        status("uploading", receivedBytes=[{"from": 0, "to": 6, "total": 9}]),
        status("uploading", receivedParts={"parts": [1], "total": None}),
        status("a new word"),
        status("uploaded"),
    ],
)
async def test_a_container_that_may_hold_bytes_is_not_removed(
    client: ApiVideoClient,
    emu: Emulator,
    ledger: Ledger,
    make_items: MakeItems,
    shown: dict[str, Any],
) -> None:
    """Not even one that carries the mark of this ledger."""
    [item] = make_items(1)
    containers = await containers_of(client, ledger, item)
    video = (await containers.create("x", {})).video
    emu.faults.add(Fault("videos.get_status", "status", status=200, body=shown, times=None))
    assert not await containers.remove(video.video_id)
    assert not await containers.remove(video.video_id, unfilled=True)
    assert kept(emu, video.video_id)
    emu.faults.clear()
    assert await containers.remove(video.video_id)
    assert emu.state.videos == {}
    assert await containers.remove(video.video_id), "a container that is gone is removed"


@pytest.mark.parametrize("pairs", [{}, {"ingestLedger": "another"}, {"ingestKey": "another"}])
async def test_a_container_that_this_ledger_did_not_create_is_not_removed(
    client: ApiVideoClient,
    emu: Emulator,
    ledger: Ledger,
    make_items: MakeItems,
    pairs: dict[str, str],
) -> None:
    [item] = make_items(1)
    containers = await containers_of(client, ledger, item)
    mark = {"ingestLedger": await ledger.mark()} if "ingestKey" in pairs else {}
    video = await client.videos.create(title="x", metadata={"ingestKey": item.key, **mark, **pairs})
    assert not await containers.remove(video.video_id)
    assert kept(emu, video.video_id)


async def containers_of(client: ApiVideoClient, ledger: Ledger, item: Item) -> Containers:
    return Containers(client, ledger, await claimed(context_of(client, ledger), item))


async def claimed(context: IngestContext, item: Item) -> Record:
    await context.ledger.add([item])
    claim = await context.lease_keeper.claim_key(item.key)
    assert claim is not None
    return claim


# -- several containers


async def contested(
    client: ApiVideoClient, ledger: Ledger, item: Item
) -> tuple[Record, IngestContext]:
    """Claim an item whose first worker was lost while it created the container."""
    context = context_of(client, ledger)
    await ledger.creating(await claimed(context, item), item.size or 0, None, "stream")
    await ledger.expire()
    claim = await context.lease_keeper.claim_key(item.key)
    assert claim is not None
    return claim, context


async def test_empty_containers_of_other_ledgers_are_left_to_a_person(
    client: ApiVideoClient, emu: Emulator, ledger: Ledger, make_items: MakeItems
) -> None:
    [item] = make_items(1)
    claim, context = await contested(client, ledger, item)
    pairs = {"ingestKey": item.key, "ingestLedger": "another"}
    ids = {(await client.videos.create(title="x", metadata=pairs)).video_id for _ in range(2)}
    result = await ingest_one(claim, context)
    assert result.outcome == "quarantined"
    assert all(video_id in str(result.error) for video_id in ids)
    assert kept(emu, *ids)


async def test_what_a_lost_worker_left_is_deleted_and_what_another_ledger_created_is_used(
    client: ApiVideoClient, emu: Emulator, ledger: Ledger, make_items: MakeItems
) -> None:
    [item] = make_items(1)
    claim, context = await contested(client, ledger, item)
    other = await client.videos.create(title="x", metadata={"ingestKey": item.key})
    await client.videos.create(
        title="x", metadata={"ingestKey": item.key, "ingestLedger": await ledger.mark()}
    )
    result = await ingest_one(claim, context)
    assert (result.outcome, result.video_id) == ("done", other.video_id)
    assert list(emu.state.videos) == [other.video_id]


@pytest.mark.parametrize("ours", [True, False])
async def test_who_loses_the_race_deletes_its_own_container_and_no_other(
    client: ApiVideoClient,
    emu: Emulator,
    ledger: Ledger,
    make_items: MakeItems,
    monkeypatch: pytest.MonkeyPatch,
    ours: bool,
) -> None:
    """Another worker of the ledger records its container after ours was created."""
    [item] = make_items(1)
    context = context_of(client, ledger)
    claim = await claimed(context, item)
    if not ours:  # What this worker finds by the key was created elsewhere.
        await client.videos.create(title="x", idempotency_key=item.key)
    enter = ledger.created

    async def late(claim: Record, video_id: str) -> str:
        monkeypatch.undo()
        first = await client.videos.create(title="first")
        assert await enter(claim, first.video_id) == first.video_id
        return await enter(claim, video_id)

    monkeypatch.setattr(ledger, "created", late)
    result = await ingest_one(claim, context)
    record = await ledger.record(item.key)
    assert record is not None
    if ours:
        assert (result.outcome, list(emu.state.videos)) == ("done", [record.video_id])
    else:
        assert result.outcome == "quarantined"
        assert len(emu.state.videos) == 2
        assert kept(emu)


# -- the rules


@pytest.mark.parametrize(
    ("answer", "state", "size"),
    [
        ({"ingest": None, "encoding": IDLE}, "empty", None),
        (status("uploaded", filesize=7), "complete", 7),
        (status("uploaded"), "complete", None),
        (status("uploaded", receivedBytes=[{"from": 0, "to": 6, "total": 7}]), "complete", 7),
        (status("ingested", filesize=7), "complete", 7),
        (status("merging", filesize=7), "complete", 7),
        (status("last_chunck_uploaded", filesize=7), "complete", 7),
        ({**status("a new word", filesize=7), "encoding": {"playable": True}}, "complete", 7),
        ({"ingest": None, "encoding": {"playable": True}}, "complete", None),
        (status("uploading"), "uploading", None),
        (status("ingesting", receivedParts={"parts": [2]}), "uploading", None),
        (status("ingesting"), "fetching", None),
        ({"ingest": {"status": "ingesting"}}, "fetching", None),
        (status("a new word"), "unknown", None),
        (status("missing"), "unknown", None),
        ({"ingest": None, "encoding": {**IDLE, "qualities": "garbage"}}, "unknown", None),
        ({"ingest": None, "encoding": {"qualities": []}}, "unknown", None),
        ({"ingest": {"status": 5}, "encoding": IDLE}, "unknown", None),
    ],
)
def test_only_a_status_that_says_so_means_empty_or_complete(
    answer: dict[str, Any], state: str, size: int | None
) -> None:
    content = content_of(from_json(answer, VideoStatus))
    assert (content.state, content.size) == (state, size)


def test_videos_are_deleted_in_one_place_only() -> None:
    """Except on an order of the user (``videos.delete`` and the command), also listed here."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        module = path.relative_to(PACKAGE).as_posix()
        text = path.read_text()
        if module.startswith("emulator/") or "delete" not in text.lower():
            continue
        for function in ast.walk(ast.parse(text)):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                found |= {
                    (module, function.name) for node in ast.walk(function) if deletes_a_video(node)
                }
    assert found == {
        ("ingest/earlier.py", "delete_replaced"),  # The option ``on_change``.
        ("resources/_containers.py", "remove"),
        ("resources/videos.py", "delete"),
        ("cli/crud/bulk.py", "delete_command"),  # Of any kind of thing, after a confirmation.
        ("cli/crud/bulk.py", "command"),
        ("cli/crud/bulk.py", "delete_object"),
        ("resources/_resource.py", "_delete"),  # Sends the DELETE for the methods of the resources.
        ("resources/live_streams.py", "delete_thumbnail"),
        ("conformance/service.py", "delete_path"),  # Only what carries the tag of a check.
    }


def deletes_a_video(node: ast.AST) -> bool:
    """Recognise ``….videos.delete``, calls of ``delete`` by its name, and requests that DELETE."""
    if isinstance(node, ast.Attribute) and node.attr == "delete":
        owner = node.value
        return (
            owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
        ) == "videos"
    if isinstance(node, ast.Call):
        texts = [one.value for one in node.args if isinstance(one, ast.Constant)]
        return any(text in ("delete", "DELETE", "videos.delete") for text in texts)
    return False


async def test_a_failed_pull_keeps_its_container_in_the_ledger_and_forgets_its_transfer(
    client: ApiVideoClient, make_items: MakeItems, tmp_path: Path
) -> None:
    async with Ingest(
        client, tmp_path / "l.db", options=quick_options("pull"), stores=Signing(NOWHERE)
    ) as ingest:
        [*_, result] = await all_of(ingest, make_items(1))
        [record] = await records_of(ingest.ledger)
        assert (record.state, record.cause, record.transfer) == ("failed", "pull", None)
        assert record.video_id == result.video_id


async def test_no_message_shows_the_signature_of_an_address(
    client: ApiVideoClient, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    uri = "http://127.0.0.1:9/a.mp4?X-Amz-Signature=abcdef"
    item = Item(key="k", uri=uri, size=5, strategy="pull")
    quick_options = IngestOptions(strategy="pull", pull_timeout=0.01, attempts=1)

    class Blind(Stores):
        async def open(self, item: Item) -> Any:
            raise RuntimeError("a defect")

    with caplog.at_level("DEBUG"):
        for stores in (Stores(), Blind()):
            async with (
                stores,
                Ingest(client, tmp_path / "l.db", options=quick_options, stores=stores) as ingest,
            ):
                await all_of(ingest, [item])
                [record] = await records_of(ingest.ledger)
                assert record.state == "failed"
                assert "abcdef" not in repr(record)
                await ingest.ledger.retry()
    assert "abcdef" not in caplog.text


async def test_pull_of_a_local_file_says_what_to_do(
    client: ApiVideoClient, make_items: MakeItems, tmp_path: Path
) -> None:
    async with Ingest(client, tmp_path / "l.db", options=IngestOptions(strategy="pull")) as ingest:
        [result] = await all_of(ingest, make_items(1))
        assert result.outcome == "failed"
        assert "use the strategy stream" in str(result.error)
