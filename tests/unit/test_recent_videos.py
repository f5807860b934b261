"""When a 404 for a new video is premature. See service.md#open-questions."""

import pytest

from apivideo_async.http.recent_videos import LARGEST, RecentVideos
from apivideo_async.protocol.request import Request, build_request


def request(path: str, method: str = "GET") -> Request:
    return build_request("videos.test", method, path)


def test_the_delays_grow_with_the_age_of_the_video() -> None:
    recent = RecentVideos()
    recent.add("vi1", 100.0)
    now, delays = 100.0, list[float]()
    while (delay := recent.repeat_after(request("/videos/vi1"), 404, 30.0, now)) is not None:
        delays.append(delay)
        now += delay
    assert delays == [0.5, 0.5, 1, 2, 4, 7.5, 7.5, 7]
    assert now == 130.0


@pytest.mark.parametrize(
    ("method", "path", "repeated"),
    [
        ("GET", "/videos/vi1", True),
        ("PATCH", "/videos/vi1", True),
        ("DELETE", "/videos/vi1", True),
        ("GET", "/videos/vi1/status", True),
        ("POST", "/videos/vi1/source", True),
        ("POST", "/videos/vi1/thumbnail", True),
        # The captions of a language may be missing.
        ("GET", "/videos/vi1/captions/fr", False),
        ("GET", "/videos/vi2", False),
        ("GET", "/videos/vi1%2F", False),
        ("GET", "/videos", False),
        ("GET", "/", False),
    ],
)
def test_only_requests_for_the_new_video_itself_are_repeated(
    method: str, path: str, repeated: bool
) -> None:
    recent = RecentVideos()
    recent.add("vi1", 0.0)
    assert (recent.repeat_after(request(path, method), 404, 30.0, 1.0) is not None) is repeated
    for status in (200, 400, 500):
        assert recent.repeat_after(request(path, method), status, 30.0, 1.0) is None


def test_a_404_after_a_success_of_the_same_request_is_final() -> None:
    recent = RecentVideos()
    recent.add("vi1", 0.0)
    read, status = request("/videos/vi1"), request("/videos/vi1/status")
    assert recent.repeat_after(read, 200, 30.0, 1.0) is None
    assert recent.repeat_after(read, 404, 30.0, 1.0) is None
    assert recent.repeat_after(status, 404, 30.0, 1.0) is not None


def test_a_deleted_video_is_not_expected_again() -> None:
    recent = RecentVideos()
    for known in (True, False):
        if known:
            recent.add("vi1", 0.0)
        assert recent.repeat_after(request("/videos/vi1", "DELETE"), 204, 30.0, 1.0) is None
        recent.add("vi1", 1.0)
        assert recent.repeat_after(request("/videos/vi1/status"), 404, 30.0, 1.0) is None


def test_memory_is_bounded() -> None:
    recent = RecentVideos()
    for number in range(LARGEST + 2):
        recent.add(f"vi{number}", 0.0)
    recent.add("vi2", 0.0)
    kept = [
        recent.repeat_after(request(f"/videos/vi{number}"), 404, 30.0, 0.0) is not None
        for number in (0, 1, 2, LARGEST + 1)
    ]
    assert kept == [False, False, True, True]
