"""The vendor's unmodified Python client works on the emulator."""

import hashlib
import importlib.metadata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from apivideo_async.emulator import Emulator

pytestmark = [
    pytest.mark.slow,
    # Its dependencies, not ours.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

MIB = 1024 * 1024


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator().in_thread() as running:
        yield running


@pytest.fixture
def videos(emulator: Emulator) -> Iterator[Any]:
    import apivideo
    from apivideo.api.videos_api import VideosApi

    api = apivideo.AuthenticatedApiClient(emulator.api_key)
    api.configuration.host = emulator.url
    with api:
        yield VideosApi(api)


def written(path: Path, size: int) -> bytes:
    data = bytes(hashlib.sha256(bytes([size % 251])).digest() * (size // 32 + 1))[:size]
    path.write_bytes(data)
    return data


def test_it_is_the_published_version() -> None:
    assert importlib.metadata.version("api.video") == "1.4.7"


def test_create_upload_show_update_delete(emulator: Emulator, videos: Any, tmp_path: Path) -> None:
    video = videos.create(
        {"title": "Official", "tags": ["a"], "metadata": [{"key": "k", "value": "v"}]}
    )
    data = written(tmp_path / "small.mp4", MIB)
    with (tmp_path / "small.mp4").open("rb") as handle:
        done = videos.upload(video.video_id, handle)
    assert done.video_id == video.video_id
    assert emulator.sha256(video.video_id) == hashlib.sha256(data).hexdigest()
    assert videos.get(video.video_id).title == "Official"
    assert videos.update(video.video_id, {"title": "Changed"}).title == "Changed"
    assert videos.get_status(video.video_id).encoding.playable
    videos.delete(video.video_id)
    with pytest.raises(Exception, match="404"):
        videos.get(video.video_id)


def test_chunked_upload(emulator: Emulator, videos: Any, tmp_path: Path) -> None:
    videos.api_client.configuration.chunk_size = 5 * MIB
    video = videos.create({"title": "Chunked"})
    data = written(tmp_path / "big.mp4", 20 * MIB)
    with (tmp_path / "big.mp4").open("rb") as handle:
        done = videos.upload(video.video_id, handle)
    assert done.assets.mp4
    assert emulator.sha256(video.video_id) == hashlib.sha256(data).hexdigest()
    ranges = [r.content_range for r in emulator.requests if r.operation == "videos.upload"]
    assert ranges == [f"part {n}/4" for n in range(1, 5)]


def test_three_pages(videos: Any) -> None:
    made = {videos.create({"title": f"v{n}"}).video_id for n in range(5)}
    seen: set[str] = set()
    for page in (1, 2, 3):
        listed = videos.list(current_page=page, page_size=2)
        assert listed.pagination.pages_total == 3
        seen |= {video.video_id for video in listed.data}
    assert seen == made


def test_delegated_upload(emulator: Emulator, videos: Any, tmp_path: Path) -> None:
    from apivideo.api.upload_tokens_api import UploadTokensApi

    token = UploadTokensApi(videos.api_client).create_token({"ttl": 0})
    data = written(tmp_path / "small.mp4", 3 * MIB)
    with (tmp_path / "small.mp4").open("rb") as handle:
        video = videos.upload_with_upload_token(token.token, handle)
    assert emulator.sha256(video.video_id) == hashlib.sha256(data).hexdigest()


def test_progressive_upload(emulator: Emulator, videos: Any, tmp_path: Path) -> None:
    video = videos.create({"title": "Progressive"})
    session = videos.create_upload_progressive_session(video.video_id)
    first, last = written(tmp_path / "1.mp4", 6 * MIB), written(tmp_path / "2.mp4", MIB)
    with (tmp_path / "1.mp4").open("rb") as handle:
        session.uploadPart(handle)
    with (tmp_path / "2.mp4").open("rb") as handle:
        session.uploadLastPart(handle)
    assert emulator.sha256(video.video_id) == hashlib.sha256(first + last).hexdigest()


@pytest.fixture
def token(videos: Any) -> str:
    from apivideo.api.upload_tokens_api import UploadTokensApi

    return UploadTokensApi(videos.api_client).create_token({"ttl": 0}).token


def test_a_delegated_progressive_upload(
    emulator: Emulator, videos: Any, token: str, tmp_path: Path
) -> None:
    """The first part makes the video, the others name it."""
    session = videos.create_upload_with_upload_token_progressive_session(token)
    first, last = written(tmp_path / "1.mp4", 6 * MIB), written(tmp_path / "2.mp4", MIB)
    with (tmp_path / "1.mp4").open("rb") as handle:
        made = session.uploadPart(handle)
    with (tmp_path / "2.mp4").open("rb") as handle:
        assert session.uploadLastPart(handle).video_id == made.video_id
    assert emulator.sha256(made.video_id) == hashlib.sha256(first + last).hexdigest()


def test_a_delegated_file_above_the_chunk_size_becomes_several_videos(
    emulator: Emulator, videos: Any, token: str, tmp_path: Path
) -> None:
    """A bug of the client: it omits the video id, so each chunk creates an incomplete video."""
    videos.api_client.configuration.chunk_size = 5 * MIB
    written(tmp_path / "big.mp4", 20 * MIB)
    with (tmp_path / "big.mp4").open("rb") as handle:
        videos.upload_with_upload_token(token, handle)
    ranges = [
        r.content_range for r in emulator.requests if r.operation == "videos.upload_with_token"
    ]
    assert ranges == [f"part {n}/4" for n in range(1, 5)]
    made = list(emulator.state.videos)
    assert len(made) == 4
    assert [emulator.media(video_id).complete for video_id in made] == [False] * 4


def test_an_empty_file_is_not_sent(emulator: Emulator, videos: Any, tmp_path: Path) -> None:
    """A bug of the client: it answers None, and nobody hears of it."""
    video = videos.create({"title": "Empty"})
    (tmp_path / "empty.mp4").touch()
    with (tmp_path / "empty.mp4").open("rb") as handle:
        assert videos.upload(video.video_id, handle) is None
    assert "videos.upload" not in {record.operation for record in emulator.requests}
