"""Deliveries of webhooks: whose they are, what they say, and that each is handled once (CONTRACT §12)."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apivideo_async import ApiVideoClient, ApiVideoError, ConfigurationError, WebhookSignatureError, webhooks
from apivideo_async.webhooks import (
    LiveStreamBroadcastStarted,
    UnknownEvent,
    VideoEncodingQualityCompleted,
    WebhookEvent,
    WebhookHandler,
    sign,
    unwrap,
    verify,
)

SECRET = "sig_sec_4Q2mX9eVb7LkTn0RcZy81W"
BODY = (
    b'{"type":"live-stream.broadcast.started","emittedAt":"2024-08-15T10:18:47+00:00",'
    b'"liveStreamId":"li400mYKSgQ6xs7taUeSaEap"}'
)
SIGNATURE = "abb95f2c8bf716b6f8e8a99bc414fb67d5d628f4ff42d637e1b416614485c870"

GUIDE_BODY = (
    b'{"type":"video.encoding.quality.completed","emittedAt":"2021-01-29T15:46:25.217Z",'
    b'"videoId":"vi0000000000000000000000","liveStreamId":"li0000000000000000000000","encoding":"hls","quality":"720p"}'
)
GUIDE_SECRET = "sig_sec_0000000000000000000000"
GUIDE_SIGNATURE = "27a77d3a7fc626854886b5dbfae4e32c8b0170c1ea1b714c91ba77f1e7774e8c"


def signed(body: bytes, secret: str = SECRET) -> dict[str, str]:
    return {"X-Api-Video-Signature": sign(body, secret), "X-Api-Video-WebhookID": "webhook_1"}


def delivery(**members: Any) -> bytes:
    return json.dumps({"type": "video.encoding.quality.completed", "videoId": "vi1", **members}).encode()


# -- signatures


def test_the_example_of_the_guide() -> None:
    assert sign(GUIDE_BODY, GUIDE_SECRET) == GUIDE_SIGNATURE
    event = unwrap(GUIDE_BODY, {"x-api-video-signature": GUIDE_SIGNATURE}, GUIDE_SECRET)
    assert isinstance(event, VideoEncodingQualityCompleted)
    assert (event.encoding, event.quality, event.live_stream_id) == ("hls", "720p", "li0000000000000000000000")


def test_the_worked_example() -> None:
    """§12: the key is the whole secret, the message the raw body."""
    assert len(BODY) == 122
    assert sign(BODY, SECRET) == SIGNATURE
    assert sign(BODY, SECRET.removeprefix("sig_sec_")).startswith("0b77bba7")
    assert sign(json.dumps(json.loads(BODY)).encode(), SECRET).startswith("53adb164")


@pytest.mark.parametrize("name", ["X-Api-Video-Signature", "x-api-video-signature", "X-API-VIDEO-SIGNATURE"])
@pytest.mark.parametrize("signature", [SIGNATURE, SIGNATURE.upper(), f" {SIGNATURE} "])
def test_a_signed_delivery_is_read(name: str, signature: str) -> None:
    event = unwrap(BODY, {"Content-Type": "application/json", name: signature}, SECRET)
    assert isinstance(event, LiveStreamBroadcastStarted)
    assert event.live_stream_id == "li400mYKSgQ6xs7taUeSaEap"


def test_any_of_several_secrets_fits() -> None:
    """While a secret changes, the old and the new one are both in use."""
    verify(BODY, signed(BODY), ["sig_sec_new", SECRET])
    verify(bytearray(BODY), signed(BODY), (one for one in (SECRET, "sig_sec_old")))
    with pytest.raises(WebhookSignatureError, match="does not fit"):
        verify(BODY, signed(BODY), ["sig_sec_new", "sig_sec_old"])


@given(st.data())
def test_one_changed_byte_is_noticed(data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(BODY) - 1))
    other = bytes([data.draw(st.integers(0, 255).filter(lambda value: value != BODY[place]))])
    changed = BODY[:place] + other + BODY[place + 1 :]
    with pytest.raises(WebhookSignatureError):
        unwrap(changed, {"X-Api-Video-Signature": SIGNATURE}, SECRET)


@pytest.mark.parametrize("signature", ["", "é", SIGNATURE[:-1], SIGNATURE + "0", "0" * 64])
def test_a_signature_of_another_form_is_refused(signature: str) -> None:
    with pytest.raises(WebhookSignatureError) as caught:
        verify(BODY, {"X-Api-Video-Signature": signature}, SECRET)
    assert SECRET not in str(caught.value)
    assert SIGNATURE not in str(caught.value)


def test_an_unsigned_delivery_is_refused() -> None:
    with pytest.raises(WebhookSignatureError, match="no header X-Api-Video-Signature"):
        verify(BODY, {"X-Api-Video-WebhookID": "webhook_1"}, SECRET)


@pytest.mark.parametrize("secret", ["", [], [""], [SECRET, ""]])
def test_an_empty_secret_signs_nothing(secret: Any) -> None:
    with pytest.raises(ConfigurationError, match="signature_secret"):
        verify(BODY, signed(BODY, ""), secret)


@pytest.mark.parametrize("body", [BODY.decode(), json.loads(BODY), None])
def test_a_body_that_was_parsed_cannot_be_checked(body: Any) -> None:
    with pytest.raises(ConfigurationError, match="bytes as received"):
        verify(body, signed(BODY), SECRET)


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b"\xff", b"[" * 100_000])
def test_a_signed_body_that_is_no_object_is_an_error(body: bytes) -> None:
    with pytest.raises(ApiVideoError, match="no JSON object"):
        unwrap(body, signed(body), SECRET)


def test_an_event_of_a_new_type_is_no_error() -> None:
    body = b'{"type": "video.dreamt.of", "videoId": "vi1"}'
    event = unwrap(body, signed(body), SECRET)
    assert event == UnknownEvent(type="video.dreamt.of", extra={"videoId": "vi1"})


def test_the_client_knows_its_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    client = ApiVideoClient("key", webhook_secret=SECRET)
    assert isinstance(client.webhooks.unwrap(BODY, signed(BODY)), LiveStreamBroadcastStarted)
    client.webhooks.verify(BODY, signed(BODY, "other"), ["other"])
    with pytest.raises(WebhookSignatureError):
        client.webhooks.verify(BODY, signed(BODY, "other"))
    with pytest.raises(ConfigurationError, match="signature_secret"):
        ApiVideoClient("key").webhooks.verify(BODY, signed(BODY))
    monkeypatch.setenv("APIVIDEO_WEBHOOK_SECRET", SECRET)
    ApiVideoClient().webhooks.verify(BODY, signed(BODY))
    assert SECRET not in repr(client) + repr(client.config)


# -- the handler


async def test_an_event_is_handled_once_by_those_it_concerns() -> None:
    handler, seen = WebhookHandler(SECRET), list[WebhookEvent]()

    @handler.on(VideoEncodingQualityCompleted)
    async def ready(event: VideoEncodingQualityCompleted) -> None:
        seen.append(event)

    @handler.on(UnknownEvent)
    async def unknown(event: UnknownEvent) -> None:
        raise AssertionError("not meant for this")

    body = delivery(quality="720p")
    assert [await handler.handle(body, signed(body)) for _ in range(3)] == [True, False, False]
    other = delivery(quality="1080p")
    assert await handler.handle(other, signed(other))
    assert [event.quality for event in seen if isinstance(event, VideoEncodingQualityCompleted)] == ["720p", "1080p"]
    assert await handler.handle(BODY, signed(BODY))  # Nobody waits for it, which is no error.
    with pytest.raises(WebhookSignatureError):
        await handler.handle(body, signed(other))


async def test_what_failed_is_handled_again() -> None:
    """§12: a delivery that was not answered well is repeated."""
    handler, tries = WebhookHandler([SECRET]), 0

    @handler.on(VideoEncodingQualityCompleted)
    async def flaky(event: VideoEncodingQualityCompleted) -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise OSError("the database is away")

    body = delivery()
    with pytest.raises(OSError, match="away"):
        await handler.handle(body, signed(body))
    assert await handler.handle(body, signed(body))
    assert not await handler.handle(body, signed(body))


@pytest.mark.parametrize("fails", [False, True])
async def test_a_delivery_that_comes_while_the_first_is_handled_waits_for_it(fails: bool) -> None:
    """Answered at once it would be lost if the first failed."""
    handler, release, running = WebhookHandler(SECRET), asyncio.Event(), 0

    @handler.on(VideoEncodingQualityCompleted)
    async def slow(event: VideoEncodingQualityCompleted) -> None:
        nonlocal running
        running += 1
        assert running == 1
        await release.wait()
        running -= 1
        if fails and first.done() is False and asyncio.current_task() is first:
            raise OSError("failed")

    body = delivery()
    first = asyncio.create_task(handler.handle(body, signed(body)))
    await asyncio.sleep(0)
    others = [asyncio.create_task(handler.handle(body, signed(body))) for _ in range(3)]
    await asyncio.sleep(0)
    release.set()
    done = await asyncio.gather(first, *others, return_exceptions=True)
    assert isinstance(done[0], OSError) if fails else done[0] is True
    assert sorted(map(str, done[1:])) == ["False", "False", "True" if fails else "False"]


async def test_a_cancelled_delivery_leaves_nothing_behind() -> None:
    handler, count = WebhookHandler(SECRET), 0

    @handler.on(VideoEncodingQualityCompleted)
    async def stuck(event: VideoEncodingQualityCompleted) -> None:
        nonlocal count
        count += 1
        if count == 1:
            await asyncio.Event().wait()

    body = delivery()
    first = asyncio.create_task(handler.handle(body, signed(body)))
    await asyncio.sleep(0)
    second = asyncio.create_task(handler.handle(body, signed(body)))
    await asyncio.sleep(0)
    first.cancel()
    assert await second is True
    assert first.cancelled()


async def test_only_so_many_events_are_remembered() -> None:
    handler = WebhookHandler(SECRET, remember=2)
    bodies = [delivery(quality=quality) for quality in ("240p", "360p", "480p")]
    for body in bodies:
        assert await handler.handle(body, signed(body))
    assert not await handler.handle(bodies[1], signed(bodies[1]))
    assert await handler.handle(bodies[0], signed(bodies[0]))


def test_a_receiver_needs_no_client() -> None:
    """Nor aiohttp, which takes time to import."""
    import subprocess
    import sys

    code = "import sys; from apivideo_async import webhooks; webhooks.sign(b'', 'x'); print('aiohttp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False"
    assert set(webhooks.__all__) <= set(dir(webhooks))
