"""Subscriptions and their deliveries.

See service.md#webhook-operations, service.md#webhooks, service.md#webhook-delivery.
"""

import asyncio
import hashlib
import hmac
import json

import pytest
from aiohttp import web

from apivideo_async.emulator.state.webhook import signature

ENCODED = "video.encoding.quality.completed"


class Subscriber:
    """A server that answers with one of ``statuses`` after the other, then with 200."""

    def __init__(self) -> None:
        self.calls: list[tuple[dict[str, str], bytes]] = []
        self.statuses: list[int] = []
        self.hold = asyncio.Event()
        self.hold.set()
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.calls.append((dict(request.headers), await request.read()))
        await self.hold.wait()
        status = self.statuses.pop(0) if self.statuses else 200
        return web.Response(
            status=status, headers={"Location": "/other"} if status == 302 else None
        )

    @property
    def events(self) -> list[dict[str, str]]:
        return [json.loads(body) for _, body in self.calls]


@pytest.fixture
async def subscriber():
    subscriber = Subscriber()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", subscriber.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    subscriber.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}/hook?a=b"
    yield subscriber
    await runner.cleanup()


async def subscribe(api, url, *events):
    reply = await api.send(
        "POST", "/webhooks", json={"url": url, "events": list(events or (ENCODED,))}
    )
    assert reply.status == 201
    return reply.json


async def test_webhooks_are_created_read_and_deleted(api):
    """The secret is in every representation (service.md#webhook-subscriptions)."""
    hook = await subscribe(api, "https://example.test/hook", ENCODED, "video.source.recorded")
    assert set(hook) == {"webhookId", "createdAt", "events", "url", "signatureSecret"}
    assert hook["webhookId"].startswith("webhook_")
    assert hook["signatureSecret"].startswith("sig_sec_")
    path = f"/webhooks/{hook['webhookId']}"
    assert (await api.send("GET", path)).json == hook
    other = await subscribe(api, "https://example.test/other")
    assert (await api.send("GET", "/webhooks")).json["data"] == [other, hook]
    assert (await api.send("GET", "/webhooks?events=video.source.recorded")).json["data"] == [hook]
    assert (await api.send("GET", "/webhooks?currentPage=2&pageSize=1")).json["data"] == [hook]
    assert (await api.send("PATCH", path, json={})).status == 405
    assert (await api.send("DELETE", path)).status == 204
    for method in ("GET", "DELETE"):
        gone = await api.send(method, path)
        assert (gone.status, gone.json["name"]) == (404, "webhookId")


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ({}, ["events", "url"]),
        ({"events": ENCODED, "url": "https://a.test"}, ["events"]),
        ({"events": ["video.deleted"], "url": "https://a.test"}, ["events[0]"]),
        ({"events": [ENCODED], "url": ""}, ["url"]),
        ({"events": [ENCODED], "url": "ftp://a.test"}, ["url"]),
        ({"events": [ENCODED], "url": "http://[a"}, ["url"]),
    ],
)
async def test_refused_webhooks(api, body, names):
    reply = await api.send("POST", "/webhooks", json=body)
    assert reply.status == 400
    assert [problem["name"] for problem in reply.json["problems"]] == names


async def test_there_is_a_limit_of_webhooks(start):
    api = await start(webhook_limit=1)
    await subscribe(api, "https://a.test")
    reply = await api.send("POST", "/webhooks", json={"url": "https://b.test", "events": [ENCODED]})
    assert (reply.status, reply.slug) == (400, "webhook-limit-reached")


def test_the_worked_example_of_a_signature():
    """HMAC-SHA256 of the raw body; the whole secret is the key (service.md#webhook-signatures)."""
    body = (
        b'{"type":"live-stream.broadcast.started","emittedAt":"2024-08-15T10:18:47+00:00",'
        b'"liveStreamId":"li400mYKSgQ6xs7taUeSaEap"}'
    )
    assert signature("sig_sec_4Q2mX9eVb7LkTn0RcZy81W", body) == (
        "abb95f2c8bf716b6f8e8a99bc414fb67d5d628f4ff42d637e1b416614485c870"
    )


async def test_deliveries_are_signed_and_in_order(api, subscriber, content):
    hook = await subscribe(api, subscriber.url)
    await subscribe(api, subscriber.url, "video.source.recorded")
    video_id = await api.create()
    await api.chunk(video_id, content(10))
    await api.emu.settled()
    assert subscriber.events == api.emu.events
    assert [event["quality"] for event in subscriber.events] == [
        "240p",
        "720p",
        "360p",
        "480p",
        "720p",
    ]
    for headers, body in subscriber.calls:
        assert headers["X-Api-Video-WebhookID"] == hook["webhookId"]
        expected = hmac.new(hook["signatureSecret"].encode(), body, hashlib.sha256).hexdigest()
        assert headers["X-Api-Video-Signature"] == expected
        assert headers["Content-Type"] == "application/json"
    assert [delivery.state for delivery in api.emu.deliveries] == ["delivered"] * 5
    logged = (await api.send("GET", "/_emulator/deliveries", auth=False)).json
    assert [delivery["answers"] for delivery in logged] == [[200]] * 5
    assert (await api.send("GET", "/_emulator/events", auth=False)).json == api.emu.events


async def test_failed_deliveries_are_repeated_three_times(start, subscriber):
    """Redirects are failures and are not followed. The next event waits for the earlier one.

    See service.md#webhook-delivery.
    """
    api = await start(webhook_pause=0.01)
    await subscribe(
        api, subscriber.url, "live-stream.broadcast.started", "live-stream.broadcast.ended"
    )
    subscriber.statuses = [500, 302, 404, 503, 500, 204]
    live_id = (await api.send("POST", "/live-streams", json={"name": "x"})).json["liveStreamId"]
    api.emu.start_broadcast(live_id)
    await api.send("PUT", f"/live-streams/{live_id}/complete")
    await api.emu.settled()
    assert [(delivery.state, delivery.answers) for delivery in api.emu.deliveries] == [
        ("failed", [500, 302, 404, 503]),
        ("delivered", [500, 204]),
    ]
    kinds = [event["type"].rpartition(".")[2] for event in subscriber.events]
    assert kinds == ["started"] * 4 + ["ended"] * 2
    assert len({body for _, body in subscriber.calls}) == 2, "a repetition is the same bytes"


async def test_one_video_does_not_wait_for_another(start, subscriber, content):
    api = await start()
    await subscribe(api, subscriber.url)
    subscriber.hold.clear()
    for _ in range(2):
        await api.chunk(await api.create(), content(10))
    async with asyncio.timeout(60):
        while len(subscriber.calls) < 2:
            await asyncio.sleep(0.01)
    assert len({event["videoId"] for event in subscriber.events}) == 2
    subscriber.hold.set()
    await api.emu.settled()
    assert len(subscriber.calls) == 10


async def test_no_answer_is_a_failure(start, subscriber, unused_tcp_port):
    """The connection is refused, or the response takes too long (service.md#webhook-delivery)."""
    api = await start(webhook_pause=0, webhook_timeout=0.05)
    await subscribe(api, f"http://localhost:{unused_tcp_port}/", "live-stream.broadcast.started")
    await subscribe(api, subscriber.url, "live-stream.broadcast.started")
    subscriber.hold.clear()
    live_id = (await api.send("POST", "/live-streams", json={"name": "x"})).json["liveStreamId"]
    api.emu.start_broadcast(live_id)
    await api.emu.settled()
    assert [(delivery.state, delivery.answers) for delivery in api.emu.deliveries] == [
        ("failed", [None] * 4)
    ] * 2


async def test_a_deleted_webhook_is_not_tried_again(start, subscriber):
    api = await start(webhook_pause=0.2)
    hook = await subscribe(api, subscriber.url, "live-stream.broadcast.started")
    subscriber.statuses = [500]
    live_id = (await api.send("POST", "/live-streams", json={"name": "x"})).json["liveStreamId"]
    api.emu.start_broadcast(live_id)
    async with asyncio.timeout(60):
        while not api.emu.deliveries[0].answers:
            await asyncio.sleep(0.01)
    await api.send("DELETE", f"/webhooks/{hook['webhookId']}")
    await api.emu.settled()
    assert (api.emu.deliveries[0].state, api.emu.deliveries[0].answers) == ("cancelled", [500])
    repeated = await api.send("POST", "/_emulator/deliveries/1", auth=False)
    assert (repeated.status, repeated.json["name"]) == (404, "webhookId")


async def test_only_this_machine_is_called(api, content):
    """URLs of other machines are called only with ``allow_network``."""
    for url in ("https://example.test/hook", "http://192.0.2.1/", "http://[2001:db8::1]/"):
        await subscribe(api, url)
    await api.chunk(await api.create(), content(10))
    await api.emu.settled()
    assert {(delivery.state, len(delivery.answers)) for delivery in api.emu.deliveries} == {
        ("not-allowed", 0)
    }


async def test_other_machines_are_called_when_that_is_allowed(start, subscriber, content):
    """Webhooks and ``source`` may call them. 0.0.0.0 is this machine, but no loopback address."""
    for allowed in (False, True):
        api = await start(allow_network=allowed)
        url = subscriber.url.replace("127.0.0.1", "0.0.0.0")
        await subscribe(api, url)
        assert (await api.send("POST", "/videos", json={"title": "x", "source": url})).status == 202
        await api.chunk(await api.create(), content(10))
        await api.emu.settled()
        assert {delivery.state for delivery in api.emu.deliveries} == {
            "delivered" if allowed else "not-allowed"
        }
        assert bool([headers for headers, body in subscriber.calls if not body]) is allowed, (
            "the source"
        )
    assert {headers["Host"].partition(":")[0] for headers, _ in subscriber.calls} == {"0.0.0.0"}


async def test_a_delivery_can_be_repeated(api, subscriber):
    """Tests of subscribers can deliver an event twice."""
    await subscribe(api, subscriber.url, "live-stream.broadcast.started")
    live_id = (await api.send("POST", "/live-streams", json={"name": "x"})).json["liveStreamId"]
    api.emu.start_broadcast(live_id)
    await api.emu.settled()
    assert (await api.send("POST", "/_emulator/deliveries/1", auth=False)).status == 204
    assert (await api.send("POST", "/_emulator/deliveries/9", auth=False)).status == 404
    await api.emu.settled()
    assert subscriber.calls[0][1] == subscriber.calls[1][1]
    assert [delivery.number for delivery in api.emu.deliveries] == [1, 2]
