"""The official example bodies lose nothing on their way through the models.

See service.md#records, service.md#errors, service.md#upload-status.

They are not part of this repository. ``APIVIDEO_CONTRACT`` names the folder that contains them.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from apivideo_async.models import (
    AccessToken,
    Account,
    AggregatedMetrics,
    Caption,
    Chapter,
    LiveStream,
    MetricBucket,
    MetricPoint,
    Pagination,
    PlayerSession,
    PlayerSessionEvent,
    PlayerTheme,
    Summary,
    SummarySource,
    Tag,
    UnknownEvent,
    UploadToken,
    Video,
    VideoStatus,
    Watermark,
    Webhook,
    event_from,
    from_json,
    parse_datetime,
    to_json,
)
from apivideo_async.protocol.request import build_request
from apivideo_async.protocol.response import Response, decode_page, error_for

FOLDER = os.environ.get("APIVIDEO_CONTRACT")
pytestmark = pytest.mark.skipif(not FOLDER, reason="APIVIDEO_CONTRACT names no folder")
EXAMPLES = Path(FOLDER or "") / "examples"

KINDS: dict[str, Any] = {
    **dict.fromkeys(("POST_auth-api-key", "POST_auth-refresh"), AccessToken),
    **dict.fromkeys(
        (
            *(
                "POST-video",
                "GET-video",
                "PATCH-video",
                "GET-discarded-video",
                "PATCH-discarded-video",
            ),
            "POST_videos-videoId-source",
            "POST_upload",
            "POST_videos-videoId-thumbnail",
            "PATCH_videos-videoId-thumbnail",
        ),
        Video,
    ),
    "GET-video-status": VideoStatus,
    **dict.fromkeys(("POST_upload-tokens", "GET_upload-tokens-uploadToken"), UploadToken),
    **{f"{verb}_videos-videoId-captions-language": Caption for verb in ("GET", "POST", "PATCH")},
    **{f"{verb}_videos-videoId-chapters-language": Chapter for verb in ("GET", "POST")},
    **{f"{verb}_live-streams-liveStreamId": LiveStream for verb in ("GET", "PATCH")},
    **{f"{verb}_live-streams-liveStreamId-thumbnail": LiveStream for verb in ("POST", "DELETE")},
    "POST_live-streams": LiveStream,
    **{f"{verb}_players-playerId": PlayerTheme for verb in ("GET", "PATCH")},
    **dict.fromkeys(("POST_players", "POST_players-playerId-logo"), PlayerTheme),
    "POST_watermark": Watermark,
    "POST_summaries": Summary,
    **{f"{verb}_summaries-summaryId-source": SummarySource for verb in ("GET", "PATCH")},
    "GET_aggregated-metrics": AggregatedMetrics,
    **dict.fromkeys(("POST-webhooks", "GET-Webhook"), Webhook),
    "GET_account": Account,
}
PAGES: dict[str, Any] = {
    "LIST-videos": Video,
    "LIST-discarded-videos": Video,
    "GET_upload-tokens": UploadToken,
    "GET_videos-videoId-captions": Caption,
    "GET_videos-videoId-chapters": Chapter,
    "GET_live-streams": LiveStream,
    "GET_players": PlayerTheme,
    "LIST-watermarks": Watermark,
    "LIST-tags": Tag,
    "GET_summaries": Summary,
    "GET_metrics-breakdown": MetricBucket,
    "GET_metrics-over-time": MetricPoint,
    "LIST-webhooks": Webhook,
    **{
        f"GET_analytics-{noun}": PlayerSession
        for noun in ("videos-videoId", "live-streams-liveStreamId")
    },
    "GET_analytics-sessions-sessionId-events": PlayerSessionEvent,
}
VARIANTS: dict[str, Any] = {
    "GET_players-playerId.*.json": PlayerTheme,
    "POST-webhooks.*.json": Webhook,
    "GET-video-status.*.json": VideoStatus,
    "GET-video.*.json": Video,
    "POST-source.*.json": Video,
}


def read(path: Path) -> Any:
    return json.loads(path.read_bytes())


def index() -> dict[str, Any]:
    return read(EXAMPLES / "index.json") if FOLDER else {}


def bodies() -> list[Any]:
    rows = [
        pytest.param(EXAMPLES / entry["file"], kind, id=name)
        for name, kind in KINDS.items()
        if (entry := index().get(name))
    ]
    rows += [
        pytest.param(path, kind, id=f"variants/{path.name}")
        for pattern, kind in VARIANTS.items()
        for path in sorted((EXAMPLES / "variants").glob(pattern))
    ]
    return rows


def pages() -> list[Any]:
    rows = [
        pytest.param(EXAMPLES / entry["file"], kind, id=name)
        for name, kind in PAGES.items()
        if (entry := index().get(name))
    ]
    rows += [
        pytest.param(path, kind, id=f"legacy/{path.name}")
        for name, kind in PAGES.items()
        for path in sorted((EXAMPLES / "legacy").glob(f"{name}.s*.json"))
    ]
    return rows


def events() -> list[Any]:
    return [
        pytest.param(path, id=path.stem)
        for path in sorted((EXAMPLES / "webhooks").glob("*.*.json"))
    ]


def errors() -> list[Any]:
    files = sorted((EXAMPLES / "errors").glob("[0-9]*.json")) if FOLDER else []
    return [pytest.param(path, id=path.stem) for path in files]


def pruned(value: Any) -> Any:
    """Without nulls and empty lists: a model has defaults for both."""
    if isinstance(value, dict):
        return {key: pruned(item) for key, item in value.items() if item is not None and item != []}
    return [pruned(item) for item in value] if isinstance(value, list) else value


def same(ours: Any, theirs: Any) -> bool:
    """Equal, but for the form of a moment, of a count, and what a default stands for."""
    ours, theirs = pruned(ours), pruned(theirs)
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return ours.keys() == theirs.keys() and all(same(ours[key], theirs[key]) for key in ours)
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(same, ours, theirs))
    if isinstance(ours, str) and isinstance(theirs, str) and ours != theirs:
        return parse_datetime(ours) == parse_datetime(theirs)
    return ours == theirs or str(ours) == theirs


def extras(value: Any) -> list[Any]:
    """Every ``extra`` within a model."""
    if isinstance(value, list | tuple):
        return [extra for item in value for extra in extras(item)]
    if not hasattr(value, "__attrs_attrs__"):
        return []
    found = [value.extra] if value.extra else []
    return found + extras(
        [getattr(value, field.name) for field in value.__attrs_attrs__ if field.name != "extra"]
    )


@pytest.mark.skipif(not FOLDER, reason="APIVIDEO_CONTRACT names no folder")
def test_every_operation_that_is_read_here_has_an_example() -> None:
    """And none is left out."""
    assert set(KINDS) | set(PAGES) == {name for name, entry in index().items() if entry["file"]}
    assert len(bodies()) >= len(KINDS) + 5


@pytest.mark.parametrize(("path", "kind"), bodies())
def test_an_example_body_comes_back_as_it_was(path: Path, kind: Any) -> None:
    """Apart from nulls; and every member of it is known, so that nothing hides in ``extra``."""
    body = read(path)
    model = from_json(body, kind)
    assert same(to_json(model), body)
    assert model.to_dict() == body
    assert extras(model) == []


@pytest.mark.parametrize(("path", "kind"), pages())
def test_an_example_list_comes_back_as_it_was(path: Path, kind: Any) -> None:
    """service.md#pagination."""
    request = build_request("example.list", "GET", "/")
    page = decode_page(request, Response(200, {}, path.read_bytes()), kind)
    parts = {name: to_json(getattr(page, name)) for name in ("data", "pagination", "context")}
    assert same(parts, read(path))
    assert extras([*page.data, page.pagination, page.context]) == []
    assert page.extra == {}


@pytest.mark.parametrize("path", events())
def test_an_example_event_comes_back_as_it_was(path: Path) -> None:
    """service.md#webhook-events."""
    event = event_from(read(path))
    assert same(to_json(event), read(path))
    assert event.to_dict() == read(path)
    assert not isinstance(event, UnknownEvent)
    assert extras(event) == []


@pytest.mark.skipif(not FOLDER, reason="APIVIDEO_CONTRACT names no folder")
def test_a_position_with_every_link_comes_back_as_it_was() -> None:
    [path] = (EXAMPLES / "variants").glob("pagination.*.json")
    body = read(path)
    body = body.get("pagination", body)
    assert same(to_json(from_json(body, Pagination)), body)


@pytest.mark.parametrize("path", errors())
def test_an_example_error_loses_nothing(path: Path) -> None:
    """service.md#error-bodies: the status, the slug, and every member of every problem."""
    body, status = read(path), int(path.name[:3])
    error = error_for(
        build_request("example", "POST", "/videos"), Response(status, {}, path.read_bytes())
    )
    assert (error.status, json.loads(error.body)) == (status, body)
    assert error.slug == (body["type"].rpartition("/")[2] if body.get("type") else None)
    assert (error.type, error.title, error.name, error.detail, error.range) == tuple(
        body.get(member) for member in ("type", "title", "name", "detail", "range")
    )
    listed = body.get("problems") or [body]
    assert len(error.problems) == len(listed)
    for problem, raw in zip(error.problems, listed, strict=True):
        known = {
            name: getattr(problem, name)
            for name in ("type", "title", "name", "status", "detail", "range")
        }
        assert {**{k: v for k, v in known.items() if v is not None}, **problem.extra} == raw
