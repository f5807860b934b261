"""The command ``apivideo demo``: uploads a video to an emulator and downloads it again."""

import asyncio
import hashlib
import shutil
import tempfile
import threading
import time
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path

import click

from ....client import ApiVideoClient
from ....config import MIB, UploadOptions
from ....errors import ApiVideoError, ConfigurationError, SourceError
from ....models import Video
from ...console.display import display_for
from ...console.formatting import bytes_text, rate_text
from ...running import run
from ...session import Session
from .emulator import Server, own_emulator
from .media import make_video

__all__ = ["command"]

BLOCK = MIB
CHUNK = 8 * MIB
SMALLEST_CHUNK = 5 * MIB
CONCURRENCY = 4
EXTRA = 3
"""Number of empty containers that are created so that the list has more than one page."""


@click.command(name="demo")
@click.argument("file", required=False, type=click.Path(path_type=Path), metavar="[FILE]")
@click.option(
    "--size",
    type=click.IntRange(1, 40_000),
    default=64,
    show_default=True,
    metavar="MIB",
    help="Of the video.",
)
@click.option("--keep", is_flag=True, help="Keep the emulator running, to open the player page.")
@click.pass_obj
def command(session: Session, /, file: Path | None, size: int, keep: bool) -> int:
    """Upload, wait, list, download and compare a video on this machine; no account is needed.

    Makes a video of --size MiB unless FILE is given. Everything is removed at the end.
    """
    demo = _Demo(session, file, size * MIB, keep=keep)
    return run(session.terminal, demo.run(), lambda: "interrupted; everything is cleaned up")


class _Demo:
    """Runs the demonstration; each step is one method."""

    def __init__(self, session: Session, file: Path | None, size: int, *, keep: bool) -> None:
        self._terminal = session.terminal
        self._file = file
        self._size = size
        self._keep = keep
        self._began = time.monotonic()

    async def run(self) -> int:
        """Run all steps and return the exit code. Errors are raised after the cleanup."""
        if self._file is not None and not self._file.is_file():
            raise SourceError(f"no such file: {self._file}")
        _check_packages(self._file)
        async with own_emulator() as server, self._media() as path:
            self._say("emulator", f"{server.url} (process {server.pid})")
            async with ApiVideoClient(server.api_key, base_url=server.url) as client:
                video = await self._upload(client, path)
                await self._wait(client, video)
                await self._list(client, video)
            await self._compare(video, path)
            await self._end(server, video)
        return 0

    def _say(self, step: str, text: str) -> None:
        self._terminal.result(f"{step:<10} {text}")

    @asynccontextmanager
    async def _media(self) -> AsyncIterator[Path]:
        """Yield the file to upload. A generated file is removed at the end of the block."""
        if self._file is not None:
            yield self._file
            return
        with tempfile.TemporaryDirectory(prefix="apivideo-demo-") as folder:
            path, began = Path(folder) / "demo.mp4", time.monotonic()
            await make_video(path, self._size)
            taken = time.monotonic() - began
            self._say(
                "video",
                f"{path.name}: {bytes_text(path.stat().st_size)} of H.264, made in {taken:.1f} s",
            )
            yield path

    async def _upload(self, client: ApiVideoClient, path: Path) -> Video:
        size = _size_of(path)
        # Small files get smaller chunks, so that several chunks are in flight at once.
        chunk = max(SMALLEST_CHUNK, min(CHUNK, size // CONCURRENCY))
        options = UploadOptions(chunk_size=chunk, concurrency=CONCURRENCY)
        began = time.monotonic()
        with display_for(self._terminal, 1, keep=True) as display:
            display.begin(path.name, size)
            video = await client.upload(
                path,
                title="Demo",
                tags=["demo"],
                options=options,
                on_progress=lambda event: display.progress(path.name, event),
            )
        taken = time.monotonic() - began
        chunks = -(-size // chunk)
        how = f"{chunks} chunks, {CONCURRENCY} at a time" if chunks > 1 else "one request"
        self._say(
            "upload", f"{bytes_text(size)} in {taken:.1f} s, {rate_text(size / taken)}: {how}"
        )
        return video

    async def _wait(self, client: ApiVideoClient, video: Video) -> None:
        began = time.monotonic()
        await client.videos.wait_until_playable(video.video_id, timeout=30)
        self._say(
            "playable", f"{video.video_id}, after {time.monotonic() - began:.1f} s of encoding"
        )

    async def _list(self, client: ApiVideoClient, video: Video) -> None:
        for number in range(EXTRA):
            await client.videos.create(title=f"Empty container {number + 1}")
        pages, found = 0, []
        # Small pages, so that the few videos fill more than one.
        async for page in client.videos.list(page_size=2).pages():
            pages += 1
            found += [item.video_id for item in page]
        if found.count(video.video_id) != 1 or len(found) != EXTRA + 1:
            raise ApiVideoError(
                f"the list should hold {video.video_id} and {EXTRA} containers, it holds {found}"
            )
        self._say(
            "list",
            f"{len(found)} videos on {pages} pages ({EXTRA} of them empty), the uploaded one among them once",
        )

    async def _compare(self, video: Video, path: Path) -> None:
        if video.assets is None or video.assets.mp4 is None:
            raise ApiVideoError(f"{video.video_id} has no address to download it from")
        # Cancelling the task does not end the threads; the event does, at their next block.
        stop = threading.Event()
        try:
            sent = await asyncio.to_thread(_digest_of_file, path, stop)
            received = await asyncio.to_thread(_digest_of_url, video.assets.mp4, stop)
        finally:
            stop.set()
        if sent != received:
            raise ApiVideoError(f"the download differs: SHA-256 {received}, the file has {sent}")
        self._say("download", f"assets.mp4 is identical, SHA-256 {sent[:16]}…")

    async def _end(self, server: Server, video: Video) -> None:
        player = video.assets.player if video.assets is not None else None
        ended = (
            ""
            if self._keep
            else " (ends with the emulator: apivideo demo --keep, or make demo ARGS=--keep)"
        )
        self._say("player", f"{player or 'none'}{ended}")
        self._say("demo", f"everything worked, in {time.monotonic() - self._began:.1f} s")
        if self._keep:
            self._terminal.say(
                f"The emulator runs on {server.url} until Ctrl-C: open the player page now."
            )
            # Ctrl-C cancels this wait.
            await asyncio.Event().wait()


def _check_packages(file: Path | None) -> None:
    """Raise ``ConfigurationError`` if packages that the demonstration needs are missing."""
    needed = (
        ["python_multipart"]
        if file is not None or shutil.which("ffmpeg")
        else ["python_multipart", "imageio_ffmpeg"]
    )
    if any(find_spec(name) is None for name in needed):
        raise ConfigurationError(
            "the demonstration needs more packages: pip install 'apivideo-async[demo]'"
        )


def _size_of(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _digest_of_file(path: Path, stop: threading.Event) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as handle:
        while (block := handle.read(BLOCK)) and not stop.is_set():
            digest.update(block)
    return digest.hexdigest()


def _digest_of_url(url: str, stop: threading.Event) -> str:
    digest = hashlib.sha256()
    # Bypass proxies: the emulator runs on this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=30) as answer:
        while (block := answer.read(BLOCK)) and not stop.is_set():
            digest.update(block)
    return digest.hexdigest()
