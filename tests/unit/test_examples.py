"""The official example bodies lose nothing on their way through the models (CONTRACT §7, §8, §11).

They are not part of this repository: ``APIVIDEO_CONTRACT`` names the folder of the contract reference.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from apivideo_async.models import AccessToken, Pagination, UploadToken, Video, VideoStatus, from_json, to_json
from apivideo_async.protocol.request import build_request
from apivideo_async.protocol.response import Response, decode_page, error_for

FOLDER = os.environ.get("APIVIDEO_CONTRACT")
pytestmark = pytest.mark.skipif(not FOLDER, reason="APIVIDEO_CONTRACT names no folder")
EXAMPLES = Path(FOLDER or "") / "examples"

KINDS: dict[str, Any] = {
    **dict.fromkeys(("POST_auth-api-key", "POST_auth-refresh"), AccessToken),
    **dict.fromkeys(
        (
            *("POST-video", "GET-video", "PATCH-video", "GET-discarded-video", "PATCH-discarded-video"),
            *("POST_videos-videoId-source", "POST_upload"),
            *("POST_videos-videoId-thumbnail", "PATCH_videos-videoId-thumbnail"),
        ),
        Video,
    ),
    "GET-video-status": VideoStatus,
    **dict.fromkeys(("POST_upload-tokens", "GET_upload-tokens-uploadToken"), UploadToken),
}
PAGES: dict[str, Any] = {
    "LIST-videos": Video,
    "LIST-discarded-videos": Video,
    "GET_upload-tokens": UploadToken,
}
VARIANTS: dict[str, Any] = {
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
    return [
        pytest.param(EXAMPLES / entry["file"], kind, id=name)
        for name, kind in PAGES.items()
        if (entry := index().get(name))
    ]


def errors() -> list[Any]:
    files = sorted((EXAMPLES / "errors").glob("[0-9]*.json")) if FOLDER else []
    return [pytest.param(path, id=path.stem) for path in files]


def pruned(value: Any) -> Any:
    """Without nulls and empty lists: a model has defaults for both."""
    if isinstance(value, dict):
        return {key: pruned(item) for key, item in value.items() if item is not None and item != []}
    return [pruned(item) for item in value] if isinstance(value, list) else value


def extras(value: Any) -> list[Any]:
    """Every ``extra`` within a model."""
    if isinstance(value, list | tuple):
        return [extra for item in value for extra in extras(item)]
    if not hasattr(value, "__attrs_attrs__"):
        return []
    found = [value.extra] if value.extra else []
    return found + extras([getattr(value, field.name) for field in value.__attrs_attrs__ if field.name != "extra"])


@pytest.mark.skipif(not FOLDER, reason="APIVIDEO_CONTRACT names no folder")
def test_every_operation_that_is_read_here_has_an_example() -> None:
    assert (set(KINDS) | set(PAGES)) <= set(index())
    assert len(bodies()) >= len(KINDS) + 5


@pytest.mark.parametrize(("path", "kind"), bodies())
def test_an_example_body_comes_back_as_it_was(path: Path, kind: Any) -> None:
    """Apart from nulls; and every member of it is known, so that nothing hides in ``extra``."""
    body = read(path)
    model = from_json(body, kind)
    assert pruned(to_json(model)) == pruned(body)
    assert extras(model) == []


@pytest.mark.parametrize(("path", "kind"), pages())
def test_an_example_list_comes_back_as_it_was(path: Path, kind: Any) -> None:
    """§9."""
    request = build_request("example.list", "GET", "/")
    page = decode_page(request, Response(200, {}, path.read_bytes()), kind)
    assert pruned({"data": to_json(page.data), "pagination": to_json(page.pagination)}) == pruned(read(path))
    assert extras([*page.data, page.pagination]) == []


@pytest.mark.skipif(not FOLDER, reason="APIVIDEO_CONTRACT names no folder")
def test_a_position_with_every_link_comes_back_as_it_was() -> None:
    [path] = (EXAMPLES / "variants").glob("pagination.*.json")
    body = read(path)
    body = body.get("pagination", body)
    assert pruned(to_json(from_json(body, Pagination))) == pruned(body)


@pytest.mark.parametrize("path", errors())
def test_an_example_error_loses_nothing(path: Path) -> None:
    """§8.1: the status of the answer, the slug, and every member of every problem."""
    body, status = read(path), int(path.name[:3])
    error = error_for(build_request("example", "POST", "/videos"), Response(status, {}, path.read_bytes()))
    assert (error.status, json.loads(error.body)) == (status, body)
    assert error.slug == (body["type"].rpartition("/")[2] if body.get("type") else None)
    assert (error.type, error.title, error.name, error.detail, error.range) == tuple(
        body.get(member) for member in ("type", "title", "name", "detail", "range")
    )
    listed = body.get("problems") or [body]
    assert len(error.problems) == len(listed)
    for problem, raw in zip(error.problems, listed, strict=True):
        known = {name: getattr(problem, name) for name in ("type", "title", "name", "status", "detail", "range")}
        assert {**{k: v for k, v in known.items() if v is not None}, **problem.extra} == raw
