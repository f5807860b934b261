"""Both upload modes as service.md#upload-modes describes them, over raw sockets."""

import asyncio
import hashlib
import io
import itertools

import pytest

CHUNK = 4096


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def slices(data: bytes, size: int = CHUNK) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


def byte_headers(data: bytes, total: object, size: int = CHUNK) -> list[str]:
    starts = range(0, len(data), size)
    return [f"bytes {at}-{min(at + size, len(data)) - 1}/{total}" for at in starts]


async def test_a_whole_file_in_one_request(api, content):
    """A regular upload: the response is the full video, and the status has no chunks.

    See service.md#upload-modes, service.md#received-chunks.
    """
    data = content(20_000)
    video_id = await api.create()
    reply = await api.chunk(video_id, data)
    assert reply.status == 201
    assert reply.json["videoId"] == video_id
    assert reply.json["source"] == {"uri": f"/videos/{video_id}/source", "type": "upload"}
    assert api.emu.sha256(video_id) == digest(data)
    status = await api.status(video_id)
    assert status["ingest"] == {"status": "uploaded", "filesize": 20_000, "receivedBytes": []}
    assert status["encoding"]["playable"] is True


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("mode", ["bytes", "part"])
async def test_chunks_in_any_order(api, content, mode, order):
    """Chunks may come in any order; the response to the completing chunk is the video.

    See service.md#concurrent-chunks, service.md#upload-completion.
    """
    data = content(2 * CHUNK + 10)
    pieces = slices(data)
    headers = (
        byte_headers(data, len(data)) if mode == "bytes" else [f"part {n}/3" for n in (1, 2, 3)]
    )
    video_id = await api.create()
    for place in order[:-1]:
        reply = await api.chunk(video_id, pieces[place], headers[place])
        assert (reply.status, reply.json) == (201, {"videoId": video_id})
        assert (await api.status(video_id))["ingest"]["status"] == "uploading"
    reply = await api.chunk(video_id, pieces[order[-1]], headers[order[-1]])
    assert reply.status == 201
    assert reply.json["title"] == "a video"
    assert api.emu.sha256(video_id) == digest(data)


@pytest.mark.parametrize("told_by", [0, 1, 2])
@pytest.mark.parametrize("mode", ["bytes", "part"])
async def test_the_total_may_come_with_any_one_request(api, content, mode, told_by):
    """The total is needed once (service.md#upload-total): part 3/*, part 2/*, part 1/3 is legal."""
    data = content(3 * CHUNK)
    unknown = byte_headers(data, "*") if mode == "bytes" else [f"part {n}/*" for n in (1, 2, 3)]
    known = byte_headers(data, len(data)) if mode == "bytes" else [f"part {n}/3" for n in (1, 2, 3)]
    video_id = await api.create()
    for place in (2, 1, 0):
        headers = known if place == told_by else unknown
        reply = await api.chunk(video_id, slices(data)[place], headers[place])
        assert reply.status == 201
        assert ("title" in reply.json) == (place == 0)
    assert api.emu.sha256(video_id) == digest(data)


async def test_concurrent_chunks(api, content):
    """Chunks sent side by side make one video, byte for byte (service.md#concurrent-chunks)."""
    data = content(15 * CHUNK + 77)
    video_id = await api.create()
    pairs = zip(slices(data), byte_headers(data, len(data)), strict=True)
    replies = await asyncio.gather(*(api.chunk(video_id, piece, header) for piece, header in pairs))
    assert {reply.status for reply in replies} == {201}
    assert sum("title" in reply.json for reply in replies) == 1
    assert api.emu.sha256(video_id) == digest(data)


@pytest.mark.parametrize(
    ("header", "slug"),
    [
        ("bytes 0-4095/9000", "video-content-range-by-bytes-range-overlap"),
        ("part 1/2", "video-content-range-by-part-part-already-sent"),
    ],
)
async def test_identical_chunks_in_flight(api, content, header, slug):
    """Of identical chunks in flight one is accepted; the others are refused."""
    video_id = await api.create()
    bodies = [content(CHUNK) for _ in range(6)]
    replies = await asyncio.gather(*(api.chunk(video_id, body, header) for body in bodies))
    assert sorted(reply.status for reply in replies) == [201] + [400] * 5
    assert {reply.slug for reply in replies if reply.status == 400} == {slug}
    assert api.emu.size(video_id) == CHUNK
    winner = [reply.status for reply in replies].index(201)
    assert api.emu.sha256(video_id) == digest(bodies[winner])


async def test_status_lists_what_was_received(api, content):
    """Ranges and parts are in order; an unknown total is null (service.md#received-chunks)."""
    video_id = await api.create()
    assert (await api.status(video_id))["ingest"] is None
    await api.chunk(video_id, content(CHUNK), "part 4/*")
    await api.chunk(video_id, content(CHUNK), "part 2/*")
    assert (await api.status(video_id))["ingest"] == {
        "status": "uploading",
        "filesize": None,
        "receivedParts": {"parts": [2, 4], "total": None},
    }
    for header in ("part 1/*", "part 3/4"):
        await api.chunk(video_id, content(CHUNK), header)
    assert (await api.status(video_id))["ingest"] == {
        "status": "uploaded",
        "filesize": 4 * CHUNK,
        "receivedParts": {"parts": [1, 2, 3, 4], "total": 4},
    }
    other = await api.create()
    await api.chunk(other, content(CHUNK), "bytes 4096-8191/*")
    assert (await api.status(other))["ingest"]["receivedBytes"] == [{"from": 4096, "to": 8191}]
    await api.chunk(other, content(CHUNK), "bytes 0-4095/12288")
    assert (await api.status(other))["ingest"]["receivedBytes"] == [
        {"from": 0, "to": 4095, "total": 12288},
        {"from": 4096, "to": 8191, "total": 12288},
    ]


async def test_delegated_upload(api, content):
    """The first chunk creates the video; the others send its id (service.md#token-uploads)."""
    data = content(3 * CHUNK)
    path = f"/upload?token={await api.token()}"
    video_id = None
    for number, piece in enumerate(slices(data), start=1):
        fields = [] if video_id is None else [api.field("videoId", video_id)]
        form = [*fields, api.file(piece, "10m.mp4.part.a")]
        form = form if number < 3 else form[::-1]  # the field may also follow the file
        reply = await api.post_form(path, *form, content_range=f"part {number}/3", auth=False)
        assert reply.status == 201, reply.body
        video_id = reply.json["videoId"]
    assert reply.json["title"] == "10m.mp4.part.a"
    assert api.emu.sha256(video_id) == digest(data)
    assert [
        record.video_id
        for record in api.emu.requests
        if record.operation == "videos.upload_with_token"
    ] == [video_id] * 3


async def test_delegated_chunks_without_video_id_are_unrelated(api, content):
    """Each creates a new, incomplete video without an error (service.md#token-uploads)."""
    path = f"/upload?token={await api.token()}"
    seen = set()
    for number in (1, 2):
        reply = await api.post_form(
            path, api.file(content(CHUNK)), content_range=f"part {number}/2", auth=False
        )
        seen.add(reply.json["videoId"])
    assert len(seen) == 2


async def test_delegated_upload_into_a_container(api, content):
    """A videoId in the first request selects an existing container (service.md#token-uploads)."""
    data = content(5000)
    video_id = await api.create("mine")
    path = f"/upload?token={await api.token()}"
    parts = (api.file(data), api.field("videoId", video_id), api.field("undeclared", "x"))
    reply = await api.post_form(path, *parts, auth=False)
    assert (reply.status, reply.json["title"], reply.json["videoId"]) == (201, "mine", video_id)
    assert api.emu.sha256(video_id) == digest(data)
    unknown = await api.post_form(path, api.file(data), api.field("videoId", "vi0"), auth=False)
    assert (unknown.status, unknown.slug) == (404, "resource-not-found")


async def test_delegated_credentials(api, content):
    """Only the token is checked; Authorization is ignored (service.md#token-checks)."""
    good = await api.token()
    headers = {"Authorization": "Basic nonsense"}
    for path, slug in (
        ("/upload", "authentication-missing-upload-token"),
        ("/upload?token=", "authentication-missing-upload-token"),
        ("/upload?token=to0", "authentication-invalid-upload-token"),
    ):
        reply = await api.post_form(path, api.file(content(10)), headers=headers)
        assert (reply.status, reply.slug) == (401, slug)
    assert (
        await api.post_form(f"/upload?token={good}", api.file(content(10)), headers=headers)
    ).status == 201
    await api.send("DELETE", f"/upload-tokens/{good}")
    reply = await api.post_form(f"/upload?token={good}", api.file(content(10)))
    assert reply.slug == "authentication-invalid-upload-token"
    assert good not in repr(api.emu.requests[:-2])


async def test_expired_upload_token(api, content, monkeypatch):
    """The token is checked at each request (service.md#token-checks)."""
    token = await api.token(ttl=1)
    assert (await api.post_form(f"/upload?token={token}", api.file(content(10)))).status == 201
    await asyncio.sleep(1.1)
    reply = await api.post_form(f"/upload?token={token}", api.file(content(10)))
    assert (reply.status, reply.slug) == (401, "authentication-invalid-upload-token")


async def test_a_body_without_length(api, content):
    """A body with ``Transfer-Encoding: chunked`` is accepted."""
    data = content(3_000_000)
    api_body = api.form(api.file(data))

    async def trickle():
        for at in range(0, len(api_body), 70_001):
            yield api_body[at : at + 70_001]

    big = await api.again(max_chunk=10_000_000)
    video_id = await big.create()
    reply = await big.send(
        "POST", f"/videos/{video_id}/source", data=trickle(), headers=api.multipart
    )
    assert reply.status == 201
    assert big.emu.sha256(video_id) == digest(data)


@pytest.mark.parametrize("block", [1, 7, 61, 1000])
async def test_boundaries_across_reads(api, content, block):
    """The boundary is found in blocks of any size, and data that resembles it is kept."""
    teasers = b"\r\n--" + api.boundary.encode()[:-1] + b"\r\n--\r\r\n-\r"
    data = teasers * 20 + content(300) + b"\r\n--" + api.boundary.encode()[:10]
    body = api.form(api.file(data))
    video_id = await api.create()
    reader, writer = await asyncio.open_connection(api.emu.host, api.emu.port)
    head = f"POST /videos/{video_id}/source HTTP/1.1\r\nHost: localhost\r\n"
    head += f"Authorization: {api.auth['Authorization']}\r\n"
    head += f"Content-Type: {api.multipart['Content-Type']}\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode())
    for at in range(0, len(body), block):
        writer.write(body[at : at + block])
        await asyncio.sleep(0)
    assert (await reader.readline()).split()[1] == b"201"
    writer.close()
    await writer.wait_closed()
    assert api.emu.sha256(video_id) == digest(data)


@pytest.mark.parametrize("delegated", [False, True])
async def test_an_incomplete_body_stores_nothing(api, content, delegated):
    """An aborted request stores nothing; the chunk can be sent again (service.md#resuming)."""
    video_id = await api.create()
    path = f"/upload?token={await api.token()}" if delegated else f"/videos/{video_id}/source"
    body = api.form(api.field("videoId", video_id), api.file(content(60_000)))
    _, writer = await asyncio.open_connection(api.emu.host, api.emu.port)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {api.auth['Authorization']}\r\n"
    )
    head += f"Content-Range: part 1/2\r\nContent-Type: {api.multipart['Content-Type']}\r\n"
    writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body[:40_000])
    await writer.drain()
    await asyncio.sleep(0.05)
    writer.close()
    await writer.wait_closed()
    await asyncio.sleep(0.05)
    assert api.emu.requests[-1].status is None
    assert api.emu.size(video_id) == 0
    assert (await api.status(video_id))["ingest"] is None
    assert (await api.chunk(video_id, content(CHUNK), "part 1/2")).status == 201


async def test_discarded_media_keeps_sizes(api, content):
    """With ``discard`` the upload completes, and its bytes are dropped."""
    thin = await api.again(discard=True)
    video_id = await thin.create()
    await thin.chunk(video_id, content(CHUNK), "part 1/2")
    await thin.chunk(video_id, content(CHUNK), "part 2/2")
    info = thin.emu.media(video_id)
    assert (info.size, info.sha256, info.complete) == (2 * CHUNK, None, True)
    with pytest.raises(RuntimeError):
        thin.emu.sha256(video_id)
    assert (await thin.send("GET", f"/vod/{video_id}/mp4/source.mp4")).status == 404


async def test_deleted_while_it_is_uploaded(api, content):
    """The upload of a video that is deleted meanwhile ends in 404 and leaves no file."""
    video_id = await api.create()
    body = api.form(api.file(content(60_000)))
    gate = asyncio.Event()

    async def slow():
        yield body[:30_000]
        await gate.wait()
        yield body[30_000:]

    upload = asyncio.create_task(
        api.send("POST", f"/videos/{video_id}/source", data=slow(), headers=api.multipart)
    )
    await asyncio.sleep(0.1)
    assert (await api.send("DELETE", f"/videos/{video_id}")).status == 204
    gate.set()
    reply = await upload
    assert (reply.status, reply.slug) == (404, "resource-not-found")
    assert list(api.directory.iterdir()) == []


async def test_url_sources_are_fetched_from_this_machine(api, content):
    """A loopback URL is really downloaded; others stay ingesting.

    See service.md#video-sources, service.md#ingest-status.
    """
    data = content(50_000)
    first = await api.create()
    await api.chunk(first, data)
    for url in (
        f"{api.emu.url}/vod/{first}/mp4/source.mp4",
        "https://example.com/x.mp4",
        f"{api.emu.url}/nothing",
    ):
        created = await api.send("POST", "/videos", json={"title": "x", "source": url})
        assert created.status == 202
        video_id = created.json["videoId"]
        for _ in range(40):
            ingest = (await api.status(video_id))["ingest"]
            if ingest["status"] == "ingested":
                break
            await asyncio.sleep(0.005)
        fetched = url.endswith("source.mp4")
        assert ingest["status"] == ("ingested" if fetched else "ingesting")
        assert ingest["filesize"] == (50_000 if fetched else None)
        assert api.emu.sha256(video_id) == digest(data if fetched else b"")


async def test_clones_share_the_media(api, content):
    """A clone keeps its bytes when the original is deleted (service.md#video-sources)."""
    data = content(9000)
    original = await api.create()
    assert (
        await api.send("POST", "/videos", json={"title": "x", "source": original})
    ).slug == "invalid-attribute"
    await api.chunk(original, data)
    clone = (await api.send("POST", "/videos", json={"title": "copy", "source": original})).json[
        "videoId"
    ]
    await api.send("DELETE", f"/videos/{original}")
    assert api.emu.sha256(clone) == digest(data)
    assert (await api.status(clone))["ingest"]["status"] == "ingested"
    await api.send("DELETE", f"/videos/{clone}")
    assert list(api.directory.iterdir()) == []
    assert (
        await api.send("POST", "/videos", json={"title": "x", "source": "vi0"})
    ).slug == "invalid-attribute"


async def test_large_bodies_pass(api, content):
    """The web server has no limit that refuses a large chunk."""
    big = await api.again(min_chunk=1, max_chunk=64 * 1024 * 1024)
    data = content(24 * 1024 * 1024)
    video_id = await big.create()
    reply = await big.send(
        "POST",
        f"/videos/{video_id}/source",
        data=io.BytesIO(api.form(api.file(data))),
        headers=api.multipart,
    )
    assert reply.status == 201
    assert big.emu.sha256(video_id) == digest(data)
    assert big.emu.requests[-1].body_bytes == len(api.form(api.file(data)))


async def test_a_refused_delegated_upload_makes_no_video(api, content):
    """A refused upload leaves no container and no file."""
    path = f"/upload?token={await api.token()}"
    for data, header, slug in (
        (content(10), "part 1/2", "video-content-range-by-part-uploaded-file-too-small"),
        (content(2000), "bytes 0-2999/3000", "video-content-range-by-bytes-range-mismatch"),
        (b"", None, "uploaded-file-empty"),
    ):
        reply = await api.post_form(path, api.file(data), content_range=header)
        assert (reply.status, reply.slug) == (400, slug)
    assert (await api.send("GET", "/videos")).json["data"] == []
    assert list(api.directory.iterdir()) == []


async def test_a_refused_chunk_frees_its_space(api, content):
    """Refused bodies do not accumulate in the spool while no other request writes to it."""
    video_id = await api.create()
    await api.chunk(video_id, content(2000), "bytes 0-1999/9000")
    (spool,) = api.directory.iterdir()
    size = spool.stat().st_size
    for _ in range(3):
        await api.chunk(video_id, content(60_000), "bytes 2000-3999/9000")
    assert spool.stat().st_size < size + 300  # the form around the file is part of the reservation


async def test_too_large_files_do_not_fill_the_disk(api, content):
    """Bytes beyond the largest chunk are counted and not stored."""
    video_id = await api.create()
    await api.chunk(video_id, content(2000), "part 2/3")
    (spool,) = api.directory.iterdir()
    gate = asyncio.Event()
    body = api.form(api.file(content(500_000)))

    async def slow():
        yield body[:400_000]
        await gate.wait()
        yield body[400_000:]

    headers = {**api.multipart, "Content-Range": "part 1/3"}
    upload = asyncio.create_task(
        api.send("POST", f"/videos/{video_id}/source", data=slow(), headers=headers)
    )
    await asyncio.sleep(0.1)
    assert spool.stat().st_size < 100_000
    gate.set()
    assert (await upload).slug == "uploaded-file-too-large"
