"""`ingest_backend_fastapi.py` under uvicorn with a worker: each source becomes one video."""

import asyncio
import hashlib
import runpy
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
        assert told == {
            "title": f"Film {number}",
            "state": "done",
            "video_id": told["video_id"],
            "error": None,
        }
        assert emulator.state.videos[told["video_id"]].attributes["title"] == f"Film {number}"
        content = (tmp_path / f"{number}.mp4").read_bytes()
        assert emulator.sha256(told["video_id"]) == hashlib.sha256(content).hexdigest()
    _, told = await asked(backend, f"/ingestions/{added['keys'][3]}")
    assert (told["title"], told["state"], told["video_id"]) == ("missing.mp4", "failed", None)
    assert "404" in told["error"]
    assert len(emulator.state.videos) == 3

    assert await asked(backend, "/ingestions", sources) == (202, {"keys": added["keys"], "new": 0})
    assert len(emulator.state.videos) == 3


async def test_only_sources_from_where_it_is_allowed_are_taken(
    backend: ClientSession, media: str, database: str
) -> None:
    for uri in (
        "/etc/passwd",
        "file:///etc/passwd",
        media.replace("films", "other"),
        "http://169.254.169.254/",
    ):
        status, said = await asked(backend, "/ingestions", [{"uri": f"{media}0.mp4"}, {"uri": uri}])
        assert (status, said["detail"].startswith(f"URIs must begin with {media}")) == (
            403,
            True,
        )
    for wrong in ({"uri": f"{media}0.mp4", "title": ""}, {"title": "without an address"}):
        assert (await asked(backend, "/ingestions", [wrong]))[0] == 422
    assert await asked(backend, f"/ingestions/{MISSING}") == (404, {"detail": "no such ingestion"})
    assert await asked(backend, "/ingestions") == (200, {"states": {}, "total": 0, "open": 0})


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The example as a module; it accepts sources from a server, an IP address and a bucket."""
    monkeypatch.setenv(
        "INGEST_FROM", "https://media.example.com http://10.0.0.7:8080/films s3://films/in/"
    )
    module = runpy.run_path(str(EXAMPLES / "ingest_backend_fastapi.py"), run_name="example")

    async def check(uri: str, *addresses: str) -> str | None:
        """Say why a source is refused, while its server's name resolves to these addresses."""

        async def getaddrinfo(host: str, port: int, **_: Any) -> list[Any]:
            return [(0, 0, 0, "", (address, port)) for address in addresses]

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo, raising=False)
        try:
            await module["check"](uri)
        except module["HTTPException"] as refused:
            return str(refused.detail) if refused.status_code == 403 else None
        return None

    return check


@pytest.mark.parametrize(
    "uri",
    [
        "https://media.example.com/a.mp4?x=http://b/",
        "HTTPS://MEDIA.example.com:443/a.mp4",
        "http://10.0.0.7:8080/films/a.mp4",
        "s3://films/in/a%2F..b?#.mp4",
    ],
)
async def test_a_source_below_what_is_allowed_is_taken(example: Any, uri: str) -> None:
    assert await example(uri, "93.184.216.34", "2606:2800:220:1::1") is None


@pytest.mark.parametrize(
    "uri",
    [
        "https://media.example.com.evil.example/a.mp4",
        "https://media.example.com@evil.example/a.mp4",
        "https://evil.example#@media.example.com/a.mp4",
        "https://evil.example\\@media.example.com/a.mp4",
        "https://media.example.com:8443/a.mp4",
        "http://media.example.com/a.mp4",
        "http://10.0.0.7:8080/films-private/a.mp4",
        "http://10.0.0.7:8080/films/../a.mp4",
        "http://10.0.0.7:8080/films/%2e%2E/a.mp4",
        "http://10.0.0.7:8080/films/..%2fa.mp4",
        "http://10.0.0.7:8080/films/..%5ca.mp4",
        "http://167772167:8080/films/a.mp4",
        "http://012.0.0.7:8080/films/a.mp4",
        "http://0xa.7:8080/films/a.mp4",
        "http://[::ffff:10.0.0.7]:8080/films/a.mp4",
        "http://user:word@10.0.0.7:8080/films/a.mp4",
        "s3://films/other/a.mp4",
        "s3://films2/in/a.mp4",
        "/etc/passwd",
        "file:///etc/passwd",
        "https:///a.mp4",
        "https://media.example.com/a\n.mp4",
        "",
    ],
)
async def test_a_source_from_elsewhere_is_refused_however_it_is_written(
    example: Any, uri: str
) -> None:
    assert (await example(uri, "93.184.216.34") or "").startswith(
        "URIs must begin with https://media.example.com"
    )


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1%eth0",
        "fd00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:a9fe:a9fe",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
    ],
)
async def test_a_server_whose_name_leads_into_a_network_is_refused(
    example: Any, address: str
) -> None:
    assert await example("https://media.example.com/a.mp4", "93.184.216.34", address) == (
        "media.example.com has a private address"
    )


async def test_without_a_list_nothing_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("INGEST_FROM", raising=False)
    module = runpy.run_path(str(EXAMPLES / "ingest_backend_fastapi.py"), run_name="example")
    with pytest.raises(module["HTTPException"]) as caught:
        await module["check"]("https://media.example.com/a.mp4")
    assert "INGEST_FROM is empty" in caught.value.detail


@pytest.mark.slow
async def test_a_signature_is_shown_to_nobody(backend: ClientSession, media: str) -> None:
    _, added = await asked(
        backend, "/ingestions", [{"uri": f"{media}0.mp4?X-Amz-Signature=secret"}]
    )
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
    await tab.until(
        "document.getElementById('send')?.onclick && document.getElementById('bar').max === 1"
    )
    for lines, said in (
        ("/etc/passwd", "Not handed in: URIs must begin with"),
        (f"{media}0.mp4\\n\\n {media}1.mp4 ", "2 handed in, 2 of them new."),
    ):
        await tab.evaluate(f"document.getElementById('uris').value = '{lines}'")
        await tab.evaluate("document.getElementById('send').onclick()")
        await tab.until(f"document.getElementById('said').textContent.startsWith('{said}')")
    await tab.until("document.getElementById('states').textContent === '2 done'")
    assert await tab.evaluate("document.getElementById('bar').position") == 1
