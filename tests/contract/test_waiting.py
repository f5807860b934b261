"""Methods that send several requests: waiting, private sessions, raw responses."""

import asyncio
import json
import weakref
from collections import Counter
from typing import Any

import pytest

from apivideo_async import (
    ApiResponseError,
    ApiTimeoutError,
    ApiVideoClient,
    ConfigurationError,
    EncodingError,
    NotFoundError,
    Restream,
    SourceError,
    Video,
    VideoAssets,
)
from tests.conftest import blocks_of
from tests.contract.recorder import LIMITS, Answer, Recorder, Seen

PLAYABLE = Answer(
    body={"encoding": {"playable": True, "qualities": [{"status": "encoded"}]}}, headers={}
)
ENCODING = Answer(
    body={"encoding": {"playable": False, "qualities": [{"status": "encoding"}]}}, headers={}
)
FAILED = Answer(body={"encoding": {"qualities": [{"status": "failed"}]}}, headers={})
MISSING = Answer(404, {"type": "https://docs.api.video/reference/resource-not-found"}, {})


async def test_one_poller_waits_for_a_thousand_videos(
    recorder: Recorder, client: ApiVideoClient
) -> None:
    polls: Counter[str] = Counter()

    def answer(seen: Seen) -> Answer:
        polls[seen.path] += 1
        number = int(seen.path.split("/")[2].removeprefix("vi"))
        if number == 7:
            return MISSING
        return FAILED if number == 8 else PLAYABLE if polls[seen.path] > number % 2 else ENCODING

    recorder.answer = answer
    ids = [f"vi{number}" for number in range(1000)]
    results = [result async for result in client.videos.wait_until_playable_many(ids, timeout=60)]
    assert sorted(result.video_id for result in results) == sorted(ids)
    errors = {result.video_id: type(result.error) for result in results if result.error is not None}
    assert errors == {"vi7": NotFoundError, "vi8": EncodingError}
    assert all(
        result.status and result.status.playable for result in results if result.error is None
    )
    assert max(polls.values()) == 2


async def test_a_video_that_is_not_playable_in_time_is_an_error_result(
    recorder: Recorder, client: ApiVideoClient
) -> None:
    recorder.answer = lambda seen: PLAYABLE if "/vi1/" in seen.path else ENCODING
    results = [
        one
        async for one in client.videos.wait_until_playable_many(["vi0", "vi1", "vi2"], timeout=0.8)
    ]
    assert [(one.video_id, type(one.error)) for one in results] == [
        ("vi1", type(None)),
        ("vi0", ApiTimeoutError),
        ("vi2", ApiTimeoutError),
    ]


async def test_polls_leave_half_of_the_budget_to_others(
    recorder: Recorder, client: ApiVideoClient
) -> None:
    """500 requests a minute: at most one poll in 0.24 s, once the limit is known."""
    recorder.answer = lambda _: Answer(body=ENCODING.body, headers=LIMITS)
    [
        _
        async for _ in client.videos.wait_until_playable_many(
            [f"vi{n}" for n in range(50)], timeout=0.9
        )
    ]
    assert 2 <= len(recorder.seen) <= 5


async def test_waiting_for_no_video_sends_nothing(
    recorder: Recorder, client: ApiVideoClient
) -> None:
    assert [one async for one in client.videos.wait_until_playable_many([])] == []
    with pytest.raises(ConfigurationError, match="list of texts"):
        [one async for one in client.videos.wait_until_playable_many("vi1")]
    with pytest.raises(ConfigurationError, match="video_id"):
        [one async for one in client.videos.wait_until_playable_many([""])]
    assert recorder.seen == []


@pytest.mark.parametrize(
    "not_yet",
    [Answer(202, b"", {}), Answer(404, {}, {}), Answer(200, b"", {}), Answer(503, {}, {})],
)
async def test_a_probe_waits_for_the_manifest(
    recorder: Recorder, client: ApiVideoClient, not_yet: Answer
) -> None:
    """service.md#hls-readiness: 202 means not yet."""
    asked = Counter[str]()

    def answer(seen: Seen) -> Answer:
        asked[seen.path] += 1
        if seen.path.endswith("/status"):
            return PLAYABLE
        if seen.path == "/videos/vi1":
            assets = {"hls": f"{recorder.url}/vod/vi1/hls/manifest.m3u8"}
            return Answer(
                body={"videoId": "vi1", "assets": assets if asked[seen.path] > 1 else None},
                headers={},
            )
        assert "authorization" not in seen.headers
        return not_yet if asked[seen.path] == 1 else Answer(200, b"#EXTM3U", {})

    recorder.answer = answer
    assert (await client.videos.wait_until_playable("vi1", timeout=60, probe=True)).playable
    assert asked == {"/videos/vi1/status": 3, "/videos/vi1": 3, "/vod/vi1/hls/manifest.m3u8": 2}


# -- private videos


def private(recorder: Recorder) -> Video:
    return Video(
        video_id="vi1", assets=VideoAssets(hls=f"{recorder.url}/vod/vi1/token/t1/hls/manifest.m3u8")
    )


async def test_a_private_session_opens_every_asset(
    recorder: Recorder, client: ApiVideoClient
) -> None:
    """service.md#private-sessions."""
    recorder.answer = lambda _: Answer(body={"session_token": "s1"}, headers={})
    session = await client.videos.open_private_session(private(recorder))
    assert session.assets.hls == f"{recorder.url}/vod/vi1/token/t1/hls/manifest.m3u8?avh=s1"
    [seen] = recorder.seen
    assert (seen.path, seen.headers.get("authorization")) == ("/vod/vi1/token/t1/session", None)


async def test_a_used_token_is_an_error_without_retry(
    recorder: Recorder, client: ApiVideoClient
) -> None:
    recorder.answer = lambda _: Answer(404, b"", {})
    with pytest.raises(NotFoundError) as caught:
        await client.videos.open_private_session(private(recorder))
    assert "t1" not in str(caught.value) + repr(caught.value.request)
    recorder.answer = lambda _: Answer(503, b"", {})
    with pytest.raises(Exception, match="503"):
        await client.videos.open_private_session(private(recorder))
    assert len(recorder.seen) == 2


@pytest.mark.parametrize("body", [{}, [], {"session_token": 5}, b"<html>"])
async def test_a_response_without_a_session_token_is_an_error(
    recorder: Recorder, client: ApiVideoClient, body: Any
) -> None:
    recorder.answer = lambda _: Answer(body=body, headers={})
    with pytest.raises(ApiResponseError, match="no session_token"):
        await client.videos.open_private_session(private(recorder))


# -- raw answers, small files, tokens by hand


async def test_methods_that_send_no_request_have_no_raw_response(client: ApiVideoClient) -> None:
    for name in ("nothing", "_pipeline", "_call"):
        with pytest.raises(AttributeError):
            getattr(client.videos.with_raw_response, name)
    with pytest.raises(TypeError, match="open_upload sends no request"):
        await client.videos.with_raw_response.open_upload("vi1")


async def test_raw_responses_of_concurrent_calls_are_separate(
    recorder: Recorder, client: ApiVideoClient
) -> None:
    recorder.answer = lambda seen: Answer(body={"videoId": seen.path.rpartition("/")[2]})
    calls = [client.videos.with_raw_response.get(f"vi{number}") for number in range(20)]
    raws = await asyncio.gather(*calls)
    assert [raw.value.video_id for raw in raws] == [f"vi{number}" for number in range(20)]
    assert all(raw.value.video_id.encode() in raw.body for raw in raws)


async def test_of_several_requests_the_last_response_is_returned(
    recorder: Recorder, client: ApiVideoClient
) -> None:
    recorder.answer = lambda _: Answer(body=(ENCODING, PLAYABLE)[len(recorder.seen) > 1].body)
    raw = await client.videos.with_raw_response.wait_until_playable("vi1", timeout=60)
    assert len(recorder.seen) == 2
    assert json.loads(raw.body) == PLAYABLE.body


WEBP = b"RIFF\x00\x00\x00\x00WEBPVP8 "
JPEG = b"\xff\xd8\xff\xe0" + bytes(8)


@pytest.mark.parametrize(
    ("image", "name"),
    [(WEBP, "thumbnail.webp"), (JPEG, "thumbnail.jpg"), (b"\x89PNG", "thumbnail.png")],
)
@pytest.mark.parametrize("streamed", [False, True])
async def test_an_image_without_a_name_gets_the_suffix_of_its_kind(
    recorder: Recorder, client: ApiVideoClient, image: bytes, name: str, streamed: bool
) -> None:
    """The service looks at suffixes (service.md#file-extensions)."""
    await client.videos.upload_thumbnail("vi1", blocks_of(image, 3) if streamed else image)
    [(_, given, kind, content)] = recorder.seen[0].fields
    assert (given, kind, content) == (
        name,
        f"image/{name.rpartition('.')[2].replace('jpg', 'jpeg')}",
        image,
    )


async def test_a_file_that_is_too_large_is_not_sent(
    recorder: Recorder, client: ApiVideoClient
) -> None:
    with pytest.raises(SourceError, match="102,400"):
        await client.players.upload_logo("pl1", bytes(100 * 1024 + 1))
    assert recorder.seen == []


async def test_a_sixth_restream_is_refused_by_the_client(
    recorder: Recorder, client: ApiVideoClient
) -> None:
    with pytest.raises(ConfigurationError, match="at most 5"):
        await client.live_streams.create(name="x", restreams=[Restream(name="a")] * 6)
    assert recorder.seen == []


async def test_authenticate_needs_a_key(recorder: Recorder) -> None:
    async with ApiVideoClient(base_url=recorder.url) as client:
        with pytest.raises(ConfigurationError, match="APIVIDEO_API_KEY"):
            await client.auth.authenticate()
        with pytest.raises(ConfigurationError, match="refresh_token"):
            await client.auth.refresh(refresh_token="")


# -- long lists


@pytest.mark.slow
async def test_100_000_videos_are_never_all_in_memory(
    recorder: Recorder, client: ApiVideoClient
) -> None:
    """With prefetch: the page in use and the one before, until it is released."""
    data = [{"videoId": f"vi{number}", "title": "t", "tags": ["a"]} for number in range(100)]
    page = json.dumps({"data": data, "pagination": {"pagesTotal": 1000}}).encode()
    recorder.answer = lambda _: Answer(body=page, headers={})
    alive: dict[int, weakref.ref[Video]] = {}
    seen = most = 0
    async for video in client.videos.list(page_size=100):
        seen += 1
        alive[seen] = weakref.ref(video, lambda _, number=seen: alive.pop(number))  # type: ignore[misc]
        most = max(most, len(alive))
    assert seen == 100_000
    assert most <= 201


@pytest.mark.parametrize("prefetch", [0, 1])
@pytest.mark.parametrize("change", [-3, 3])
async def test_a_list_that_shrinks_or_grows_meanwhile_ends_without_an_error(
    recorder: Recorder, client: ApiVideoClient, change: int, prefetch: int
) -> None:
    """service.md#changing-lists: pages are numbered, so items may come twice or not at all."""
    items = [f"vi{number}" for number in range(40)]

    def answer(seen: Seen) -> Answer:
        number = int(dict(seen.query)["currentPage"])
        data = [{"videoId": item} for item in items[(number - 1) * 10 : number * 10]]
        if change < 0:
            del items[change:]
        elif len(items) < 70:
            items.extend(f"new{len(items) + more}" for more in range(change))
        return Answer(
            body={"data": data, "pagination": {"pagesTotal": -(-len(items) // 10)}}, headers={}
        )

    recorder.answer = answer
    found = [video.video_id async for video in client.videos.list(page_size=10, prefetch=prefetch)]
    assert len(found) >= 28
    assert len(found) == len(set(found))
