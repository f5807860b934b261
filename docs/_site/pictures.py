"""Draws the pictures of README and docs (``make pictures``).

``tests/docs/test_pictures.py`` checks that they are current.

- Terminals are drawn with rich, by the code of the command line. The same code gives the same file.
- Pages are photographed in Chromium. Fonts differ between machines, so ``pictures.json`` has a
  digest of the files from which each picture was made.
- Charts are drawn by ``benchmarks/charts.py``; their digests are in the same file.
"""

import asyncio
import hashlib
import io
import json
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

from click.testing import CliRunner
from rich.console import Console
from rich.terminal_theme import SVG_EXPORT_THEME
from rich.text import Text

from apivideo_async.cli.app import app
from apivideo_async.cli.console.bar import STRIP, Row
from apivideo_async.uploads.ledger import ChunkState
from apivideo_async.uploads.plan import Chunk
from apivideo_async.uploads.progress import UploadProgress

ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "docs" / "images"
DIGESTS = IMAGES / "pictures.json"
PACKAGE = ROOT / "apivideo_async"
PAGES = ("pages/base.css", "emulator/pages")
SOURCES = {
    "images/dashboard.png": PAGES,
    "images/dashboard-dark.png": PAGES,
    "images/request.png": PAGES,
    "images/player.png": ("emulator/pages/static/player.*", "emulator/pages/templates/player.html"),
    "images/report.png": ("pages/base.css", "ingest/reports/report.*", "ingest/reports/html.py"),
}
"""The pictures of pages, and files below the package that determine them."""
CHARTS = {
    "charts/throughput.svg": ("auto_concurrency.csv",),
    "charts/memory.svg": ("memory.csv",),
}
"""The charts, and their files below ``benchmarks/results/full``."""
MIB = 1024 * 1024
CHUNK = 16 * MIB


# -- Terminals


def terminals() -> dict[str, str]:
    """Return the pictures of terminals as SVG, by name."""
    return {"upload.svg": _terminal(_upload_lines(), 112), "help.svg": _terminal(_help(), 80)}


def _terminal(lines: list[Text], width: int) -> str:
    console = Console(file=io.StringIO(), record=True, width=width, force_terminal=True)
    for line in lines:
        console.print(line, no_wrap=True, overflow="crop", highlight=False)
    # The identifier would otherwise be a checksum of the content, which differs between versions.
    return console.export_svg(title="", theme=SVG_EXPORT_THEME, unique_id="terminal")


def _upload_lines() -> list[Text]:
    """Return the display of two uploads, whose chunks arrive out of order."""
    lines = [Text("$ apivideo upload keynote.mp4 interview.mp4 --tag 2026")]
    flights = ({7, 9, 12, 13, 15, 16, 18, 19}, {2, 4, 5, 6})
    done = ({*range(7), 8, 10, 11, 14, 17}, {0, 1, 3})
    for name, count, flying, received, rate in zip(
        ("keynote.mp4", "interview.mp4"), (28, 14), flights, done, (62, 18), strict=True
    ):
        states = tuple(
            (Chunk(number + 1, number * CHUNK, CHUNK), _state(number, flying, received))
            for number in range(count)
        )
        accepted = len(received) * CHUNK
        event = UploadProgress(
            video_id="vi4k0Zu1xGdfXP3tq9ZfYxk",
            bytes_total=count * CHUNK,
            bytes_sent=accepted + len(flying) * CHUNK // 2,
            bytes_accepted=accepted,
            rate=rate * MIB,
            eta=(count * CHUNK - accepted) / (rate * MIB),
            elapsed=3.0,
            chunks={state: sum(each is state for _, each in states) for state in ChunkState},
            chunk_states=states,
        )
        lines.append(Row(name, count * CHUNK, event).render(111, STRIP))
    return lines


def _state(number: int, flying: set[int], received: set[int]) -> ChunkState:
    if number in received:
        return ChunkState.ACCEPTED
    return ChunkState.IN_FLIGHT if number in flying else ChunkState.PENDING


def _help() -> list[Text]:
    shown = CliRunner().invoke(app, ["--help"], terminal_width=80, prog_name="apivideo").output
    start = shown.index("\nUploads")
    return [Text("$ apivideo --help"), *map(Text, shown[start:].strip("\n").splitlines())]


# -- Digests


def digests() -> dict[str, str]:
    """Return the digest of the sources of each page and chart, by the name of the picture."""
    found = {
        name: _digest(path for pattern in patterns for path in _files(PACKAGE, pattern))
        for name, patterns in SOURCES.items()
    }
    results = ROOT / "benchmarks" / "results" / "full"
    drawn_by = ROOT / "benchmarks" / "charts.py"
    return found | {
        name: _digest([drawn_by, *(results / each for each in files)])
        for name, files in CHARTS.items()
    }


def _files(folder: Path, pattern: str) -> list[Path]:
    found = [path for path in folder.glob(pattern) if path.is_file()]
    found += [path for path in folder.joinpath(pattern).rglob("*") if path.is_file()]
    return sorted(path for path in found if path.suffix not in (".pyc", ".mp4"))


def _digest(paths: Iterator[Path] | list[Path]) -> str:
    whole = hashlib.sha256()
    for path in paths:
        whole.update(path.relative_to(ROOT).as_posix().encode() + b"\0")
        whole.update(path.read_text("utf-8").encode() + b"\0")
    return whole.hexdigest()[:16]


# -- Pages


async def photograph() -> None:
    """Write the pictures of the pages."""
    from playwright.async_api import async_playwright

    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        context = await browser.new_context(viewport={"width": 1180, "height": 760})
        page = await context.new_page()
        await _dashboard(page)
        await _report(page)
        await browser.close()


async def _dashboard(page) -> None:  # type: ignore[no-untyped-def]
    from apivideo_async import ApiVideoClient, Source, UploadOptions
    from apivideo_async.emulator import Emulator, Fault

    late = asyncio.Event()

    class Slow(Source):
        name, size = "keynote.mp4", 40 * 5 * MIB

        async def read(self, start: int, size: int) -> AsyncIterator[bytes]:
            number = start // (5 * MIB)
            share = (number * 7 % 10) / 10
            yield bytes(int(size * share))
            if number > 8 and number % 3:
                await late.wait()
            yield bytes(size - int(size * share))

    emulator = Emulator(port=8700, api_key="a-key", seed=2, rate_limits="production")
    async with emulator as emu, ApiVideoClient("a-key", base_url=emu.url) as client:
        await page.goto(emu.url)
        await page.get_by_role("button", name="Add samples").click()
        emu.faults.add(Fault("videos.upload", "reset-during", nth=6, after_bytes=2 * MIB))
        video = await client.videos.create(title="Keynote")
        options = UploadOptions(chunk_size=5 * MIB, concurrency=12)
        upload = asyncio.create_task(client.videos.upload(video.video_id, Slow(), options=options))
        await page.locator(".cell.arriving").nth(11).wait_for()
        await asyncio.sleep(1)
        await page.locator("#uploads .map .cell").nth(10).focus()
        for scheme, name in (("light", "dashboard.png"), ("dark", "dashboard-dark.png")):
            await page.emulate_media(color_scheme=scheme)
            await page.screenshot(path=IMAGES / name)
        await page.emulate_media(color_scheme="light")
        late.set()
        await upload
        await page.goto(f"{emu.url}/#requests")
        await page.get_by_label("Search").locator("visible=true").fill("videos.create")
        await page.get_by_role("button", name="Details of request").first.click()
        await page.screenshot(path=IMAGES / "request.png")
        sample = next(video for video in emu.state.videos.values() if video.captions)
        await page.set_viewport_size({"width": 720, "height": 405})
        await page.goto(f"{emu.url}/vod/{sample.id}/player#show-subtitles;t=0.5")
        await asyncio.sleep(1)
        await page.screenshot(path=IMAGES / "player.png")
        await page.set_viewport_size({"width": 1180, "height": 760})


async def _report(page) -> None:  # type: ignore[no-untyped-def]
    """Photograph the report about a made-up ingestion of 2,000 items."""
    from apivideo_async.ingest.items import Item, Record
    from apivideo_async.ingest.ledger.ledger import Usage
    from apivideo_async.ingest.reports.data import collect
    from apivideo_async.ingest.reports.html import pieces

    begin = datetime(2026, 11, 2, 8, tzinfo=UTC).timestamp()

    class Ledger:
        async def records(self) -> AsyncIterator[Record]:
            for number in range(2000):
                cause, message = _FAILURES.get(number % 97, (None, None))
                item = Item(
                    key=f"k{number}", uri=f"s3://archive/2025/{number:04}.mp4", size=90 * MIB
                )
                yield Record(
                    number=number,
                    item=item,
                    state="failed" if cause else "done",
                    video_id=f"vi{number:022}",
                    cause=cause,
                    message=message,
                    sent=90 * MIB,
                    started_at=begin + number,
                    finished_at=begin + number + 10 + number % 13,
                )

        async def usage(self) -> list[Usage]:
            first = int(begin // 60)
            return [
                Usage(minute=first + at, limit_class="uploads", requests=99 - at % 5, allowed=100)
                for at in range(33)
            ]

    with tempfile.TemporaryDirectory() as folder:
        path, ledger = Path(folder) / "report.html", Ledger()
        report = await collect(ledger)  # type: ignore[arg-type]
        text = [each async for each in pieces(report, ledger.records(), "https://ws.api.video")]
        path.write_text("".join(text))
        await page.goto(path.as_uri())
        await page.screenshot(path=IMAGES / "report.png")


_FAILURES = {
    3: ("expired", "the signed URL has expired: 403 from archive"),
    40: ("empty", "the object is empty (0 bytes): there is nothing to upload"),
}


def main() -> None:
    """Draw everything; with ``terminals`` only the terminals, which need no browser."""
    IMAGES.mkdir(exist_ok=True)
    for name, text in terminals().items():
        (IMAGES / name).write_text(text, "utf-8")
    if sys.argv[1:] != ["terminals"]:
        asyncio.run(photograph())
        DIGESTS.write_text(json.dumps(digests(), indent=2) + "\n")


if __name__ == "__main__":
    main()
