"""Uploads end to end: right bytes from every kind of source, in both modes, at every boundary."""

import asyncio
import io
import tempfile
import traceback
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

import apivideo_async
from apivideo_async import (
    ApiVideoClient,
    ConfigurationError,
    NotFoundError,
    Source,
    SourceError,
    UploadError,
    UploadProgress,
)
from apivideo_async.emulator import Emulator, Fault
from tests.conftest import CHUNK, blocks_of, data_of, options, sha256

PACKAGE = str(Path(apivideo_async.__file__).parent)
SIZES = [1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 1]


def uploads(emu: Emulator) -> list[Any]:
    """The upload requests that were answered. The server notices an aborted request later."""
    return [
        r for r in emu.requests if r.operation.startswith("videos.upload") and r.status is not None
    ]


@pytest.mark.parametrize("mode", ["bytes", "part"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", ["path", "bytes", "stream", "token"])
async def test_every_size_arrives_whole(
    emu: Emulator, client: ApiVideoClient, tmp_path: Path, size: int, mode: str, kind: str
) -> None:
    data = data_of(size)
    path = tmp_path / "clip.mp4"
    path.write_bytes(data)
    how = options(mode=mode)
    if kind == "token":
        token = await client.upload_tokens.create()
        video = await client.videos.upload_with_token(token.token, path, options=how)
    else:
        given: dict[str, Any] = {"path": path, "bytes": data, "stream": blocks_of(data, 10_007)}
        video = await client.upload(given[kind], title="t", options=how)
    assert emu.sha256(video.video_id) == sha256(data)
    assert len({record.video_id for record in uploads(emu)}) == 1
    headers = [record.content_range for record in uploads(emu)]
    if size <= CHUNK:
        assert headers == [None], "what fits one chunk goes as one plain request"
    else:
        assert len(headers) == -(-size // CHUNK)
        assert all(header.startswith(mode) for header in headers)


@pytest.mark.parametrize("mode", ["bytes", "part"])
async def test_an_empty_source_is_refused_before_any_request(
    emu: Emulator, client: ApiVideoClient, tmp_path: Path, mode: str
) -> None:
    path = tmp_path / "empty.mp4"
    path.touch()
    for empty in (path, b"", io.BytesIO()):
        with pytest.raises(SourceError, match="empty"):
            await client.upload(empty, title="t", options=options(mode=mode))
    assert emu.requests == []


async def test_an_empty_stream_is_an_error_and_not_a_silent_success(
    emu: Emulator, client: ApiVideoClient
) -> None:
    with pytest.raises(SourceError, match="empty") as caught:
        await client.upload(blocks_of(b"", 1), title="t")
    assert caught.value.video_id is None
    assert emu.requests == []
    with pytest.raises(SourceError, match="empty") as caught:
        await client.videos.upload("viAny", blocks_of(b"", 1))
    assert caught.value.video_id == "viAny"


class Web:
    """What web frameworks give: ``async read(n)`` and a file name."""

    filename = "from-the-web.mp4"

    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)

    async def read(self, size: int = -1) -> bytes:
        return self._file.read(min(size, 5_000))


class Ranged(Source):
    name = "ranged.mp4"

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.size = len(data)

    async def read(self, start: int, size: int) -> AsyncIterator[bytes]:
        for position in range(start, start + size, 3_000):
            yield self._data[position : min(position + 3_000, start + size)]


class Pipe(io.RawIOBase):
    """A binary file that cannot seek."""

    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._file.readinto(buffer)


def spooled(data: bytes) -> Any:
    handle = tempfile.SpooledTemporaryFile()
    handle.write(data)
    handle.seek(0)
    return handle


def opened(data: bytes) -> Any:
    handle = tempfile.NamedTemporaryFile(suffix=".mp4")
    handle.write(data)
    handle.seek(0)
    return handle


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(bytearray, id="bytearray"),
        pytest.param(memoryview, id="memoryview"),
        pytest.param(io.BytesIO, id="BytesIO"),
        pytest.param(spooled, id="spooled file"),
        pytest.param(opened, id="open file"),
        pytest.param(lambda data: io.BufferedReader(Pipe(data)), id="pipe"),
        pytest.param(Web, id="async read"),
        pytest.param(Ranged, id="own source"),
    ],
)
async def test_every_kind_of_source_arrives_whole(
    emu: Emulator, client: ApiVideoClient, make: Callable[[bytes], Any]
) -> None:
    data = data_of(5 * CHUNK + 17)
    source = make(data)
    video = await client.upload(source, title="t")
    assert emu.sha256(video.video_id) == sha256(data)
    if hasattr(source, "close"):
        assert not source.closed, "what the caller opened, the caller closes"
        source.close()


async def test_an_open_file_is_read_from_where_it_stands(
    emu: Emulator, client: ApiVideoClient
) -> None:
    data = data_of(3 * CHUNK)
    for handle in (opened(data), io.BytesIO(data)):
        handle.seek(1_000)
        video = await client.upload(handle, title="t")
        assert emu.sha256(video.video_id) == sha256(data[1_000:])
        assert handle.tell() in (1_000, len(data)), "a borrowed descriptor keeps its position"
        handle.close()


async def test_a_file_at_its_end_says_what_to_do(client: ApiVideoClient) -> None:
    handle = io.BytesIO(b"x" * 10)
    handle.read()
    with pytest.raises(SourceError, match=r"seek\(0\)"):
        await client.upload(handle, title="t")


@pytest.mark.parametrize(
    ("source", "words"),
    [
        pytest.param("nowhere.mp4", "no such file", id="missing"),
        pytest.param(Path("/"), "is a directory", id="directory"),
        pytest.param(io.StringIO("text"), "'rb'", id="text mode"),
    ],
)
async def test_an_unusable_source_is_refused_before_any_request(
    emu: Emulator, client: ApiVideoClient, source: Any, words: str
) -> None:
    with pytest.raises(SourceError, match=words):
        await client.upload(source, title="t")
    assert emu.requests == []


async def test_a_file_above_the_protocol_limit_is_refused_before_any_request(
    emu: Emulator, client: ApiVideoClient, tmp_path: Path
) -> None:
    path = tmp_path / "huge.mp4"
    with path.open("wb") as handle:
        handle.truncate(52_428_800_001)
    with pytest.raises(SourceError, match="at most 52,428,800,000"):
        await client.upload(path, title="t", options=options(chunk_size=None))
    assert emu.requests == []


async def test_what_is_no_source_is_a_configuration_error(client: ApiVideoClient) -> None:
    with pytest.raises(ConfigurationError, match="not int"):
        await client.upload(7, title="t")  # type: ignore[arg-type]


async def test_bytes_are_required_of_a_stream(client: ApiVideoClient) -> None:
    async def words() -> AsyncIterator[Any]:
        yield "text"

    with pytest.raises(SourceError, match="binary mode"):
        await client.upload(words(), title="t")


async def test_what_a_source_raises_is_chained(emu: Emulator, client: ApiVideoClient) -> None:
    async def failing() -> AsyncIterator[bytes]:
        yield data_of(3 * CHUNK)
        raise RuntimeError("the camera went away")

    with pytest.raises(SourceError, match="camera") as caught:
        await client.upload(failing(), title="t")
    assert isinstance(caught.value.__cause__, RuntimeError)
    assert caught.value.video_id is not None
    assert caught.value.ledger.accepted_bytes % CHUNK == 0


async def test_a_generator_is_closed_when_the_upload_ends_early(
    emu: Emulator, client: ApiVideoClient
) -> None:
    closed: list[bool] = []

    async def endless() -> AsyncIterator[bytes]:
        try:
            while True:
                yield data_of(CHUNK)
        finally:
            closed.append(True)

    emu.faults.add(Fault("videos.upload", "status", status=403, times=None))
    with pytest.raises(UploadError):
        await client.upload(endless(), title="t")
    assert closed == [True]


async def test_a_producer_may_reuse_its_buffer(emu: Emulator, client: ApiVideoClient) -> None:
    """A block that is kept by reference would be sent with the bytes of the next one."""
    data = data_of(6 * CHUNK)

    async def reusing() -> AsyncIterator[Any]:
        buffer = bytearray(8_192)
        for start in range(0, len(data), len(buffer)):
            buffer[:] = data[start : start + len(buffer)]
            yield buffer

    video = await client.upload(reusing(), title="t")
    assert emu.sha256(video.video_id) == sha256(data)


async def test_a_file_that_changes_while_it_is_read_is_an_error(
    emu: Emulator, client: ApiVideoClient, tmp_path: Path
) -> None:
    path = tmp_path / "growing.mp4"
    path.write_bytes(data_of(8 * CHUNK))

    def grow(progress: UploadProgress) -> None:
        with path.open("ab") as handle:
            handle.write(b"more")

    with pytest.raises(SourceError, match="changed during the upload") as caught:
        await client.upload(path, title="t", on_progress=grow, options=options(concurrency=1))
    assert caught.value.video_id is not None
    status = await client.videos.get_status(caught.value.video_id)
    assert status.ingest is None or status.ingest.status == "uploading", (
        "a broken video is never completed"
    )


async def test_a_file_that_shrinks_or_is_replaced_is_an_error(
    client: ApiVideoClient, tmp_path: Path
) -> None:
    path = tmp_path / "shrinking.mp4"

    def shrink() -> None:
        with path.open("r+b") as handle:
            handle.truncate(CHUNK)

    def replace() -> None:
        other = tmp_path / "other"
        other.write_bytes(data_of(8 * CHUNK, seed=2))
        other.replace(path)

    for change in (shrink, replace):
        path.write_bytes(data_of(8 * CHUNK))
        with pytest.raises(SourceError, match="changed during the upload"):
            await client.upload(
                path,
                title="t",
                on_progress=lambda _, do=change: do(),
                options=options(concurrency=1),
            )


# -- what is created


async def test_create_fields_reach_the_video(client: ApiVideoClient) -> None:
    video = await client.upload(
        b"x" * 10,
        title="T",
        description="D",
        tags=["a", "b"],
        metadata={"k": "v"},
        public=False,
        mp4_support=True,
    )
    shown = await client.videos.get(video.video_id)
    assert (shown.title, shown.description, shown.tags, shown.metadata) == (
        "T",
        "D",
        ["a", "b"],
        {"k": "v"},
    )
    assert shown.public is False


async def test_the_title_is_the_name_of_the_file_unless_given(
    client: ApiVideoClient, tmp_path: Path
) -> None:
    path = tmp_path / 'odd "name"\r\n é.mp4'
    path.write_bytes(b"x" * 10)
    assert (await client.upload(path)).title == path.name
    assert (await client.upload(b"x", filename="named.mp4")).title == "named.mp4"


async def test_a_token_titles_the_video_with_the_file_name(
    client: ApiVideoClient, tmp_path: Path
) -> None:
    path = tmp_path / "talk é.mp4"
    path.write_bytes(data_of(3 * CHUNK))
    token = await client.upload_tokens.create()
    video = await client.videos.upload_with_token(token.token, path)
    assert (await client.videos.get(video.video_id)).title == "talk é.mp4"


async def test_a_token_client_needs_no_key(emu: Emulator, client: ApiVideoClient) -> None:
    token = await client.upload_tokens.create(ttl=60)
    data = data_of(7 * CHUNK)
    async with ApiVideoClient(base_url=emu.url, upload=options()) as bare:
        video = await bare.videos.upload_with_token(token.token, data)
    assert emu.sha256(video.video_id) == sha256(data)
    sent = uploads(emu)
    assert [record.video_id for record in sent] == [video.video_id] * 7
    assert sent[0].content_range == f"bytes 0-{CHUNK - 1}/{7 * CHUNK}", "the first chunk goes alone"


async def test_a_token_can_fill_a_container(emu: Emulator, client: ApiVideoClient) -> None:
    container = await client.videos.create(title="kept")
    token = await client.upload_tokens.create()
    data = data_of(4 * CHUNK)
    video = await client.videos.upload_with_token(token.token, data, video_id=container.video_id)
    assert video.video_id == container.video_id
    assert emu.sha256(video.video_id) == sha256(data)
    assert (await client.videos.get(video.video_id)).title == "kept"


async def test_a_wrong_token_is_an_upload_error_with_the_slug(client: ApiVideoClient) -> None:
    with pytest.raises(UploadError) as caught:
        await client.videos.upload_with_token("toWrong", b"x" * 10)
    assert caught.value.slug == "authentication-invalid-upload-token"
    assert "toWrong" not in str(caught.value)


async def test_an_unknown_container_is_not_found(client: ApiVideoClient) -> None:
    with pytest.raises(NotFoundError):
        await client.videos.upload("viNowhere", b"x" * 10)


# -- progress


async def test_progress_keeps_sent_and_accepted_apart(client: ApiVideoClient) -> None:
    seen: list[UploadProgress] = []
    data = data_of(9 * CHUNK)
    video = await client.upload(data, title="t", on_progress=seen.append)
    last = seen[-1]
    assert (last.bytes_sent, last.bytes_accepted, last.bytes_total) == (len(data),) * 3
    assert last.finished
    assert last.fraction == 1
    assert last.video_id == video.video_id
    accepted = [event.bytes_accepted for event in seen]
    assert accepted == sorted(accepted), "accepted bytes never fall"
    assert all(event.bytes_accepted <= event.bytes_sent for event in seen)


async def test_an_async_callback_is_awaited(client: ApiVideoClient) -> None:
    seen: list[int] = []

    async def note(progress: UploadProgress) -> None:
        seen.append(progress.bytes_accepted)

    await client.upload(data_of(3 * CHUNK), title="t", on_progress=note)
    assert seen[-1] == 3 * CHUNK


async def test_what_a_callback_raises_ends_the_upload(client: ApiVideoClient) -> None:
    def wrong(_: UploadProgress) -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        await client.upload(data_of(20 * CHUNK), title="t", on_progress=wrong)


# -- resume


async def interrupted(client: ApiVideoClient, data: bytes, mode: str, accepted: int) -> str:
    """Leave a container that holds the first ``accepted`` chunks, sent by the engine itself."""
    container = await client.videos.create(title="t")

    class Ending(Ranged):
        async def read(self, start: int, size: int) -> AsyncIterator[bytes]:
            if start >= accepted * CHUNK:
                raise OSError("unplugged")
            async for block in super().read(start, size):
                yield block

    with pytest.raises(SourceError, match="unplugged") as caught:
        await client.videos.upload(
            container.video_id, Ending(data), options=options(mode=mode, concurrency=1)
        )
    assert caught.value.ledger.accepted_bytes == accepted * CHUNK
    return container.video_id


@pytest.mark.parametrize("mode", ["bytes", "part"])
@pytest.mark.parametrize("restart", ["bytes", "part"])
@pytest.mark.parametrize("accepted", [1, 4, 8])
async def test_a_later_call_sends_only_what_is_missing(
    emu: Emulator, client: ApiVideoClient, mode: str, restart: str, accepted: int
) -> None:
    data = data_of(8 * CHUNK + 5)
    video_id = await interrupted(client, data, mode, accepted)
    emu.requests.clear()
    video = await client.videos.upload(video_id, data, options=options(mode=restart))
    assert emu.sha256(video.video_id) == sha256(data)
    sent = [record.content_range for record in uploads(emu)]
    assert len(sent) == 9 - accepted
    assert all(header.startswith(mode) for header in sent), "in the mode in which it was begun"


@pytest.mark.parametrize("mode", ["bytes", "part"])
async def test_uploading_again_into_a_complete_container_sends_nothing(
    emu: Emulator, client: ApiVideoClient, mode: str
) -> None:
    data = data_of(3 * CHUNK)
    video = await client.upload(data, title="t", options=options(mode=mode))
    emu.requests.clear()
    assert (await client.videos.upload(video.video_id, data)).video_id == video.video_id
    assert (
        await client.videos.upload(video.video_id, blocks_of(data, 9_000))
    ).video_id == video.video_id
    assert uploads(emu) == []
    for other in (data + b"x", blocks_of(data + b"x", 9_000)):
        with pytest.raises(UploadError, match=r"create another container|not the same file"):
            await client.videos.upload(video.video_id, other)


async def test_a_stream_continues_where_the_container_stands(
    emu: Emulator, client: ApiVideoClient
) -> None:
    data = data_of(8 * CHUNK + 5)
    video_id = await interrupted(client, data, "part", 3)
    emu.requests.clear()
    await client.videos.upload(video_id, blocks_of(data, 9_000))
    assert emu.sha256(video_id) == sha256(data)
    assert len(uploads(emu)) == 6


# -- push sessions


async def test_a_push_session_takes_writes_of_any_size(
    emu: Emulator, client: ApiVideoClient
) -> None:
    data = data_of(5 * CHUNK + 3)
    container = await client.videos.create(title="t")
    session = client.videos.open_upload(container.video_id)
    for start in range(0, len(data), 7_919):
        await session.write(bytearray(data[start : start + 7_919]))
    video = await session.finish()
    assert await session.finish() == video
    assert emu.sha256(video.video_id) == sha256(data)
    with pytest.raises(ConfigurationError, match="ended"):
        await session.write(b"x")


async def test_a_push_session_left_by_an_exception_completes_nothing(
    emu: Emulator, client: ApiVideoClient
) -> None:
    container = await client.videos.create(title="t")
    with pytest.raises(KeyError):
        async with client.videos.open_upload(container.video_id) as session:
            await session.write(data_of(3 * CHUNK))
            raise KeyError("mine")
    status = await client.videos.get_status(container.video_id)
    assert status.ingest is None or status.ingest.status == "uploading"


async def test_a_push_session_reports_what_ended_it(client: ApiVideoClient) -> None:
    session = client.videos.open_upload("viNowhere")
    with pytest.raises(NotFoundError):
        for _ in range(20):
            await session.write(data_of(CHUNK))
    await session.abort()


async def test_an_empty_push_session_is_an_error(client: ApiVideoClient) -> None:
    container = await client.videos.create(title="t")
    with pytest.raises(SourceError, match="empty"):
        await client.videos.open_upload(container.video_id).finish()


def calls_of(coroutine: Any) -> list[str]:
    """Functions of the package that a suspended coroutine is in, the outermost first."""
    names = []
    while coroutine is not None and hasattr(coroutine, "cr_code"):
        if coroutine.cr_code.co_filename.startswith(PACKAGE):
            names.append(coroutine.cr_code.co_qualname)
        coroutine = coroutine.cr_await
    return names


async def test_an_upload_makes_few_calls_before_aiohttp(
    emu: Emulator, client: ApiVideoClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At most 11 function calls from ``client.upload`` to the request of aiohttp, included."""
    real, worker = aiohttp.ClientSession._request, list[str]()
    outer = list[str]()

    async def request(session: Any, method: str, url: Any, **rest: Any) -> Any:
        if str(url).endswith("/source") and not worker:
            stack = traceback.extract_stack()
            worker.extend(frame.name for frame in stack if frame.filename.startswith(PACKAGE))
            outer.extend(calls_of(uploading.get_coro()))
        return await real(session, method, url, **rest)

    monkeypatch.setattr(aiohttp.ClientSession, "_request", request)
    uploading = asyncio.create_task(client.upload(data_of(3 * CHUNK), title="t"))
    await uploading
    assert (outer[0], worker[-1]) == ("ApiVideoClient.upload", "send")
    assert len(outer) + len(worker) + 1 <= 11, [*outer, *worker]


async def test_an_address_is_no_file(emu: Emulator, client: ApiVideoClient) -> None:
    address = "https://a.test/x.mp4?X-Amz-Signature=sig1234567890"
    with pytest.raises(SourceError, match=r"is an address.*videos\.create\(source") as caught:
        await client.upload(address, title="t")
    assert "sig1234567890" not in str(caught.value)
    assert not emu.state.videos
