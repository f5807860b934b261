"""No operation displays a token, key or session from its arguments, whatever the server does."""

import asyncio
import json
import logging
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote, unquote

import attrs
import pytest

from apivideo_async import (
    ApiVideoClient,
    ApiVideoError,
    ConfigurationError,
    Restream,
    RetryPolicy,
    Source,
    Timeouts,
)
from apivideo_async.models import LiveStreamAssets, VideoAssets
from apivideo_async.models._tokens import mask_tokens
from apivideo_async.protocol.request import asset_request
from apivideo_async.protocol.response import Response
from tests.conftest import options
from tests.contract.operations import OPERATIONS, Operation

SECRET = "toSECRETSECRETSECRET"
KEY = "KEYSECRETSECRETSECRET"
ACCESS = "ACCESSSECRETSECRETSECRET"
HIDDEN = (SECRET, KEY, ACCESS)
TOKENS = {"access_token": ACCESS, "refresh_token": f"re{SECRET}", "expires_in": 3600}

Answer = Callable[[bytes, asyncio.StreamWriter], None]


def respond(writer: asyncio.StreamWriter, status: int, body: bytes, *headers: str) -> None:
    lines = [
        f"HTTP/1.1 {status} X",
        f"Content-Length: {len(body)}",
        "Connection: close",
        *headers,
        "",
        "",
    ]
    writer.write("\r\n".join(lines).encode() + body)


def echo(status: int) -> Answer:
    """A debugging page: the request, in the body, a header and the problem's members."""

    def answer(request: bytes, writer: asyncio.StreamWriter) -> None:
        text = unquote(request.decode("utf-8", "replace"))
        problem = {
            "type": f"https://x/{text[:60]}",
            "title": text,
            "detail": text,
            "name": text,
            "problems": [{"title": text}],
        }
        target = request.split(b" ")[1].decode()
        body = json.dumps([problem] if status == 200 else problem).encode()
        respond(writer, status, body, f"Location: http://other{target}", f"X-Echo: {target}")

    return answer


ANSWERS: dict[str, Answer | None] = {
    "dead server": None,
    "closes": lambda _, writer: writer.close(),
    "no HTTP": lambda _, writer: writer.write(b"SSH-2.0-OpenSSH_9\r\n\r\n"),
    "bad header": lambda _, writer: writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"),
    "two lengths": lambda _, w: w.write(
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx"
    ),
    "bad gzip": lambda _, writer: respond(writer, 200, b"abcde", "Content-Encoding: gzip"),
    "cut": lambda _, writer: (
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"),
        writer.close(),
    )[0],
    "page": lambda _, writer: respond(writer, 200, b"<html>"),
    **{f"echo {status}": echo(status) for status in (200, 302, 400, 401, 404, 503)},
}


@asynccontextmanager
async def serving(answer: Answer | None) -> AsyncIterator[str]:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            if head.startswith(b"POST /auth/api-key") and answer is not None:
                respond(writer, 200, json.dumps(TOKENS).encode())
            else:
                length = next(
                    (
                        int(line.split(b":")[1])
                        for line in head.lower().split(b"\r\n")
                        if b"content-length" in line
                    ),
                    0,
                )
                body = await reader.readexactly(length)
                assert answer is not None
                answer(head + body, writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    if answer is None:
        server.close()
        await server.wait_closed()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.close()


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """Every error that can be reached, those that a traceback leaves out as well."""
    pending, seen = [error], set()
    while pending:
        error = pending.pop()
        if error is not None and id(error) not in seen:
            seen.add(id(error))
            yield error
            pending += [error.__cause__, error.__context__, *getattr(error, "exceptions", ())]


def displayed(error: BaseException) -> str:
    parts = ["".join(traceback.format_exception(error))]
    for link in chain(error):
        parts += [
            str(link),
            repr(link),
            repr(getattr(link, "request", None)),
            repr(getattr(link, "ledger", None)),
        ]
        parts += [repr(value) for name, value in vars(link).items() if name != "body"]
    return "\n".join(parts)


async def check(call: Callable[[], Awaitable[Any]], caplog: pytest.LogCaptureFixture) -> None:
    shown = ""
    try:
        shown = repr(await call())
    except ApiVideoError as error:
        shown = displayed(error)
    shown += caplog.text
    caplog.clear()
    for secret in HIDDEN:
        assert secret not in shown
        assert secret not in unquote(shown)


@pytest.fixture(autouse=True)
def _everything_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)


def with_secrets(operation: Operation) -> Callable[[ApiVideoClient], Awaitable[Any]]:
    """The call of a row, with a secret wherever it takes one."""
    given = dict(operation.options)
    for name in ("api_key", "refresh_token", "stream_key", "upload_token"):
        if name in given:
            given[name] = SECRET
    if "restreams" in given:
        given["restreams"] = [Restream(name="n", server_url="rtmp://h/a", stream_key=SECRET)]
    arguments = list(operation.arguments)
    if "{uploadToken}" in operation.path or operation.name == "videos.upload_with_token":
        arguments[0] = SECRET
    return lambda client: operation.method(client)(*arguments, **given)


OTHERS: dict[str, Callable[[ApiVideoClient], Awaitable[Any]]] = {
    f"{method} {path}": lambda client, method=method, path=path: client.request(method, path)
    for method, path in [
        ("GET", f"/upload-tokens/{SECRET}"),
        ("get", f"//upload-tokens//{SECRET}"),
        ("DELETE", f"/upload%2Dtokens/{SECRET}"),
        ("GET", f"/Upload-Tokens/{SECRET}/"),
        ("GET", f"/x%2Fupload-tokens%2F{SECRET}"),
        ("GET", f"/vod/vi1/token/{SECRET}/session"),
        ("GET", f"/private/{SECRET}/li1.m3u8"),
    ]
} | {
    "query": lambda client: client.request("POST", "/upload", query={"token": SECRET}),
    "json": lambda client: client.request("POST", "/auth/refresh", json={"refreshToken": SECRET}),
    "source that fails": lambda client: client.videos.upload_with_token(SECRET, Failing()),
}


class Failing(Source):
    size = 100_000

    async def read(self, start: int, size: int) -> AsyncIterator[bytes]:
        yield b"x" * 50_000
        raise OSError("the disk is gone")


ONCE = RetryPolicy(attempts=1)


FAST = ("dead server", "no HTTP", "echo 200", "echo 400")


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(ANSWERS[name], id=name, marks=() if name in FAST else pytest.mark.slow)
        for name in ANSWERS
    ],
)
async def test_no_operation_displays_a_secret(
    answer: Answer | None, caplog: pytest.LogCaptureFixture
) -> None:
    timeouts = Timeouts(connect=20, response=20)
    async with serving(answer) as url:
        async with ApiVideoClient(
            KEY, base_url=url, retry=ONCE, timeouts=timeouts, upload=options()
        ) as client:
            for call in [*map(with_secrets, OPERATIONS), *OTHERS.values()]:
                await check(lambda call=call: call(client), caplog)


@pytest.mark.parametrize("answer", [echo(400), echo(503)])
async def test_the_key_of_basic_authentication_is_not_displayed(
    answer: Answer, caplog: pytest.LogCaptureFixture
) -> None:
    async with (
        serving(answer) as url,
        ApiVideoClient(KEY, base_url=url, auth="basic", retry=ONCE) as client,
    ):
        await check(lambda: client.videos.get("vi1"), caplog)


@pytest.mark.parametrize(
    ("method", "path", "options"),
    [
        ("GET", f"upload-tokens/{SECRET}", {}),
        ("GET", f"http://127.0.0.1/upload-tokens/{SECRET}", {}),
        ("GET", f"/upload-tokens/{SECRET}?x=1", {}),
        ("GET", f"/upload-tokens/{SECRET}#x", {}),
        ("GET", f"/upload-tokens/{SECRET} é", {}),
        (f"GET /upload-tokens/{SECRET}", "/videos", {}),
        ("GET", "/videos", {"headers": {"Authorization": f"Bearer {SECRET}\r\nX: y"}}),
        ("GET", "/videos", {"headers": {f"{SECRET}\n": "x"}}),
        ("POST", "/videos", {"json": {SECRET: object()}}),
        ("GET", None, {}),
        (None, "/videos", {}),
    ],
)
async def test_a_request_that_cannot_be_sent_is_refused_without_its_secrets(
    method: Any, path: Any, options: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    client = ApiVideoClient(KEY, base_url="http://127.0.0.1:1")
    with pytest.raises(ConfigurationError) as caught:
        await client.request(method, path, **options)
    assert SECRET not in displayed(caught.value)


def test_values_do_not_display_secrets() -> None:
    address = f"https://vod.api.video/vod/vi1/token/{SECRET}/hls/manifest.m3u8"
    values = [
        Response(200, {"x": SECRET}, SECRET.encode()),
        asset_request("videos.get", f"{address}?avh={SECRET}"),
        VideoAssets(
            hls=address, player=f"https://embed.api.video/vod/vi1?token={SECRET}", mp4=address
        ),
        VideoAssets(
            iframe=f'<iframe src="https://embed.api.video/vod/vi1?token={SECRET}"></iframe>'
        ),
        LiveStreamAssets(hls=f"https://live.api.video/private/{SECRET}/li1.m3u8"),
    ]
    for value in values:
        assert SECRET not in repr(value)
    assert attrs.asdict(VideoAssets(hls=address))["hls"] == address
    assert repr(VideoAssets(hls="https://x/y")).startswith(
        "VideoAssets(hls='https://x/y', iframe=None,"
    )


@pytest.mark.parametrize(
    ("address", "text"),
    [
        ("/videos/vi1/source", "/videos/vi1/source"),
        ("/videos/a%2Fb", "/videos/a%2Fb"),
        ("/upload-tokens", "/upload-tokens"),
        (f"/upload-tokens/{SECRET}", "/upload-tokens/…"),
        (f"GET /upload-tokens/{quote('a/b c')}", "GET /upload-tokens/…"),
        (f"/vod/vi%C3%A9/token/{SECRET}/session", "/vod/vi%C3%A9/token/…/session"),
        (f"/upload-tokens/a/{SECRET}/", "/upload-tokens/…"),
        (f"/token/a/upload-tokens/{SECRET}", "/token/…/upload-tokens/…"),
        (f"https://h/x?a=1&token={SECRET}&b=2", "https://h/x?a=1&token=…&b=2"),
    ],
)
def test_addresses_are_masked_and_nothing_else_changes(address: str, text: str) -> None:
    assert mask_tokens(address) == text
