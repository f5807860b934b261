"""Every upload error of service.md#upload-errors becomes an exception with its slug.

The tests provoke the errors on the emulator with raw HTTP requests.
"""

import aiohttp
import pytest

from apivideo_async import ApiVideoClient, BadRequestError, NotFoundError
from apivideo_async.emulator import Emulator
from apivideo_async.protocol.auth import basic_header
from apivideo_async.protocol.request import FilePart, Request, build_request
from apivideo_async.protocol.response import Response, error_for
from apivideo_async.uploads.sources.opening import MemorySource
from apivideo_async.uploads.target import Container
from tests.emulator.test_upload_errors import CASES, MAX, MIN

Sent = tuple[str | None, int]


async def post(
    session: aiohttp.ClientSession, url: str, sent: Sent | None, parts: int = 1
) -> Response:
    """One upload request by hand: what matters is the answer."""
    form = aiohttp.FormData({"note": "no file"}, default_to_multipart=True)
    for _ in range(parts):
        form.add_field("file", bytes(sent[1] if sent else 0), filename="a.mp4")
    headers = {"Content-Range": sent[0]} if sent and sent[0] is not None else {}
    async with session.post(url, data=form, headers=headers) as answer:
        return Response(
            answer.status, {k.lower(): v for k, v in answer.headers.items()}, await answer.read()
        )


@pytest.mark.parametrize(("before", "refused", "slug", "detail"), CASES)
async def test_a_refusal_is_raised_with_its_slug(
    before: list[Sent], refused: Sent, slug: str, detail: str | None
) -> None:
    async with Emulator(min_chunk=MIN, max_chunk=MAX) as emu:
        async with ApiVideoClient(emu.api_key, base_url=emu.url) as client:
            video = await client.videos.create(title="t")
        path = f"/videos/{video.video_id}/source"
        async with aiohttp.ClientSession(
            headers={"Authorization": basic_header(emu.api_key)}
        ) as session:
            for sent in before:
                assert (await post(session, emu.url + path, sent)).status == 201
            answer = await post(session, emu.url + path, refused)
    error = error_for(build_request("videos.upload", "POST", path), answer)
    assert isinstance(error, BadRequestError)
    assert (error.slug, error.status) == (slug, 400)
    assert error.title
    assert error.title in str(error)
    assert (detail or "") in (error.detail or "")
    assert not error.retryable


@pytest.mark.parametrize(
    ("parts", "slug"),
    [(0, "uploaded-file-no-file"), (2, "uploaded-file-multiple-files")],
    ids=["none", "two"],
)
async def test_a_form_without_exactly_one_file(parts: int, slug: str) -> None:
    async with Emulator(min_chunk=MIN) as emu:
        async with ApiVideoClient(emu.api_key, base_url=emu.url) as client:
            token = await client.upload_tokens.create()
        async with aiohttp.ClientSession() as session:
            answer = await post(session, f"{emu.url}/upload?token={token.token}", (None, 10), parts)
    assert (
        error_for(build_request("videos.upload_with_token", "POST", "/upload"), answer).slug == slug
    )


@pytest.mark.parametrize("given", ["url", "clone"])
async def test_a_container_with_a_source_takes_no_file(
    emu: Emulator, client: ApiVideoClient, given: str
) -> None:
    original = await client.upload(b"x" * 10, title="t")
    assert original.assets is not None
    source = original.assets.mp4 if given == "url" else original.video_id
    video = await client.videos.create(title="t", source=source or "")
    with pytest.raises(BadRequestError) as caught:
        await client._pipeline.attempt(raw(video.video_id))
    slugs = {"url": "video-source-already-downloaded", "clone": "video-source-already-copied"}
    assert caught.value.slug == slugs[given]


async def test_an_unknown_container_is_not_found(emu: Emulator, client: ApiVideoClient) -> None:
    with pytest.raises(NotFoundError) as caught:
        await client._pipeline.attempt(raw("viNowhere"))
    assert (caught.value.slug, caught.value.name) == ("resource-not-found", "videoId")


def raw(video_id: str) -> Request:
    source = MemorySource(b"x" * 10)
    return Container(video_id).request(FilePart("a.mp4", 10, lambda: source.read(0, 10)), None)
