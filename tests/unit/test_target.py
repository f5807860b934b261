"""Where chunks go: a container, or an upload token.

See service.md#uploads, service.md#token-uploads, service.md#multipart-bodies.
"""

from collections.abc import AsyncIterator
from urllib.parse import parse_qsl

import pytest

from apivideo_async.errors import ConfigurationError
from apivideo_async.protocol.content_range import PartOf, RangeOf
from apivideo_async.protocol.request import FilePart, Multipart
from apivideo_async.uploads.target import Container, Delegated, Target


async def nothing() -> AsyncIterator[bytes]:
    blocks: tuple[bytes, ...] = ()
    for block in blocks:
        yield block


PART = FilePart("talk.mp4", 5, nothing)


def test_a_container_takes_chunks_at_its_source() -> None:
    """service.md#video-operations videos.upload, service.md#request-classes."""
    request = Container("vi/1").request(PART, RangeOf(0, 4, 10))
    assert (request.method, request.path, request.query) == ("POST", "/videos/vi%2F1/source", "")
    assert request.headers == {"Accept": "application/json", "Content-Range": "bytes 0-4/10"}
    assert request.multipart == Multipart(PART, {})
    assert (request.limit_class, request.authenticated, request.repeatable) == (
        "uploads",
        True,
        False,
    )
    assert request.operation == "videos.upload"


def test_a_token_takes_chunks_without_authorization() -> None:
    """service.md#video-operations videos.upload_with_token, service.md#token-checks."""
    request = Delegated(token="to1 +&").request(PART, PartOf(1))
    assert (request.method, request.path, parse_qsl(request.query)) == (
        "POST",
        "/upload",
        [("token", "to1 +&")],
    )
    assert request.headers == {"Accept": "application/json", "Content-Range": "part 1/*"}
    assert (request.limit_class, request.authenticated, request.repeatable) == (
        "uploads",
        False,
        False,
    )
    assert request.operation == "videos.upload_with_token"


def test_the_first_chunk_of_a_token_has_no_video_and_every_later_one_repeats_it() -> None:
    """Without the id each chunk would create a video. The field precedes the file.

    See service.md#token-uploads and service.md#multipart-bodies.
    """
    target = Delegated(token="to1")
    assert target.request(PART, None).multipart == Multipart(PART, {})
    target.video_id = "vi1"
    assert target.request(PART, None).multipart == Multipart(PART, {"videoId": "vi1"})


@pytest.mark.parametrize(
    "target", [Container("vi1"), Delegated(token="to1")], ids=["container", "token"]
)
def test_a_whole_file_has_no_content_range(target: Target) -> None:
    """service.md#upload-modes: regular."""
    assert "Content-Range" not in target.request(PART, None).headers


def test_only_a_container_can_be_asked_what_it_holds() -> None:
    """service.md#token-uploads: the status needs the API key."""
    assert (Container("vi1").can_read_status, Delegated("vi1", token="to1").can_read_status) == (
        True,
        False,
    )


@pytest.mark.parametrize("video_id", [None, ""])
def test_a_container_without_an_id_is_refused(video_id: str | None) -> None:
    with pytest.raises(ConfigurationError, match=r"^video_id must be a non-empty text, not ''$"):
        Container(video_id).request(PART, None)


def test_a_target_is_one_of_the_two() -> None:
    with pytest.raises(NotImplementedError):
        Target().request(PART, None)


def test_the_token_is_not_shown() -> None:
    target = Delegated("vi1", token="s3cret")
    assert "s3cret" in target.request(PART, None).query
    assert "s3cret" not in repr(target)
    assert "vi1" in repr(target)
    assert "s3cret" not in repr(target.request(PART, None))


def test_an_empty_token_is_refused_before_anything_is_sent() -> None:
    """service.md#error-types authentication-missing-upload-token."""
    with pytest.raises(ConfigurationError):
        Delegated(token="").request(PART, None)


def test_an_empty_video_id_is_refused_before_anything_is_sent() -> None:
    """service.md#token-uploads: without the field, a chunk would create a video."""
    with pytest.raises(ConfigurationError):
        Delegated("", token="to1").request(PART, None)
