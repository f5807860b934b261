"""`ingest_backend_fastapi.py` under uvicorn, with a worker process: what is handed in becomes videos, once each."""

import hashlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from aiohttp import ClientSession, web

from apivideo_async.distributed import init_database
from apivideo_async.emulator import Emulator

from .browser import Tab, needs_browser, tab
from .processes import EXAMPLES, Program, running, until

__all__ = ["tab"]

pytest.importorskip("fastapi")

MakeFile = Callable[[str, int], Path]
MISSING = "0123456789abcdef"


@pytest.fixture
async def media(tmp_path: Path, make_file: MakeFile) -> AsyncIterator[str]:
    """A web server with three films."""
    for number in range(3):
        make_file(f"{number}.mp4", 100_000 + number)
    app = web.Application()
    app.router.add_static("/films", tmp_path)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/films/"
    await runner.cleanup()


@pytest.fixture
async def database(postgres_dsn: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """An address in the environment; the tables are there."""
    await init_database(postgres_dsn)
    monkeypatch.setenv("APIVIDEO_DATABASE_URL", postgres_dsn)
    return postgres_dsn


@pytest.fixture
async def backend(media: str, emulator: Emulator, database: str) -> AsyncIterator[ClientSession]:
    """The app, as its docstring starts it, and somebody who asks it."""
    uvicorn = ("-m", "uvicorn", "ingest_backend_fastapi:app", "--app-dir", EXAMPLES, "--port", "0")
    async with running(*uvicorn, INGEST_FROM=f"{media} s3://films/") as served:
        url = (await served.says(r"running on (http://127\.0\.0\.1:\d+)"))[1]
        async with ClientSession(url) as session:
            yield session


@pytest.fixture
async def worker(emulator: Emulator, database: str) -> AsyncIterator[Program]:
    async with running("-m", "apivideo_async.cli", "distributed", "worker") as program:
        yield program


async def asked(backend: ClientSession, path: str, body: Any = None) -> tuple[int, Any]:
    async with backend.request("GET" if body is None else "POST", path, json=body) as answer:
        return answer.status, await answer.json()


async def test_sources_handed_in_become_videos_and_the_backend_tells_how_far_they_are(
    backend: ClientSession, media: str, emulator: Emulator, worker: Program, tmp_path: Path
) -> None:
    sources = [{"uri": f"{media}{number}.mp4", "title": f"Film {number}"} for number in range(3)]
    sources += [{"uri": f"{media}missing.mp4"}, sources[0]]
    status, added = await asked(backend, "/ingestions", sources)
    assert (status, added["new"]) == (202, 4)
    assert added["keys"][4] == added["keys"][0]

    async def finished() -> Any:
        _, counted = await asked(backend, "/ingestions")
        return counted if counted["open"] == 0 else None

    assert await until(finished) == {"states": {"done": 3, "failed": 1}, "total": 4, "open": 0}
    for number, key in enumerate(added["keys"][:3]):
        _, told = await asked(backend, f"/ingestions/{key}")
        assert told == {"title": f"Film {number}", "state": "done", "video_id": told["video_id"], "error": None}
        assert emulator.world.videos[told["video_id"]].attributes["title"] == f"Film {number}"
        content = (tmp_path / f"{number}.mp4").read_bytes()
        assert emulator.sha256(told["video_id"]) == hashlib.sha256(content).hexdigest()
    _, told = await asked(backend, f"/ingestions/{added['keys'][3]}")
    assert (told["title"], told["state"], told["video_id"]) == ("missing.mp4", "failed", None)
    assert "404" in told["error"]
    assert len(emulator.world.videos) == 3

    assert await asked(backend, "/ingestions", sources) == (202, {"keys": added["keys"], "new": 0})
    assert len(emulator.world.videos) == 3


async def test_only_sources_from_where_it_is_allowed_are_taken(
    backend: ClientSession, media: str, database: str
) -> None:
    for uri in ("/etc/passwd", "file:///etc/passwd", media.replace("films", "other"), "http://169.254.169.254/"):
        status, said = await asked(backend, "/ingestions", [{"uri": f"{media}0.mp4"}, {"uri": uri}])
        assert (status, said["detail"].startswith(f"addresses must begin with {media}")) == (403, True)
    for wrong in ({"uri": f"{media}0.mp4", "title": ""}, {"title": "without an address"}):
        assert (await asked(backend, "/ingestions", [wrong]))[0] == 422
    assert await asked(backend, f"/ingestions/{MISSING}") == (404, {"detail": "no such ingestion"})
    assert await asked(backend, "/ingestions") == (200, {"states": {}, "total": 0, "open": 0})


@pytest.mark.slow
async def test_a_signature_is_shown_to_nobody(backend: ClientSession, media: str) -> None:
    _, added = await asked(backend, "/ingestions", [{"uri": f"{media}0.mp4?X-Amz-Signature=secret"}])
    async with backend.get(f"/ingestions/{added['keys'][0]}") as answer:
        assert "secret" not in await answer.text()


@pytest.mark.slow
async def test_without_its_tables_the_backend_says_what_to_run(postgres_dsn: str) -> None:
    uvicorn = ("-m", "uvicorn", "ingest_backend_fastapi:app", "--app-dir", EXAMPLES, "--port", "0")
    async with running(*uvicorn, APIVIDEO_DATABASE_URL=postgres_dsn) as served:
        assert await served.ended() == 3
        assert "run `apivideo distributed init` first" in served.said


@pytest.mark.slow
async def test_a_database_that_cannot_be_used_is_no_error_of_the_sender(
    backend: ClientSession, media: str, database: str
) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("DROP TABLE apivideo_ingest_items CASCADE")
    status, said = await asked(backend, "/ingestions", [{"uri": f"{media}0.mp4"}])
    assert (status, "database" in said["detail"]) == (503, True)


@needs_browser[0]
@needs_browser[1]
async def test_the_page_hands_in_and_shows_how_far_everything_is(
    tab: Tab, backend: ClientSession, media: str, worker: Program
) -> None:
    await tab.call("Page.navigate", url=str(backend._base_url))
    await tab.until("document.getElementById('send')?.onclick && document.getElementById('bar').max === 1")
    for lines, said in (
        ("/etc/passwd", "Not handed in: addresses must begin with"),
        (f"{media}0.mp4\\n\\n {media}1.mp4 ", "2 handed in, 2 of them new."),
    ):
        await tab.evaluate(f"document.getElementById('uris').value = '{lines}'")
        await tab.evaluate("document.getElementById('send').onclick()")
        await tab.until(f"document.getElementById('said').textContent.startsWith('{said}')")
    await tab.until("document.getElementById('states').textContent === '2 done'")
    assert await tab.evaluate("document.getElementById('bar').position") == 1
