"""Files on web servers: checked ranges, presigned URLs that expire, broken connections."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from apivideo_async.errors import SourceError
from apivideo_async.ingest.stores.stores import Stores
from tests.conftest import data_of
from tests.ingest.conftest import Serve, an_item, bytes_of

DATA = data_of(3_000_000)
MODIFIED = "Mon, 05 Jan 2026 10:00:00 GMT"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def part(request: web.Request, data: bytes = DATA, etag: str = '"1"') -> web.Response:
    """Return the response of a server that supports byte ranges."""
    requested = request.http_range
    start, stop = requested.start or 0, min(requested.stop or len(data), len(data))
    headers = {
        "Content-Range": f"bytes {start}-{stop - 1}/{len(data)}",
        "ETag": etag,
        "Last-Modified": MODIFIED,
    }
    if not data:
        return web.Response(status=416, headers={"Content-Range": "bytes */0"})
    return web.Response(status=206, body=data[start:stop], headers=headers)


async def serving(request: web.Request) -> web.StreamResponse:
    return part(request)


async def test_a_file_arrives_range_by_range_and_whole(serve: Serve, stores: Stores) -> None:
    pinned = await stores.open(
        an_item(f"{await serve(serving)}/films/a%20b.mp4?x=1", size=len(DATA))
    )
    parts = [
        await bytes_of(pinned.source, start, min(999_999, len(DATA) - start))
        for start in range(0, len(DATA), 999_999)
    ]
    assert hashlib.sha256(b"".join(parts)).digest() == hashlib.sha256(DATA).digest()
    assert (pinned.size, pinned.version, pinned.source.name) == (len(DATA), '"1"', "a b.mp4")


async def test_the_query_is_sent_as_it_was_given(serve: Serve, stores: Stores) -> None:
    """Another encoding of the query would invalidate the signature."""
    seen = []

    async def note(request: web.Request) -> web.StreamResponse:
        seen.append(request.raw_path)
        return part(request)

    path = "/a%2Bb+c%20d.mp4?X-Amz-Credential=K%2F20260105&X-Amz-Signature=ab%3D%7e"
    pinned = await stores.open(an_item(await serve(note) + path))
    assert await pinned.pull_url(60) == pinned.source.uri
    assert seen == [path, path]


async def test_what_broke_off_goes_on_where_it_was(serve: Serve, stores: Stores) -> None:
    starts = []

    async def breaking(request: web.Request) -> web.StreamResponse:
        answer = part(request)
        if answer.content_length == 1:
            return answer
        starts.append(request.http_range.start)
        if len(starts) > 2:
            return answer
        torn = web.StreamResponse(status=206, headers=answer.headers)
        await torn.prepare(request)
        await torn.write(answer.body[:500_000])  # type: ignore[index]
        request.transport.close()  # type: ignore[union-attr]
        return torn

    pinned = await stores.open(an_item(f"{await serve(breaking)}/a.mp4"))
    assert await bytes_of(pinned.source, 1000, 2_000_000) == DATA[1000:2_001_000]
    assert len(starts) == 3
    assert starts[0] < starts[1] < starts[2]


@pytest.mark.parametrize("weak", [False, True], ids=["pinned by the server", "compared by us"])
async def test_a_file_that_is_replaced_while_it_is_read_is_an_error(
    serve: Serve, stores: Stores, weak: bool
) -> None:
    etag, refused = 'W/"1"' if weak else '"1"', list[web.Request]()

    async def changing(request: web.Request) -> web.StreamResponse:
        if request.headers.get("If-Match", etag) != etag:
            refused.append(request)
            return web.Response(status=412)
        return part(request, etag=etag)

    pinned = await stores.open(an_item(f"{await serve(changing)}/a.mp4"))
    assert await bytes_of(pinned.source, 0, 10) == DATA[:10]
    etag = 'W/"2"' if weak else '"2"'
    with pytest.raises(SourceError) as caught:
        await bytes_of(pinned.source, 10, 10)
    assert (caught.value.cause, caught.value.retryable) == ("changed", False)
    assert len(refused) == (0 if weak else 1)


async def test_a_server_that_ignores_ranges_serves_a_pull_and_no_stream(
    serve: Serve, stores: Stores
) -> None:
    async def whole(_: web.Request) -> web.StreamResponse:
        return web.Response(body=DATA)

    uri = f"{await serve(whole)}/a.mp4"
    with pytest.raises(SourceError, match="does not serve byte ranges") as caught:
        await stores.open(an_item(uri))
    assert caught.value.cause == "unsupported"
    pinned = await stores.open(an_item(uri, strategy="auto"))
    assert (pinned.size, await pinned.pull_url(60)) == (len(DATA), uri)
    with pytest.raises(SourceError, match="does not serve byte ranges"):
        await bytes_of(pinned.source, 10, 10)


@pytest.mark.parametrize(
    ("given", "cause"),
    [("bytes 0-9/3000000", "changed"), ("bytes 10-19/3000001", "changed"), ("nonsense", "changed")],
)
async def test_another_range_than_the_one_asked_for_is_never_taken(
    serve: Serve, stores: Stores, given: str, cause: str
) -> None:
    async def wrong(request: web.Request) -> web.StreamResponse:
        answer = part(request)
        if request.http_range.stop != 1:
            answer.headers["Content-Range"] = given
        return answer

    pinned = await stores.open(an_item(f"{await serve(wrong)}/a.mp4"))
    with pytest.raises(SourceError) as caught:
        await bytes_of(pinned.source, 10, 10)
    assert caught.value.cause == cause


@pytest.mark.parametrize("size", [5, 15], ids=["fewer", "more"])
async def test_another_number_of_bytes_than_announced_is_never_taken(
    serve: Serve, stores: Stores, size: int
) -> None:
    async def wrong(request: web.Request) -> web.StreamResponse:
        answer = part(request)
        if request.http_range.stop != 1:
            answer.body = DATA[:size]
        return answer

    pinned = await stores.open(an_item(f"{await serve(wrong)}/a.mp4"))
    with pytest.raises(SourceError):
        await bytes_of(pinned.source, 10, 10)


SIGNED = "/a.mp4?X-Amz-Date=20260105T100000Z&X-Amz-Expires=60&X-Amz-Signature=word"


@pytest.mark.parametrize(
    ("path", "status", "body", "cause", "retryable"),
    [
        (
            SIGNED,
            403,
            "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>",
            "expired",
            False,
        ),
        (SIGNED, 400, "<Error><Code>ExpiredToken</Code></Error>", "expired", False),
        ("/a.mp4?sv=1&se=2&sig=word", 403, "", "expired", False),
        ("/a.mp4", 403, "", "credentials", False),
        ("/a.mp4", 401, "", "credentials", False),
        (SIGNED, 404, "", "missing", False),
        ("/a.mp4", 410, "", "missing", False),
        ("/a.mp4", 400, "", "unreadable", False),
        (SIGNED, 503, "<Error><Code>SlowDown</Code></Error>", "unreachable", True),
        ("/a.mp4", 429, "", "unreachable", True),
    ],
)
async def test_errors_of_a_server_are_reported_without_the_signature(
    serve: Serve, stores: Stores, path: str, status: int, body: str, cause: str, retryable: bool
) -> None:
    async def refusing(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status, text=body)

    with pytest.raises(SourceError, match=r"/a\.mp4") as caught:
        await stores.open(an_item(await serve(refusing) + path))
    error = caught.value
    assert (error.cause, error.retryable) == (cause, retryable)
    assert "word" not in repr(error)


async def test_a_signature_that_expires_before_the_pull_is_noticed(
    serve: Serve, stores: Stores
) -> None:
    over = False

    async def ending(request: web.Request) -> web.StreamResponse:
        return web.Response(status=403) if over else part(request)

    pinned = await stores.open(an_item(await serve(ending) + SIGNED))
    over = True
    with pytest.raises(SourceError, match="presigned URL has expired") as caught:
        await pinned.pull_url(60)
    assert caught.value.cause == "expired"


async def test_an_empty_file_is_an_error(serve: Serve, stores: Stores) -> None:
    async def empty(request: web.Request) -> web.StreamResponse:
        return part(request, b"")

    with pytest.raises(SourceError) as caught:
        await stores.open(an_item(f"{await serve(empty)}/a.mp4"))
    assert caught.value.cause == "empty"


@pytest.mark.parametrize("about", [{"size": 9}, {"version": '"0"'}], ids=["size", "version"])
async def test_a_file_that_is_not_what_was_listed_is_not_opened(
    serve: Serve, stores: Stores, about: dict[str, Any]
) -> None:
    with pytest.raises(SourceError) as caught:
        await stores.open(an_item(f"{await serve(serving)}/a.mp4", **about))
    assert caught.value.cause == "changed"


async def test_a_server_that_packs_or_hides_the_size_is_refused(
    serve: Serve, stores: Stores
) -> None:
    async def packed(request: web.Request) -> web.StreamResponse:
        return web.Response(body=b"x", headers={"Content-Encoding": "br"})

    async def sizeless(request: web.Request) -> web.StreamResponse:
        return web.Response(status=206, body=b"x", headers={"Content-Range": "bytes 0-0/*"})

    async def chunked(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        await answer.write(b"x")
        return answer

    for handler in (packed, sizeless, chunked):
        with pytest.raises(SourceError) as caught:
            await stores.open(an_item(f"{await serve(handler)}/a.mp4"))
        assert caught.value.cause == "unsupported"


async def test_a_server_that_cannot_be_reached_may_be_tried_again(
    free_port: int, stores: Stores
) -> None:
    with pytest.raises(SourceError, match="cannot be reached") as caught:
        await stores.open(an_item(f"http://127.0.0.1:{free_port}/a.mp4?X-Amz-Signature=word"))
    assert (caught.value.cause, caught.value.retryable) == ("unreachable", True)
    assert "word" not in repr(caught.value)
    assert caught.value.__cause__ is None
