"""Which objects are read at any position, which ones once in order, and how upload objects work."""

import bz2
import gzip
import io
import lzma
import mmap
import os
import tarfile
import tempfile
import threading
import unicodedata
import zipfile
from collections.abc import AsyncIterator, Callable, Iterator
from http.client import HTTPResponse
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from litestar.datastructures import UploadFile as LitestarUpload
from starlette.datastructures import UploadFile as StarletteUpload
from werkzeug.datastructures import FileStorage

from apivideo_async import (
    ApiVideoClient,
    ConfigurationError,
    Source,
    SourceError,
    UploadItem,
    UploadOptions,
)
from apivideo_async.emulator import Emulator
from apivideo_async.types import Stream
from apivideo_async.uploads.sources.opening import FileSource, SeekableSource, open_source
from tests.client.test_uploads import uploads
from tests.conftest import CHUNK, blocks_of, data_of, options, sha256

DATA = data_of(5 * CHUNK + 99)


opened: list[Any] = []


@pytest.fixture(autouse=True)
def _close_files() -> Iterator[None]:
    yield
    while opened:
        opened.pop().close()


def kept(file: Any) -> Any:
    """Close the file after the test."""
    opened.append(file)
    return file


def gzip_file(folder: Path) -> Any:
    (folder / "f").write_bytes(gzip.compress(DATA))
    return kept(gzip.open(folder / "f"))


def bz2_file(folder: Path) -> Any:
    (folder / "f").write_bytes(bz2.compress(DATA))
    return kept(bz2.open(folder / "f"))


def xz_file(folder: Path) -> Any:
    (folder / "f").write_bytes(lzma.compress(DATA))
    return kept(lzma.open(folder / "f"))


def zip_member(folder: Path) -> Any:
    with zipfile.ZipFile(folder / "f", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("movie.mp4", DATA)
    return kept(kept(zipfile.ZipFile(folder / "f")).open("movie.mp4"))


def tar_member(folder: Path) -> Any:
    with tarfile.open(folder / "f", "w:gz") as archive:
        info = tarfile.TarInfo("movie.mp4")
        info.size = len(DATA)
        archive.addfile(info, io.BytesIO(DATA))
    return kept(tarfile.open(folder / "f")).extractfile("movie.mp4")


def buffered(folder: Path) -> Any:
    return io.BufferedReader(gzip_file(folder))


class Remote:
    """An object of another library: it has no ``SEEK_END``, and each step back costs a download."""

    def __init__(self) -> None:
        self._content = io.BytesIO(DATA)

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        raise io.UnsupportedOperation("seek")

    def tell(self) -> int:
        return self._content.tell()

    def read(self, size: int = -1) -> bytes:
        return self._content.read(size)


@pytest.mark.parametrize(
    "make",
    [gzip_file, bz2_file, xz_file, zip_member, tar_member, buffered, lambda _: Remote()],
    ids=["gzip", "bz2", "xz", "zip", "tar", "buffered gzip", "remote"],
)
async def test_an_object_that_only_pretends_to_be_seekable_is_read_once(
    emu: Emulator, client: ApiVideoClient, tmp_path: Path, make: Callable[[Path], Any]
) -> None:
    handle, seeks = make(tmp_path), []
    if isinstance(handle, gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile | zipfile.ZipExtFile):
        real = handle.seek
        handle.seek = lambda *given: seeks.append(given) or real(*given)
    video = await client.upload(handle, title="t", options=options(concurrency=4))
    assert emu.sha256(video.video_id) == sha256(DATA)
    assert seeks == []


async def test_a_subclass_of_a_file_may_change_the_bytes(
    emu: Emulator, client: ApiVideoClient, tmp_path: Path
) -> None:
    class Inverted(io.FileIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return bytes(255 - byte for byte in super().read(size) or b"")

    (tmp_path / "f").write_bytes(DATA)
    with Inverted(tmp_path / "f") as handle:
        video = await client.upload(handle, title="t")
    assert emu.sha256(video.video_id) == sha256(bytes(255 - byte for byte in DATA))


def spooled(size: int) -> Any:
    file = kept(tempfile.SpooledTemporaryFile(size))
    file.write(DATA)
    file.seek(0)
    return file


def temporary() -> Any:
    file = kept(tempfile.NamedTemporaryFile())
    file.write(DATA)
    file.seek(0)
    return file


def mapped() -> Any:
    file = kept(mmap.mmap(-1, len(DATA)))
    file[:] = DATA
    return file


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (lambda: io.BytesIO(DATA), SeekableSource),
        (lambda: spooled(1), SeekableSource),
        (lambda: spooled(10**9), SeekableSource),
        (mapped, SeekableSource),
        (temporary, FileSource),
    ],
    ids=["BytesIO", "rolled", "spooled", "mmap", "temporary"],
)
async def test_memory_and_temporary_files_are_read_at_any_position(
    emu: Emulator, client: ApiVideoClient, make: Callable[[], Any], kind: type
) -> None:
    handle = make()
    handle.seek(7)
    source = await open_source(handle)
    assert isinstance(source, kind)
    assert isinstance(source, Source)
    assert source.size == len(DATA) - 7
    await source.aclose()
    video = await client.upload(handle, title="t")
    assert emu.sha256(video.video_id) == sha256(DATA[7:])
    handle.close()


# -- upload objects of web frameworks


def litestar_upload() -> Any:
    upload = LitestarUpload("video/mp4", "m.mp4", DATA)
    kept(upload.file)
    return upload


class DjangoFile:
    """Shaped like ``django.core.files.uploadedfile.UploadedFile``."""

    def __init__(self, file: Any, name: str) -> None:
        self.file, self.name, self.size = file, name, len(DATA)

    read = property(lambda self: self.file.read)
    seek = property(lambda self: self.file.seek)
    tell = property(lambda self: self.file.tell)

    def seekable(self) -> bool:
        return True

    def chunks(self) -> Any:
        raise NotImplementedError


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(
            lambda: StarletteUpload(spooled(1), filename="m.mp4", size=len(DATA)), id="starlette"
        ),
        pytest.param(lambda: litestar_upload(), id="litestar"),
        pytest.param(lambda: DjangoFile(temporary(), "m.mp4"), id="django"),
        pytest.param(lambda: FileStorage(io.BytesIO(DATA), "m.mp4"), id="werkzeug"),
        pytest.param(
            lambda: SimpleNamespace(name="field", filename="m.mp4", file=spooled(1)),
            id="form field",
        ),
    ],
)
async def test_upload_objects_of_web_frameworks(
    emu: Emulator, client: ApiVideoClient, given: Callable[[], Any]
) -> None:
    video = await client.upload(given())
    assert emu.sha256(video.video_id) == sha256(DATA)
    assert video.title == "m.mp4"


@pytest.mark.parametrize("kind", ["part", "base64", "field", "request", "response"])
async def test_requests_and_responses_of_aiohttp(
    emu: Emulator, client: ApiVideoClient, kind: str
) -> None:
    got: list[str] = []

    async def handle(request: web.Request) -> web.Response:
        given: Any = request
        if kind in ("part", "base64"):
            given = await (await request.multipart()).next()
        elif kind == "field":
            given = (await request.post())["file"]
        got.append((await client.upload(given, title="t")).video_id)
        return web.Response()

    async def serve(_: web.Request) -> web.Response:
        return web.Response(body=DATA)

    app = web.Application(client_max_size=10 * len(DATA))
    app.add_routes([web.post("/", handle), web.get("/", serve)])
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = "http://127.0.0.1:{}/".format(*[runner.addresses[0][1]])
    try:
        async with aiohttp.ClientSession() as session:
            if kind == "response":
                async with session.get(url) as response:
                    got.append((await client.upload(response, title="t")).video_id)
            else:
                body: Any = DATA
                if kind != "request":
                    body = aiohttp.MultipartWriter("mixed" if kind == "base64" else "form-data")
                    headers: Any = {"Content-Transfer-Encoding": "base64"}
                    part = body.append(DATA, headers if kind == "base64" else None)
                    part.set_content_disposition("form-data", name="file", filename="m.mp4")
                async with session.post(url, data=body) as response:
                    assert response.status == 200
    finally:
        await runner.cleanup()
    assert emu.sha256(got[0]) == sha256(DATA)


async def test_a_response_of_httpx(emu: Emulator, client: ApiVideoClient) -> None:
    class Response:
        def read(self) -> bytes:
            raise AssertionError("the whole response would be in memory")

        def aiter_bytes(self) -> AsyncIterator[bytes]:
            return blocks_of(DATA, 10_000)

    video = await client.upload(Response(), title="t")
    assert emu.sha256(video.video_id) == sha256(DATA)


async def test_an_object_that_can_only_be_read_as_a_whole_is_refused(
    emu: Emulator, client: ApiVideoClient
) -> None:
    class Whole:
        def read(self) -> bytes:
            return DATA

    with pytest.raises(ConfigurationError, match="read\\(n\\)"):
        await client.upload(Whole(), title="t")
    assert emu.requests == []


# -- empty and failing streams


async def nothing() -> AsyncIterator[bytes]:
    yield b""


async def failing() -> AsyncIterator[bytes]:
    raise OSError("the camera is off")
    yield b""


class Nothing:
    async def read(self, size: int) -> bytes:
        return b""


def read_before() -> Any:
    handle = Remote()
    handle.read()
    return handle


def closed() -> Any:
    handle = gzip.GzipFile(fileobj=io.BytesIO(gzip.compress(DATA)))
    handle.close()
    return handle


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (nothing, "empty"),
        (failing, "camera"),
        (Nothing, "empty"),
        (read_before, r"seek\(0\)"),
        (closed, "cannot read|closed"),
    ],
)
async def test_a_stream_without_a_byte_leaves_no_container(
    emu: Emulator, client: ApiVideoClient, make: Callable[[], Any], words: str
) -> None:
    token = await client.upload_tokens.create()
    emu.requests.clear()
    with pytest.raises(SourceError, match=words):
        await client.upload(make(), title="t", idempotency_key="k")
    with pytest.raises(SourceError, match=words):
        await client.videos.upload_with_token(token.token, make())
    with pytest.raises(SourceError, match=words):
        await client.videos.upload("viAny", make())
    assert emu.requests == []


async def test_the_bytes_read_in_advance_are_sent_first(
    emu: Emulator, client: ApiVideoClient
) -> None:
    async def blocks() -> AsyncIterator[bytes]:
        yield b""
        yield DATA[:1]
        yield DATA[1:]

    video = await client.upload(blocks(), title="t")
    assert emu.sha256(video.video_id) == sha256(DATA)


async def test_a_generator_is_closed_if_the_container_cannot_be_created(
    client: ApiVideoClient,
) -> None:
    ended = []

    async def blocks() -> AsyncIterator[bytes]:
        try:
            yield DATA
        finally:
            ended.append(True)

    with pytest.raises(ConfigurationError):
        await client.upload(blocks(), title="t", tags="not a list")
    assert ended == [True]


# -- the expected size


async def test_a_stream_that_ends_early_does_not_complete_the_video(
    emu: Emulator, client: ApiVideoClient
) -> None:
    container = await client.videos.create(title="t")
    for size in (len(DATA) + 1, len(DATA) - 1):
        with pytest.raises(SourceError, match=f"{size:,}") as caught:
            await client.videos.upload(container.video_id, blocks_of(DATA, 70_000), size=size)
        assert caught.value.video_id == container.video_id
        assert not emu.media(container.video_id).complete
    await client.videos.upload(container.video_id, blocks_of(DATA, 70_000), size=len(DATA))
    assert emu.sha256(container.video_id) == sha256(DATA)


async def test_every_way_to_upload_checks_the_size(emu: Emulator, client: ApiVideoClient) -> None:
    token = await client.upload_tokens.create()
    container = await client.videos.create(title="t")
    emu.requests.clear()
    with pytest.raises(SourceError, match="expected 1"):
        await client.upload(DATA, size=1)
    with pytest.raises(SourceError, match="expected 1"):
        await client.videos.upload_with_token(token.token, DATA, size=1)
    [result] = [r async for r in client.upload_many([UploadItem(source=DATA, size=1)])]
    assert isinstance(result.error, SourceError)
    for size in (0, -1, 1.5, True, "1"):
        with pytest.raises(ConfigurationError, match="size"):
            await client.upload(DATA, size=size)  # type: ignore[arg-type]
    assert emu.requests == []
    session = client.videos.open_upload(container.video_id, size=5)
    await session.write(b"1234")
    with pytest.raises(SourceError, match="after 4 of 5 bytes"):
        await session.finish()
    assert not emu.media(container.video_id).complete


async def test_a_stream_announces_its_size(emu: Emulator, client: ApiVideoClient) -> None:
    class Announced(Stream):
        size = len(DATA) + 1

        async def blocks(self) -> AsyncIterator[bytes]:
            yield DATA

    with pytest.raises(SourceError, match=f"{len(DATA):,} of {len(DATA) + 1:,}"):
        await client.upload(Announced(), title="t")


@pytest.mark.parametrize("sent", [len(DATA), len(DATA) - 1], ids=["whole", "truncated"])
async def test_a_download_with_urllib_that_is_cut_off_is_an_error(
    emu: Emulator, client: ApiVideoClient, sent: int
) -> None:
    class Socket:
        def makefile(self, _: str) -> io.BytesIO:
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(DATA)}\r\n\r\n".encode()
            return io.BytesIO(head + DATA[:sent])

    response = HTTPResponse(Socket())  # type: ignore[arg-type]
    response.begin()
    if sent == len(DATA):
        video = await client.upload(response, title="t")
        assert emu.sha256(video.video_id) == sha256(DATA)
    else:
        with pytest.raises(SourceError, match="ended after"):
            await client.upload(response, title="t")


# -- names


async def test_names_are_composed_letters(
    emu: Emulator, client: ApiVideoClient, tmp_path: Path
) -> None:
    """macOS stores decomposed names, which a search for the typed name would not find."""
    name = "Übung é.mp4"
    for form in ("NFC", "NFD"):
        path = tmp_path / unicodedata.normalize(form, name)
        path.write_bytes(DATA)
        assert (await client.upload(path)).title == name
        handle = Remote()
        handle.name = str(path)  # type: ignore[attr-defined]
        assert (await client.upload(handle)).title == name
    assert len(uploads(emu)) > 4


async def test_a_fifo_is_read_without_waiting_for_whole_blocks(
    emu: Emulator, client: ApiVideoClient, tmp_path: Path
) -> None:
    """A live source writes slowly: what it has written is sent before it writes more."""
    os.mkfifo(tmp_path / "fifo")
    seen = threading.Event()

    def write() -> None:
        with open(tmp_path / "fifo", "wb", buffering=0) as fifo:
            fifo.write(DATA[: CHUNK + 1])
            seen.wait(60)
            fifo.write(DATA[CHUNK + 1 :])

    writer = threading.Thread(target=write)
    writer.start()
    given = UploadOptions(chunk_size=CHUNK, limits=options().limits)
    video = await client.upload(
        tmp_path / "fifo",
        title="t",
        options=given,
        on_progress=lambda progress: seen.set() if progress.bytes_accepted >= CHUNK else None,
    )
    writer.join()
    assert emu.sha256(video.video_id) == sha256(DATA)
