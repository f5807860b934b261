"""The command ``apivideo demo``: uploads a video to an emulator and downloads it again."""

import asyncio
import hashlib
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiofiles
import aiohttp
import click
from attrs import field, frozen

from ....client import ApiVideoClient
from ....config import MIB, UploadOptions
from ....errors import ApiVideoError, SourceError
from ....models import Video
from ...console.display import show_uploads
from ...console.formatting import bytes_text, rate_text
from ...console.terminal import Terminal
from ...examples import examples
from ...running import run
from ...session import Session
from .emulator import Server, run_emulator
from .media import make_video

__all__ = ["command"]

BLOCK_SIZE = MIB
CHUNK_SIZE = 8 * MIB
SMALLEST_CHUNK = 5 * MIB
CONCURRENCY = 4
EMPTY_VIDEOS = 3
"""Number of empty videos that are created so that the list has more than one page."""


@click.command(
    name="demo",
    epilog=examples("apivideo demo", "apivideo demo movie.mp4 --keep"),
)
@click.argument("file", required=False, type=click.Path(path_type=Path), metavar="[FILE]")
@click.option(
    "--size",
    type=click.IntRange(1, 40_000),
    default=64,
    metavar="MIB",
    help="Size of the generated video.",
)
@click.option(
    "--keep", is_flag=True, help="Keep the emulator running until Ctrl-C, to open the player page."
)
@click.pass_obj
def command(session: Session, /, file: Path | None, size: int, keep: bool) -> int:
    """Upload, list, download and compare a video, with an emulator on this machine.

    No account is needed. Without FILE, a video is generated.
    """
    demo = _Demo(session.terminal, file, size * MIB, keep)
    return run(session.terminal, demo.run(), "interrupted; temporary files are removed")


@frozen
class _Demo:
    _terminal: Terminal
    _file: Path | None
    _size: int
    """Bytes of the video that is generated without ``_file``."""
    _keep: bool
    _started: float = field(factory=time.monotonic)

    async def run(self) -> int:
        if self._file is not None and not self._file.is_file():
            raise SourceError(f"no such file: {self._file}")
        async with run_emulator() as server, self._media() as path:
            self._write("emulator", f"{server.url} (process {server.pid})")
            async with ApiVideoClient(server.api_key, base_url=server.url) as client:
                video = await self._upload(client, path)
                await self._wait(client, video)
                await self._list(client, video)
            await self._compare(video, path)
            await self._end(server, video)
        return 0

    def _write(self, step: str, text: str) -> None:
        self._terminal.result(f"{step:<10} {text}")

    @asynccontextmanager
    async def _media(self) -> AsyncIterator[Path]:
        if self._file is not None:
            yield self._file
            return
        with tempfile.TemporaryDirectory(prefix="apivideo-demo-") as folder:
            path = Path(folder) / "demo.mp4"
            started = time.monotonic()
            await make_video(path, self._size)
            seconds = time.monotonic() - started
            size = bytes_text(_size_of(path))
            self._write("video", f"{path.name}: {size} of H.264, made in {seconds:.1f} s")
            yield path

    async def _upload(self, client: ApiVideoClient, path: Path) -> Video:
        size = _size_of(path)
        # Small files get smaller chunks, so that several chunks are in flight at once.
        chunk = max(SMALLEST_CHUNK, min(CHUNK_SIZE, size // CONCURRENCY))
        options = UploadOptions(chunk_size=chunk, concurrency=CONCURRENCY)
        started = time.monotonic()
        with show_uploads(self._terminal, 1, keep=True) as display:
            display.begin(path.name, size)
            video = await client.upload(
                path,
                title="Demo",
                tags=["demo"],
                options=options,
                on_progress=lambda event: display.progress(path.name, event),
            )
        seconds = time.monotonic() - started
        chunks = -(-size // chunk)
        requests = f"{chunks} chunks, {CONCURRENCY} at a time" if chunks > 1 else "one request"
        rate = rate_text(size / seconds)
        self._write("upload", f"{bytes_text(size)} in {seconds:.1f} s, {rate}: {requests}")
        return video

    async def _wait(self, client: ApiVideoClient, video: Video) -> None:
        started = time.monotonic()
        await client.videos.wait_until_playable(video.video_id, timeout=30)
        seconds = time.monotonic() - started
        self._write("playable", f"{video.video_id}, after {seconds:.1f} s of encoding")

    async def _list(self, client: ApiVideoClient, video: Video) -> None:
        for number in range(EMPTY_VIDEOS):
            await client.videos.create(title=f"Empty video {number + 1}")
        pages = 0
        found = []
        # Small pages, so that the few videos fill more than one.
        async for page in client.videos.list(page_size=2).pages():
            pages += 1
            found += [item.video_id for item in page]
        if found.count(video.video_id) != 1 or len(found) != EMPTY_VIDEOS + 1:
            raise ApiVideoError(
                f"the list should have {video.video_id} and {EMPTY_VIDEOS} empty videos, "
                f"but it has {found}"
            )
        count = f"{len(found)} videos on {pages} pages"
        self._write("list", f"{count}: the uploaded one once, and {EMPTY_VIDEOS} empty ones")

    async def _compare(self, video: Video, path: Path) -> None:
        if video.assets is None or video.assets.mp4 is None:
            raise ApiVideoError(f"{video.video_id} has no URL to download it from")
        sent, received = await _digests(path, video.assets.mp4)
        if sent != received:
            raise ApiVideoError(
                f"the download differs from the file: SHA-256 {received} instead of {sent}"
            )
        self._write("download", f"assets.mp4 is identical, SHA-256 {sent[:16]}…")

    async def _end(self, server: Server, video: Video) -> None:
        player = video.assets.player if video.assets is not None else None
        hint = "" if self._keep else " (to open it: apivideo demo --keep)"
        self._write("player", f"{player or 'none'}{hint}")
        self._write("demo", f"everything worked, in {time.monotonic() - self._started:.1f} s")
        if self._keep:
            self._terminal.say(f"the emulator on {server.url} runs until Ctrl-C")
            # Ctrl-C cancels this wait.
            await asyncio.Event().wait()


def _size_of(path: Path) -> int:
    return path.stat().st_size


async def _digests(path: Path, url: str) -> tuple[str, str]:
    sent = hashlib.sha256()
    received = hashlib.sha256()
    async with (
        aiofiles.open(path, "rb") as file,
        aiohttp.ClientSession(raise_for_status=True) as session,
        session.get(url) as response,
    ):
        while block := await file.read(BLOCK_SIZE):
            sent.update(block)
        async for block in response.content.iter_chunked(BLOCK_SIZE):
            received.update(block)
    return sent.hexdigest(), received.hexdigest()
