"""A redirect does not lead a source to another origin, unless that is allowed."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from yarl import URL

from apivideo_async.emulator import Emulator
from apivideo_async.errors import ConfigurationError, SourceError
from apivideo_async.ingest.stores.redirects import MOST_REDIRECTS, redirect_target
from apivideo_async.ingest.stores.stores import Stores
from tests.cli.conftest import Cli
from tests.ingest.conftest import Serve, an_item, bytes_of

DATA = b"0123456789"


def part(request: web.Request) -> web.Response:
    requested = request.http_range
    start, stop = requested.start or 0, min(requested.stop or len(DATA), len(DATA))
    headers = {
        "Content-Range": f"bytes {start}-{stop - 1}/{len(DATA)}",
        "ETag": '"1"',
        "Set-Cookie": "id=secret",
    }
    return web.Response(status=206, body=DATA[start:stop], headers=headers)


def to(location: str, status: int = 302) -> web.Response:
    return web.Response(status=status, headers={"Location": location})


class Servers:
    """The server of a source, and another server; both record the requests that they receive."""

    def __init__(self) -> None:
        self.allowed = self.other = ""
        self.answer: Callable[[web.Request], web.Response] = part
        self.requests: list[web.Request] = []
        self.other_requests: list[web.Request] = []

    async def start(self, serve: Serve) -> None:
        async def allowed(request: web.Request) -> web.Response:
            self.requests.append(request)
            return self.answer(request)

        async def other(request: web.Request) -> web.Response:
            self.other_requests.append(request)
            return part(request)

        self.allowed, self.other = await serve(allowed), await serve(other)


@pytest.fixture
async def servers(serve: Serve) -> Servers:
    servers = Servers()
    await servers.start(serve)
    return servers


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_to_another_origin_is_refused_before_it_is_asked(
    servers: Servers, stores: Stores, status: int
) -> None:
    servers.answer = lambda _: to(f"{servers.other}/latest/meta-data?token=word#word", status)
    with pytest.raises(SourceError, match="is not followed") as caught:
        await stores.open(
            an_item(f"{servers.allowed.replace('http://', 'http://name:word@')}/a.mp4?sig=word")
        )
    error = caught.value
    assert (error.cause, error.retryable, servers.other_requests) == ("redirect", False, [])
    assert f"redirects to {servers.other}," in str(error)
    assert "word" not in repr(error)
    assert "--redirects any" in str(error)


async def test_a_redirect_during_the_upload_or_before_a_pull_is_refused_as_well(
    servers: Servers, stores: Stores
) -> None:
    pinned = await stores.open(an_item(f"{servers.allowed}/a.mp4", strategy="auto"))
    servers.answer = lambda _: to(f"{servers.other}/a.mp4")
    for call in (pinned.pull_url(60), bytes_of(pinned.source, 0, 5)):
        with pytest.raises(SourceError) as caught:
            await call
        assert caught.value.cause == "redirect"
    assert servers.other_requests == []


@pytest.mark.parametrize("relative", [True, False])
async def test_redirects_within_the_origin_are_followed_with_range_pin_and_credentials(
    servers: Servers, stores: Stores, relative: bool
) -> None:
    def answer(request: web.Request) -> web.Response:
        hop = int(request.path[1])
        path = f"/{hop + 1}.mp4?sig=a%2Fb"
        return part(request) if hop == 3 else to(path if relative else servers.allowed + path)

    servers.answer = answer
    pinned = await stores.open(
        an_item(f"{servers.allowed.replace('http://', 'http://n%40me:p%3Aw@')}/0.mp4")
    )
    assert await bytes_of(pinned.source, 2, 5) == b"23456"
    assert [request.raw_path for request in servers.requests[:4]] == [
        "/0.mp4",
        *(f"/{n}.mp4?sig=a%2Fb" for n in (1, 2, 3)),
    ]
    assert len({request.headers["Authorization"] for request in servers.requests}) == 1
    assert {request.headers["Range"] for request in servers.requests[4:]} == {"bytes=2-6"}
    assert {request.headers["If-Match"] for request in servers.requests[4:]} == {'"1"'}
    assert not any("Cookie" in request.headers for request in servers.requests)


async def test_redirects_to_any_server_can_be_allowed_and_take_no_credentials_along(
    servers: Servers,
) -> None:
    servers.answer = lambda _: to(f"{servers.other}/b.mp4?sig=a%2Fb+c")
    async with Stores(redirects="any") as stores:
        pinned = await stores.open(
            an_item(f"{servers.allowed.replace('http://', 'http://name:word@')}/a.mp4")
        )
        assert await bytes_of(pinned.source, 0, 10) == DATA
    assert {request.raw_path for request in servers.other_requests} == {"/b.mp4?sig=a%2Fb+c"}
    assert not any(
        "Authorization" in request.headers or "Cookie" in request.headers
        for request in servers.other_requests
    )


async def test_redirects_in_a_circle_end(servers: Servers, stores: Stores) -> None:
    servers.answer = lambda _: to("/a.mp4")
    with pytest.raises(SourceError, match=f"more than {MOST_REDIRECTS} times") as caught:
        await stores.open(an_item(f"{servers.allowed}/a.mp4"))
    assert (caught.value.cause, len(servers.requests)) == ("redirect", MOST_REDIRECTS + 1)


@pytest.mark.parametrize("allowed", ["same-origin", "any"])
@pytest.mark.parametrize(
    "location",
    [
        None,
        "",
        "file:///etc/passwd",
        "ftp://a.example/b",
        "data:,x",
        "http://",
        "http://[::1",
        "http://a:b/",
    ],
)
def test_a_redirect_to_something_else_than_a_web_server_is_never_followed(
    location: str | None, allowed: Any
) -> None:
    with pytest.raises(SourceError, match="is no URL of a web server") as caught:
        redirect_target(
            "https://a.example/a.mp4", URL("https://a.example/a.mp4"), location, allowed
        )
    assert caught.value.cause == "redirect"


@pytest.mark.parametrize(
    "location",
    [
        "http://a.example/b.mp4",
        "https://a.example:8443/b.mp4",
        "https://a.example./b.mp4",
        "https://a.example.evil.example/b.mp4",
        "https://a.example@169.254.169.254/b.mp4",
        "//169.254.169.254/b.mp4",
        "https://sub.a.example/b.mp4",
        "\\\\169.254.169.254\\b.mp4",
        "https://a.example\\@169.254.169.254/b.mp4",
    ],
)
def test_only_the_same_scheme_host_and_port_are_the_same_origin(location: str) -> None:
    current = URL("https://a.example/a.mp4")
    followed = None
    with suppress(SourceError):
        followed = redirect_target(str(current), current, location, "same-origin")
    assert followed is None or (followed.host, followed.port, followed.scheme) == (
        "a.example",
        443,
        "https",
    )


@pytest.mark.parametrize(
    ("location", "followed"),
    [
        ("https://A.EXAMPLE:443/b.mp4?x=%2F+y", "https://a.example/b.mp4?x=%2F+y"),
        ("b c.mp4", "https://a.example/d/b%20c.mp4"),
        ("/é.mp4", "https://a.example/%C3%A9.mp4"),
        ("?x=1#part", "https://a.example/d/a.mp4?x=1"),
    ],
)
def test_an_origin_may_be_spelled_in_other_ways(location: str, followed: str) -> None:
    found = redirect_target("u", URL("https://a.example/d/a.mp4"), location, "same-origin")
    assert str(found).replace("A.EXAMPLE", "a.example") == followed


def test_another_word_than_these_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="same-origin, any"):
        Stores(redirects="all")  # type: ignore[arg-type]


@pytest.mark.parametrize(("flags", "code"), [([], 1), (["--redirects", "any"], 0)])
async def test_the_command_follows_redirects_to_another_server_only_if_it_was_asked_to(
    servers: Servers, emu: Emulator, tmp_path: Path, flags: list[str], code: int
) -> None:
    servers.answer = lambda _: to(f"{servers.other}/b.mp4")
    cli = Cli(tmp_path).use(emu)
    result = await asyncio.to_thread(cli, "ingest", f"{servers.allowed}/a.mp4", *flags)
    assert (result.code, bool(servers.other_requests)) == (code, code == 0), result
    assert (f"redirects to {servers.other}, which is not followed" in result.err) == (code == 1)
