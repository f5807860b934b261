"""Quirks of uploads: the order of chunks, their form and size, and the responses."""

import asyncio

import aiohttp
import pytest

from apivideo_async.emulator import Fault

from .conftest import BOUNDARY

KNOWN = ("video-", "uploaded-", "resource-not-found")


@pytest.mark.parametrize("status", [400, 409, 422])
async def test_chunks_in_order(start, content, status):
    """A chunk that is not the next one is refused, with a type that no document contains."""
    api = await start(quirks={"chunks-in-order": status})
    video_id = await api.create()
    for given in ("part 2/3", "part 3/3"):
        refused = await api.chunk(video_id, content(2000), given)
        assert refused.status == refused.json["status"] == status
        assert refused.slug
        assert not refused.slug.startswith(KNOWN)
    assert (await api.chunk(video_id, content(2000), "part 1/3")).status == 201
    repeated = await api.chunk(video_id, content(2000), "part 1/3")
    assert repeated.slug == "video-content-range-by-part-part-already-sent"
    assert (await api.chunk(video_id, content(2000), "part 3/3")).status == status
    for given in ("part 2/3", "part 3/3"):
        assert (await api.chunk(video_id, content(2000), given)).status == 201
    assert api.emu.media(video_id).complete


async def test_chunks_in_order_with_a_token(start, content):
    """A chunk other than the first one creates no video."""
    api = await start(quirks=["chunks-in-order=409"])
    path = f"/upload?token={await api.token()}"
    file = api.file(content(2000))
    assert (await api.post_form(path, file, content_range="part 2/2")).status == 409
    assert not api.emu.state.videos
    first = await api.post_form(path, file, content_range="part 1/2")
    more = api.field("videoId", first.json["videoId"])
    assert (await api.post_form(path, more, file, content_range="part 2/2")).status == 201


async def test_chunks_in_order_set_during_an_upload(api, content):
    """The next chunk is the one at the first gap."""
    video_id = await api.create()
    for given in ("bytes 0-1999/*", "bytes 4000-5999/*"):
        assert (await api.chunk(video_id, content(2000), given)).status == 201
    api.emu.quirks["chunks-in-order"] = 400
    assert (await api.chunk(video_id, content(2000), "bytes 6000-7999/*")).status == 400
    assert (await api.chunk(video_id, content(2000), "bytes 2000-3999/*")).status == 201
    assert (await api.chunk(video_id, content(2000), "bytes 6000-7999/8000")).status == 201


@pytest.mark.parametrize("status", [400, 404, 409])
async def test_first_chunk_first(start, content, status):
    api = await start(quirks={"first-chunk-first": status})
    video_id = await api.create()
    refused = await api.chunk(video_id, content(2000), "part 2/3")
    assert refused.status == status
    if status == 404:
        assert refused.slug == "resource-not-found"
    else:
        assert not refused.slug.startswith(KNOWN)
    for given in ("part 1/3", "part 3/3", "part 2/3"):
        assert (await api.chunk(video_id, content(2000), given)).status == 201


class SlowChunk:
    """A chunk whose body stops after the first bytes until ``finish`` is called."""

    def __init__(self, api, path, *parts, content_range):
        self._rest = asyncio.Event()
        body = api.form(*parts)

        async def blocks():
            yield body[:-500]
            await self._rest.wait()
            yield body[-500:]

        headers = {
            "Content-Range": content_range,
            "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
        }
        self.response = asyncio.create_task(api.send("POST", path, data=blocks(), headers=headers))

    async def started(self, api, number):
        """Wait until the emulator has read a part of the body."""
        while len(api.emu.requests) < number or not api.emu.requests[-1].body_bytes:
            await asyncio.sleep(0.001)
        return self

    async def finish(self):
        self._rest.set()
        return await self.response


@pytest.mark.parametrize("status", [409, 423, 429])
async def test_one_chunk_at_a_time(start, content, status):
    """A chunk that arrives during another one of its video is refused, others are not."""
    api = await start(quirks={"one-chunk-at-a-time": status})
    video_id, other = await api.create(), await api.create()
    path = f"/videos/{video_id}/source"
    slow = SlowChunk(api, path, api.file(content(2000)), content_range="part 1/2")
    await slow.started(api, 3)
    refused = await api.chunk(video_id, content(2000), "part 2/2")
    assert refused.status == refused.json["status"] == status
    assert (await api.chunk(other, content(2000), "part 1/2")).status == 201
    assert (await slow.finish()).status == 201
    assert (await api.chunk(video_id, content(2000), "part 2/2")).status == 201
    assert api.emu.media(video_id).complete


async def test_one_chunk_at_a_time_with_a_token(start, content):
    """The field ``videoId`` tells which video a chunk belongs to."""
    api = await start(quirks=["one-chunk-at-a-time=423"])
    path = f"/upload?token={await api.token()}"
    file = api.file(content(2000))
    first = await api.post_form(path, file, content_range="part 1/3")
    video_id = api.field("videoId", first.json["videoId"])
    slow = SlowChunk(api, path, video_id, file, content_range="part 2/3")
    await slow.started(api, 3)
    third = {"content_range": "part 3/3"}
    assert (await api.post_form(path, video_id, file, **third)).status == 423
    assert (await api.post_form(path, file, video_id, **third)).status == 423
    assert (await api.post_form(path, file, content_range="part 1/3")).status == 201
    assert (await slow.finish()).status == 201
    assert (await api.post_form(path, video_id, file, **third)).status == 201


async def test_chunks_wait_for_each_other(start, content):
    api = await start(quirks=["one-chunk-at-a-time=wait"])
    video_id = await api.create()
    path = f"/videos/{video_id}/source"
    slow = SlowChunk(api, path, api.file(content(2000)), content_range="part 1/2")
    await slow.started(api, 2)
    waiting = asyncio.create_task(api.chunk(video_id, content(2000), "part 2/2"))
    while len(api.emu.requests) < 3:
        await asyncio.sleep(0.001)
    await asyncio.sleep(0.05)
    assert not waiting.done()
    assert (await slow.finish()).json == {"videoId": video_id}
    assert (await waiting).json["source"]["type"] == "upload"


async def test_a_lost_chunk_ends_its_turn(start, content):
    api = await start(quirks=["one-chunk-at-a-time=409"])
    video_id = await api.create()
    api.emu.faults.add(Fault("videos.upload", "stall", after_bytes=10, resets=True))
    with pytest.raises(aiohttp.ClientError):
        await api.chunk(video_id, content(2000), "part 1/2")
    assert (await api.chunk(video_id, content(2000), "part 2/2")).status == 201


@pytest.mark.parametrize(
    ("quirk", "refused", "accepted"),
    [
        ("no-byte-ranges", "bytes 0-1999/4000", "part 1/2"),
        ("no-parts", "part 1/2", "bytes 0-1999/4000"),
        ("no-unknown-totals", "part 1/*", "part 1/2"),
        ("no-unknown-totals", "bytes 0-1999/*", "bytes 0-1999/4000"),
    ],
)
async def test_a_form_of_the_header_is_refused(start, content, quirk, refused, accepted):
    api = await start(quirks=[quirk])
    video_id, token = await api.create(), await api.token()
    for path in (f"/videos/{video_id}/source", f"/upload?token={token}"):
        file = api.file(content(2000))
        reply = await api.post_form(path, file, content_range=refused)
        assert (reply.status, reply.slug) == (400, "video-content-range-malformed")
        assert (await api.post_form(path, file, content_range=accepted)).status == 201
    assert (await api.chunk(await api.create(), content(2000))).status == 201


@pytest.mark.parametrize(
    ("small", "last", "slug"),
    [
        ("bytes 0-1999/3000", "bytes 2000-2999/3000", "range-too-small"),
        ("part 1/2", "part 2/2", "uploaded-file-too-small"),
    ],
)
async def test_minimum_chunk(start, content, small, last, slug):
    api = await start(quirks={"minimum-chunk": 2500})
    video_id = await api.create()
    reply = await api.chunk(video_id, content(2000), small)
    assert (reply.status, reply.slug.rpartition("by-")[2]) == (400, f"{small.split()[0]}-{slug}")
    size = 1000 if slug == "range-too-small" else 2000
    assert (await api.chunk(video_id, content(size), last)).status == 201
    api.emu.quirks.clear()
    assert (await api.chunk(await api.create(), content(2000), small)).status == 201


@pytest.mark.parametrize(
    ("style", "first", "last"),
    [
        ("id", (201, {"videoId"}), (201, {"videoId"})),
        ("empty", (201, set()), (201, set())),
        ("204", (204, None), (204, None)),
        ("202", (202, {"videoId"}), (202, {"videoId"})),
        ("308", (308, {"videoId"}), (201, "video")),
        ("full", (201, "video"), (201, "video")),
    ],
)
async def test_upload_response(start, content, style, first, last):
    api = await start(quirks={"upload-response": style})
    video_id = await api.create()
    token = await api.token()
    for path in (f"/videos/{video_id}/source", f"/upload?token={token}"):
        parts = [api.file(content(2000))]
        for given, (status, fields) in (("part 1/2", first), ("part 2/2", last)):
            reply = await api.post_form(path, *parts, content_range=given)
            assert reply.status == status
            found = None if reply.body == b"" else reply.json
            if fields == "video":
                assert {"videoId", "title", "assets"} <= set(found)
            else:
                assert found is None if fields is None else set(found) == fields
            parts.insert(0, api.field("videoId", list(api.emu.state.videos)[-1]))
    assert all(video.finished for video in api.emu.state.videos.values())
