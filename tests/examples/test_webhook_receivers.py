"""`webhooks_*.py` accept deliveries that the emulator signed, and handle each event once."""

import asyncio
import contextlib
import importlib
import json
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import pytest
from aiohttp import ClientSession, web
from yarl import URL

from apivideo_async import ApiVideoClient, webhooks
from apivideo_async.emulator import Emulator

uvicorn = pytest.importorskip("uvicorn")

Load = Callable[[str], ModuleType]
ENCODED = webhooks.VideoEncodingQualityCompleted
QUALITIES = 5  # The emulator makes so many of an upload.


@dataclass
class Receiver:
    """A running example, its subscriptions' secrets, and what it dealt with."""

    url: str
    example: ModuleType
    emulator: Emulator
    client: ApiVideoClient
    secrets: Sequence[str]
    seen: list[webhooks.VideoEncodingQualityCompleted] = field(default_factory=list)

    async def upload(self) -> str:
        """Make the emulator deliver events about a video, and wait for the last one."""
        video = await self.client.upload(b"movie", title="Movie")
        await self.emulator.settled()
        return video.video_id

    async def send(self, body: bytes, signature: str | None) -> int:
        """Send something that only looks like a delivery."""
        headers = {} if signature is None else {webhooks.SIGNATURE_HEADER: signature}
        async with (
            ClientSession() as session,
            session.post(self.url, data=body, headers=headers) as answer,
        ):
            return answer.status

    async def again(self, number: int) -> None:
        """Deliver a second time what was delivered."""
        async with ClientSession(raise_for_status=True) as session:
            await session.post(f"{self.emulator.url}/_emulator/deliveries/{number}")
        await self.emulator.settled()


@contextlib.asynccontextmanager
async def serving_wsgi(app: Any, listener: socket.socket) -> AsyncIterator[None]:
    """Serve an app with a thread for each request."""
    from werkzeug.serving import make_server

    # Otherwise the server configures logging and prints each request.
    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    server = make_server("127.0.0.1", 0, app, threaded=True, fd=listener.fileno())
    serving = asyncio.create_task(asyncio.to_thread(server.serve_forever, 0.01))
    yield
    server.shutdown()
    await serving
    server.server_close()


@contextlib.asynccontextmanager
async def serving(name: str, example: ModuleType, listener: socket.socket) -> AsyncIterator[None]:
    """Serve the app of an example by what its docstring names."""
    if name == "webhooks_flask":
        async with serving_wsgi(example.app, listener):
            yield
        return
    if name == "webhooks_django by WSGI":
        from django.core.wsgi import get_wsgi_application

        async with serving_wsgi(get_wsgi_application(), listener):
            yield
        return
    if isinstance(example.app, web.Application):
        runner = web.AppRunner(example.app, access_log=None)
        await runner.setup()
        await web.SockSite(runner, listener).start()
        yield
        await runner.cleanup()
        return
    server = uvicorn.Server(uvicorn.Config(example.app, log_level="critical", ws="none"))
    running = asyncio.create_task(server.serve(sockets=[listener]))
    async with asyncio.timeout(60):
        while not server.started:
            await asyncio.sleep(0.01)
    yield
    server.should_exit = True
    await running


Start = Callable[..., Awaitable[Receiver]]


RECEIVERS = {
    "webhooks_fastapi": "fastapi",
    "webhooks_starlette": "starlette",
    "webhooks_litestar": "litestar",
    "webhooks_aiohttp": "aiohttp",
    "webhooks_flask": "flask",
    "webhooks_django": "django",
    "webhooks_django by WSGI": "django",
}
"""Each example, and the framework that it needs."""


@pytest.fixture(params=RECEIVERS)
async def start(
    request: pytest.FixtureRequest, load: Load, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Start]:
    """Start an example with as many subscriptions to its address as the test wants."""
    framework = pytest.importorskip(RECEIVERS[request.param])
    if framework.__name__ == "django":
        # Django keeps the views of a module in a cache, and each test loads the module again.
        importlib.import_module("django.urls").clear_url_caches()
    async with contextlib.AsyncExitStack() as stack:

        async def begin(subscriptions: int = 1) -> Receiver:
            emulator = await stack.enter_async_context(Emulator(webhook_pause=0.01))
            client = await stack.enter_async_context(
                ApiVideoClient(emulator.api_key, base_url=emulator.url)
            )
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            url = f"http://127.0.0.1:{listener.getsockname()[1]}/webhooks"
            made = [
                await client.webhooks.create(events=[ENCODED.TYPE], url=url)
                for _ in range(subscriptions)
            ]
            secrets = [str(webhook.signature_secret) for webhook in made]
            monkeypatch.setenv("APIVIDEO_WEBHOOK_SECRET", " ".join(secrets))
            example = load(request.param.split()[0])
            receiver = Receiver(url, example, emulator, client, secrets)
            await stack.enter_async_context(serving(request.param, example, listener))

            @example.handler.on(ENCODED)
            async def remember(event: webhooks.VideoEncodingQualityCompleted) -> None:
                receiver.seen.append(event)

            return receiver

        yield begin


async def test_signed_deliveries_are_dealt_with(
    start: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    receiver = await start()
    video_id = await receiver.upload()
    assert [delivery.answers for delivery in receiver.emulator.deliveries] == [[204]] * QUALITIES
    assert {event.video_id for event in receiver.seen} == {video_id}
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == QUALITIES
    assert all(line.startswith(f"{video_id} can be watched in ") for line in lines)


async def test_a_repeated_delivery_is_answered_and_not_dealt_with_again(start: Start) -> None:
    receiver = await start()
    await receiver.upload()
    await receiver.again(1)
    assert receiver.emulator.deliveries[-1].answers == [204]
    assert len(receiver.emulator.deliveries) == QUALITIES + 1
    assert len(receiver.seen) == QUALITIES


async def test_while_a_secret_is_rotated_both_are_taken_and_each_event_is_dealt_with_once(
    start: Start,
) -> None:
    receiver = await start(subscriptions=2)
    await receiver.upload()
    assert [delivery.state for delivery in receiver.emulator.deliveries] == [
        "delivered"
    ] * 2 * QUALITIES
    assert len({delivery.webhook_id for delivery in receiver.emulator.deliveries}) == 2
    assert len(receiver.seen) == QUALITIES


async def test_what_failed_is_delivered_again(start: Start) -> None:
    receiver = await start()
    failures = [RuntimeError("the database is away")]

    @receiver.example.handler.on(ENCODED)
    async def fail_once(event: webhooks.VideoEncodingQualityCompleted) -> None:
        if failures:
            raise failures.pop()

    await receiver.upload()
    first, *others = [delivery.answers for delivery in receiver.emulator.deliveries]
    assert first == [500, 204]
    assert others == [[204]] * (QUALITIES - 1)


async def test_what_is_not_signed_is_refused(start: Start) -> None:
    receiver = await start()
    body = json.dumps({"type": ENCODED.TYPE, "videoId": "vi1"}).encode()
    assert await receiver.send(body, None) == 400
    assert await receiver.send(body, webhooks.sign(body, "sig_sec_guessed")) == 400
    assert await receiver.send(body + b" ", webhooks.sign(body, receiver.secrets[0])) == 400
    assert receiver.seen == []


@pytest.mark.parametrize(
    "signature", [b"caf\xe9", "é".encode(), b"\xff" * 64, b"", b"\x80" + b"0" * 63], ids=range(5)
)
async def test_a_signature_of_any_bytes_is_refused(start: Start, signature: bytes) -> None:
    """Sent as raw bytes, because clients refuse such headers. A response of 500 is a defect."""
    receiver = await start()
    reader, writer = await asyncio.open_connection("127.0.0.1", URL(receiver.url).port)
    head = b"POST /webhooks HTTP/1.1\r\nHost: x\r\nX-Api-Video-Signature: " + signature
    writer.write(head + b"\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
    assert b" 400 " in await reader.readline()
    writer.close()
    await writer.wait_closed()
    assert receiver.seen == []


async def test_a_signed_body_that_is_no_event_is_refused(start: Start) -> None:
    receiver = await start()
    for body in (b"", b"[]", b"{", b"\xff", b"null", b'{"a":' * 2000):
        assert await receiver.send(body, webhooks.sign(body, receiver.secrets[0])) == 400
    odd = json.dumps(
        {"type": ENCODED.TYPE, "videoId": {"a": [1]}, "emittedAt": 5, "quality": None}
    ).encode()
    assert await receiver.send(odd, webhooks.sign(odd, receiver.secrets[0])) == 204


async def test_an_event_that_nobody_waits_for_is_taken(start: Start) -> None:
    """An answer other than 2xx would make api.video deliver it three times more."""
    receiver = await start()
    for kind in ("video.source.recorded", "video.of.the.future"):
        body = json.dumps({"type": kind, "emittedAt": "2026-01-02T03:04:05+00:00"}).encode()
        assert await receiver.send(body, webhooks.sign(body, receiver.secrets[0])) == 204
    assert receiver.seen == []


async def test_a_body_larger_than_any_event_is_not_read(start: Start) -> None:
    receiver = await start()
    body = b" " * (receiver.example.LARGEST + 1)
    assert await receiver.send(body, webhooks.sign(body, receiver.secrets[0])) == 413
