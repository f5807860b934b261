"""Webhook deliveries: verified, read, and handled once (service.md#webhooks)."""

import asyncio
import contextvars
import functools
import json
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from http.client import parse_headers
from io import BytesIO
from typing import Any
from wsgiref.headers import Headers as WsgiHeaders

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy

from apivideo_async import ApiVideoClient, ConfigurationError, WebhookSignatureError, webhooks
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
    return json.dumps(
        {"type": "video.encoding.quality.completed", "videoId": "vi1", **members}
    ).encode()


# -- signatures


def test_the_example_of_the_guide() -> None:
    assert sign(GUIDE_BODY, GUIDE_SECRET) == GUIDE_SIGNATURE
    event = unwrap(GUIDE_BODY, {"x-api-video-signature": GUIDE_SIGNATURE}, GUIDE_SECRET)
    assert isinstance(event, VideoEncodingQualityCompleted)
    assert (event.encoding, event.quality, event.live_stream_id) == (
        "hls",
        "720p",
        "li0000000000000000000000",
    )


def test_the_worked_example() -> None:
    """service.md#webhook-signatures: the key is the whole secret, the message the raw body."""
    assert len(BODY) == 122
    assert sign(BODY, SECRET) == SIGNATURE
    assert sign(BODY, SECRET.removeprefix("sig_sec_")).startswith("0b77bba7")
    assert sign(json.dumps(json.loads(BODY)).encode(), SECRET).startswith("53adb164")


@pytest.mark.parametrize(
    "name", ["X-Api-Video-Signature", "x-api-video-signature", "X-API-VIDEO-SIGNATURE"]
)
@pytest.mark.parametrize("signature", [SIGNATURE, SIGNATURE.upper(), f" {SIGNATURE} "])
def test_a_signed_delivery_is_read(name: str, signature: str) -> None:
    event = unwrap(BODY, {"Content-Type": "application/json", name: signature}, SECRET)
    assert isinstance(event, LiveStreamBroadcastStarted)
    assert event.live_stream_id == "li400mYKSgQ6xs7taUeSaEap"


def test_any_of_several_secrets_fits() -> None:
    """While a secret changes, the old and the new one are both in use."""
    verify(BODY, signed(BODY), ["sig_sec_new", SECRET])
    verify(bytearray(BODY), signed(BODY), (one for one in (SECRET, "sig_sec_old")))
    with pytest.raises(WebhookSignatureError, match="does not match"):
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


NO_EVENTS = (
    *(
        b"",
        b"[]",
        b"null",
        b"1",
        b'"x"',
        b"{",
        b"\xff",
        b'{"type": "\xff"}',
        b"{}{}",
        b'{"a": NaN}',
        b'{"a": -Infinity}',
    ),
    *(
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"a":' * 500 + b"1" + b"}" * 500,
        b'{"a":' + b"[" * 200 + b"]" * 200 + b"}",
    ),
    b'{"a": ' + b"9" * 5000 + b"}",  # More digits than Python reads.
)


@pytest.mark.parametrize("body", NO_EVENTS, ids=range(len(NO_EVENTS)))
async def test_a_signed_body_that_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(WebhookSignatureError, match="not a JSON object"):
        unwrap(body, signed(body), SECRET)
    with pytest.raises(WebhookSignatureError, match="not a JSON object"):
        await WebhookHandler(SECRET).handle(body, signed(body))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
TYPES = [
    "live-stream.broadcast.ended",
    "video.source.recorded",
    "video.encoding.quality.completed",
    "video.new",
]
MEMBERS = ["type", "emittedAt", "videoId", "liveStreamId", "quality", "encoding", "extra"]


@settings(max_examples=40)
@given(st.dictionaries(st.sampled_from(MEMBERS), JSON), st.sampled_from(TYPES) | JSON)
def test_an_object_with_members_of_any_type_is_an_event(members: dict[str, Any], kind: Any) -> None:
    body = json.dumps({**members, "type": kind}).encode()
    event = unwrap(body, signed(body), SECRET)
    assert isinstance(event.key, str)
    assert unwrap(memoryview(body), signed(body), SECRET) == event


# -- headers of every form, with every content


class Pairs:
    """A container that is no Mapping, as of `http.client` and Werkzeug."""

    def __init__(self, *pairs: tuple[str, str]) -> None:
        self.pairs = pairs

    def items(self) -> tuple[tuple[str, str], ...]:
        return self.pairs


HEADERS: list[Any] = [
    CIMultiDict({"x-api-video-signature": SIGNATURE}),
    CIMultiDictProxy(CIMultiDict({"X-Api-Video-Signature": SIGNATURE})),
    [("Host", "x"), ("X-Api-Video-Signature", SIGNATURE)],
    ((b"host", b"\xff"), (b"x-api-video-signature", SIGNATURE.encode())),
    iter([(b"x-api-video-signature", bytearray(SIGNATURE.encode()))]),
    {b"X-Api-Video-Signature": SIGNATURE.encode()},
    {
        "REQUEST_METHOD": "POST",
        "wsgi.multithread": True,
        "HTTP_X_API_VIDEO_SIGNATURE": SIGNATURE,
        5: 6,
    },
    {"x-api-video-signature": [SIGNATURE]},
    {"X-Api-Video-Signature": f"\t{SIGNATURE.upper()}\r\n"},
    Pairs(("X-API-VIDEO-SIGNATURE", SIGNATURE)),
    CIMultiDict([("X-Api-Video-Signature", "é"), ("X-Api-Video-Signature", SIGNATURE)]),
    {"HTTP_X_API_VIDEO_SIGNATURE": f"é,{SIGNATURE}"},
    {b"HTTP_X_API_VIDEO_SIGNATURE": SIGNATURE.encode()},
    [[b"X-Api-Video-Signature", [b"other", memoryview(SIGNATURE.encode())]]],
    {"x_api_video_signature ": SIGNATURE},
    WsgiHeaders([("X-Api-Video-Signature", SIGNATURE)]),
    parse_headers(BytesIO(f"X-Api-Video-Signature: {SIGNATURE}\r\n\r\n".encode())),
]


@pytest.mark.parametrize("headers", HEADERS, ids=range(len(HEADERS)))
def test_headers_of_every_framework_are_read(headers: Any) -> None:
    assert isinstance(unwrap(BODY, headers, SECRET), LiveStreamBroadcastStarted)


UNSIGNED: list[Any] = [
    *(
        {},
        [],
        (),
        CIMultiDict(),
        {"Signature": SIGNATURE},
        {"X-Api-Video-Signature2": SIGNATURE},
        {None: SIGNATURE},
    ),
    *(
        {"X-Api-Video-Signature": value}
        for value in (None, 5, [], ["x", None], {}, b"", b"\xff" * 64, "\ud800" * 64)
    ),
    *(
        {"X-Api-Video-Signature": value}
        for value in ("é" * 64, "😀", "\udce9", "x" * 100_000, SIGNATURE + "\0", "\u0660" * 64)
    ),
    [(b"x-api-video-signature", b"caf\xe9"), ("x-api-video-signature", "sha256=" + SIGNATURE)],
]


@pytest.mark.parametrize("headers", UNSIGNED, ids=range(len(UNSIGNED)))
async def test_a_signature_of_any_content_is_refused_and_nothing_else(headers: Any) -> None:
    """``compare_digest`` raises TypeError for text that is not ASCII."""
    with pytest.raises(WebhookSignatureError):
        verify(BODY, headers, SECRET)
    with pytest.raises(WebhookSignatureError):
        await WebhookHandler(SECRET).handle(BODY, headers)


@given(st.text() | st.binary() | st.text(st.characters(categories=["Cs", "Lu", "Nd"])))
def test_no_signature_makes_another_error(signature: str | bytes) -> None:
    for headers in ({"X-Api-Video-Signature": signature}, [(b"x-api-video-signature", signature)]):
        with pytest.raises(WebhookSignatureError):
            verify(BODY, headers, SECRET)


@pytest.mark.parametrize(
    "headers", [None, 5, "text", object(), [1, 2], [("a", "b", "c")], dict, SIGNATURE]
)
def test_headers_that_are_none_are_a_wrong_argument(headers: Any) -> None:
    with pytest.raises(ConfigurationError, match="headers must be"):
        verify(BODY, headers, SECRET)


@pytest.mark.parametrize(
    "secret",
    [None, 5, b"\xff\xfes", [b"\xff"], [None], [[SECRET]], "\ud800", [SECRET, 1], {SECRET: 1}],
)
def test_a_secret_of_another_type_is_a_wrong_argument(secret: Any) -> None:
    with pytest.raises(ConfigurationError, match="secret must be"):
        verify(BODY, signed(BODY), secret)
    with pytest.raises(ConfigurationError, match="secret must be"):
        WebhookHandler(secret)
    with pytest.raises(ConfigurationError, match="secret must be"):
        sign(BODY, secret)


@pytest.mark.parametrize("secret", ["", " \n", [], [""], [SECRET, "\n"]])
def test_a_handler_without_a_secret_cannot_be_made(secret: Any) -> None:
    with pytest.raises(ConfigurationError, match="no webhook secret"):
        WebhookHandler(secret)


@pytest.mark.parametrize(
    "secret",
    [
        *(f"{SECRET}\n", f" {SECRET}\r\n", f"\ufeff{SECRET}\r\n", [f"{SECRET}\n", "other\t"]),
        *(SECRET.encode(), f"\ufeff{SECRET}\n".encode(), bytearray(f" {SECRET}\n", "ascii")),
        *(f"other {SECRET}", f"{SECRET}\nother\n".encode(), ["a b", f"other {SECRET}"]),
        *(["other", SECRET.encode()], {b"other", f"{SECRET}\t".encode()}, (SECRET, SECRET)),
    ],
)
def test_a_secret_is_text_or_bytes_and_white_space_around_it_is_left_out(secret: Any) -> None:
    """A file with a secret ends in a line break, and may begin with a byte order mark."""
    verify(BODY, signed(BODY), secret)
    WebhookHandler(secret)


@pytest.mark.parametrize("secret", ["webhook_abc", ["sig_sec_a", "webhook_abc"], b"webhook_abc"])
def test_the_id_of_a_webhook_is_not_its_secret(secret: Any) -> None:
    with pytest.raises(ConfigurationError, match="begins with sig_sec_"):
        verify(BODY, signed(BODY), secret)


def test_a_body_is_signed_with_a_secret_of_any_form() -> None:
    assert sign(BODY, f"{SECRET}\n") == sign(BODY, f"{SECRET}\n".encode()) == SIGNATURE
    client = ApiVideoClient("key", webhook_secret=SECRET.encode())
    client.webhooks.verify(BODY, signed(BODY))


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
    assert [
        event.quality for event in seen if isinstance(event, VideoEncodingQualityCompleted)
    ] == ["720p", "1080p"]
    assert await handler.handle(BODY, signed(BODY))  # Nobody waits for it, which is no error.
    with pytest.raises(WebhookSignatureError):
        await handler.handle(body, signed(other))


async def test_what_failed_is_handled_again() -> None:
    """service.md#webhook-delivery: a delivery that was not answered well is repeated."""
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


# -- several threads and loops


class Thread(threading.Thread):
    """A request of a synchronous framework: a loop of its own in a thread of its own."""

    def __init__(self, handler: WebhookHandler, body: bytes) -> None:
        super().__init__(daemon=True)
        self.result: Any = "still running"
        self._given = (handler, body)
        self.start()

    def run(self) -> None:
        handler, body = self._given
        try:
            self.result = asyncio.run(handler.handle(body, signed(body)))
        except Exception as error:
            self.result = repr(error)

    def end(self) -> Any:
        self.join(10)
        return self.result


def waiting(handler: WebhookHandler, count: int) -> None:
    """Wait until so many deliveries wait for the one that is handled."""
    while sum(len(handling._waiting) for handling in handler._running.values()) < count:
        time.sleep(0.001)


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("fails", [False, True])
def test_threads_with_loops_of_their_own_handle_an_event_once(plain: bool, fails: bool) -> None:
    handler, begun, release, runs = (
        WebhookHandler(SECRET),
        threading.Event(),
        threading.Event(),
        list[int](),
    )

    def work() -> None:
        runs.append(1)
        begun.set()
        assert release.wait(10)
        if fails and len(runs) == 1:
            raise OSError("failed")

    def blocking(event: VideoEncodingQualityCompleted) -> None:
        work()

    async def asynchronous(event: VideoEncodingQualityCompleted) -> None:
        await asyncio.to_thread(work)

    handler.on(VideoEncodingQualityCompleted)(blocking if plain else asynchronous)
    first = Thread(handler, delivery())
    assert begun.wait(10)
    others = [Thread(handler, delivery()) for _ in range(3)]
    waiting(handler, 3)
    release.set()
    assert first.end() == (repr(OSError("failed")) if fails else True)
    assert sorted(map(str, (other.end() for other in others))) == [
        "False",
        "False",
        "True" if fails else "False",
    ]
    assert len(runs) == (2 if fails else 1)
    assert not handler._running


async def test_a_delivery_of_another_loop_does_not_block_this_one() -> None:
    handler, begun, release = WebhookHandler(SECRET), threading.Event(), threading.Event()

    @handler.on(VideoEncodingQualityCompleted)
    def work(event: VideoEncodingQualityCompleted) -> None:
        begun.set()
        release.wait(10)

    first = Thread(handler, delivery())
    await asyncio.to_thread(begun.wait, 10)
    second = asyncio.create_task(handler.handle(delivery(), signed(delivery())))
    other = delivery(quality="1080p")
    for _ in range(20):
        await asyncio.sleep(0)
    assert not second.done()
    cancelled = asyncio.create_task(handler.handle(delivery(), signed(delivery())))
    await asyncio.sleep(0)
    cancelled.cancel()
    release.set()
    assert await second is False
    assert await handler.handle(other, signed(other)) is True
    assert await asyncio.to_thread(first.end) is True
    assert cancelled.cancelled()


def test_a_loop_that_is_closed_under_a_delivery_gives_the_event_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As by a server that ends a request's loop without cancelling its tasks."""
    monkeypatch.setattr(webhooks, "_CHECK_SECONDS", 0.01)
    handler, runs = WebhookHandler(SECRET), list[int]()

    @handler.on(VideoEncodingQualityCompleted)
    async def stuck(event: VideoEncodingQualityCompleted) -> None:
        runs.append(1)
        if len(runs) == 1:
            await asyncio.Event().wait()

    async def two_steps(task: "asyncio.Task[bool]") -> None:
        await asyncio.wait([task], timeout=0.01)

    loop = asyncio.new_event_loop()
    task = loop.create_task(handler.handle(delivery(), signed(delivery())))
    loop.run_until_complete(two_steps(task))
    other = Thread(handler, delivery())
    waiting(handler, 1)
    loop.close()
    assert other.end() is True
    assert asyncio.run(handler.handle(delivery(), signed(delivery()))) is False
    assert len(runs) == 2
    task._log_destroy_pending = False  # type: ignore[attr-defined]


async def test_a_waiting_loop_that_is_closed_is_no_error() -> None:
    handler, release = WebhookHandler(SECRET), asyncio.Event()

    @handler.on(VideoEncodingQualityCompleted)
    async def work(event: VideoEncodingQualityCompleted) -> None:
        await release.wait()

    def wait_and_close() -> Any:
        loop = asyncio.new_event_loop()
        task = loop.create_task(handler.handle(delivery(), signed(delivery())))
        loop.call_later(0.01, loop.stop)
        loop.run_forever()
        loop.close()
        return task

    first = asyncio.create_task(handler.handle(delivery(), signed(delivery())))
    await asyncio.sleep(0)
    abandoned = await asyncio.to_thread(wait_and_close)
    release.set()
    assert await first is True
    assert not abandoned.done()
    abandoned._log_destroy_pending = False


# -- plain functions


async def test_a_plain_function_runs_in_a_thread_with_the_context_of_the_delivery() -> None:
    handler, seen = WebhookHandler(SECRET), list[Any]()
    variable = contextvars.ContextVar[str]("variable")
    variable.set("of the request")

    @handler.on(VideoEncodingQualityCompleted)
    def ready(event: VideoEncodingQualityCompleted) -> None:
        seen.append(
            (event.video_id, variable.get(), threading.current_thread() is threading.main_thread())
        )

    async def later(event: VideoEncodingQualityCompleted) -> None:
        seen.append("awaited")

    class Callable:
        async def __call__(self, event: VideoEncodingQualityCompleted) -> None:
            seen.append("called")

    handler.on(VideoEncodingQualityCompleted)(lambda event: later(event))
    handler.on(VideoEncodingQualityCompleted)(functools.partial(later))
    handler.on(VideoEncodingQualityCompleted)(Callable())
    results = [await handler.handle(delivery(), signed(delivery())) for _ in range(3)]
    assert results == [True, False, False]
    assert seen == [("vi1", "of the request", False), "awaited", "awaited", "called"]


@pytest.mark.parametrize("error", [OSError("failed"), StopIteration()])
async def test_after_an_error_of_a_plain_function_the_event_can_be_handled_again(
    error: Exception,
) -> None:
    handler, errors = WebhookHandler(SECRET), [error]

    @handler.on(VideoEncodingQualityCompleted)
    def flaky(event: VideoEncodingQualityCompleted) -> None:
        if errors:
            raise errors.pop()

    with pytest.raises((OSError, RuntimeError)):
        await handler.handle(delivery(), signed(delivery()))
    assert await handler.handle(delivery(), signed(delivery())) is True


async def test_a_cancelled_delivery_keeps_its_turn_until_its_thread_has_ended() -> None:
    """A thread cannot be cancelled: the next delivery would run beside it."""
    handler, release, running = WebhookHandler(SECRET), threading.Event(), list[int]()

    @handler.on(VideoEncodingQualityCompleted)
    def work(event: VideoEncodingQualityCompleted) -> None:
        running.append(1)
        assert len(running) == 1
        release.wait(10)
        running.pop()

    first = asyncio.create_task(handler.handle(delivery(), signed(delivery())))
    while not running:
        await asyncio.sleep(0.001)
    second = asyncio.create_task(handler.handle(delivery(), signed(delivery())))
    for _ in range(3):
        first.cancel()
        await asyncio.sleep(0)
    assert not first.done()
    release.set()
    assert await second is True
    assert first.cancelled()


@pytest.mark.parametrize(
    "kind", [None, str, "video.source.recorded", int | str, object, lambda event: None]
)
def test_only_classes_of_events_can_be_registered_for(kind: Any) -> None:
    """`@handler.on` without a class passes the function itself."""
    with pytest.raises(ConfigurationError, match="class of events"):
        WebhookHandler(SECRET).on(kind)


def generator(event: UnknownEvent) -> Iterator[None]:
    yield


async def asynchronous_generator(event: UnknownEvent) -> AsyncIterator[None]:
    yield


def test_only_functions_can_be_registered() -> None:
    """A generator function would be called without executing anything."""
    for reaction in (None, "text", 5, generator, asynchronous_generator):
        with pytest.raises(ConfigurationError, match="must decorate a function without yield"):
            WebhookHandler(SECRET).on(UnknownEvent)(reaction)  # type: ignore[arg-type]


async def test_one_function_can_take_every_event() -> None:
    handler, seen = WebhookHandler(SECRET), list[WebhookEvent]()
    kind: Any = WebhookEvent
    handler.on(kind)(seen.append)
    for body in (BODY, delivery(), b"{}"):
        assert await handler.handle(body, signed(body))
    assert len(seen) == 3


@pytest.mark.parametrize("remember", [-1, None, 1.5, "10"])
def test_the_number_of_remembered_events_is_checked(remember: Any) -> None:
    with pytest.raises(ConfigurationError, match="remember"):
        WebhookHandler(SECRET, remember=remember)


async def test_remembering_an_event_takes_the_same_memory_whatever_its_size() -> None:
    handler = WebhookHandler(SECRET)
    body = json.dumps({"type": "video.new", "text": "x" * 100_000, "odd": "\ud800"}).encode()
    assert [await handler.handle(body, signed(body)) for _ in range(2)] == [True, False]
    assert sum(map(sys.getsizeof, handler._done)) < 1000


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

    use = "from apivideo_async import webhooks; webhooks.sign(b'', 'x')"
    code = f"import sys; {use}; print('aiohttp' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip()
        == "False"
    )
    assert set(webhooks.__all__) <= set(dir(webhooks))
