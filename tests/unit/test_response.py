"""Answers to values and errors: the body decides, not the content type.

See service.md#content-types, service.md#errors, service.md#pagination.
"""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apivideo_async.errors import (
    ApiResponseError,
    ApiStatusError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    NotFoundError,
    PermissionDeniedError,
    Problem,
    RateLimitError,
    RequestSummary,
    ServerError,
)
from apivideo_async.models import Pagination, Video
from apivideo_async.protocol.request import Request, build_request
from apivideo_async.protocol.response import (
    Response,
    decode,
    decode_page,
    error_for,
    parse_json,
    slug_of,
)

REQUEST = build_request("videos.get", "GET", "/videos/vi1")
DOCS = "https://docs.api.video/reference/"


def answer(status: int, body: Any, **headers: str) -> Response:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(status, {name.replace("_", "-"): value for name, value in headers.items()}, raw)


def error(status: int, body: Any, request: Request = REQUEST) -> ApiStatusError:
    return error_for(request, answer(status, body))


# -- the answer itself


@pytest.mark.parametrize(
    ("status", "ok"),
    [(199, False), (200, True), (201, True), (202, True), (204, True), (299, True), (300, False)],
)
def test_any_2xx_is_success(status: int, ok: bool) -> None:
    """service.md#status-codes: creations answer 200, 201 or 202 without a pattern."""
    assert Response(status, {}, b"").ok is ok


@pytest.mark.parametrize(
    ("body", "value"),
    [
        pytest.param(b'{"a": 1}', {"a": 1}, id="object"),
        pytest.param(b"\xef\xbb\xbf{}", {}, id="byte order mark"),
        pytest.param(b"", None, id="empty"),
        pytest.param(b"<html>", None, id="html"),
        pytest.param(b'{"a": ', None, id="cut"),
        pytest.param(b'"\xff"', None, id="not UTF-8"),
        pytest.param(b"[" * 200_000, None, id="too deep"),
        pytest.param(b"1" * 5_000, None, id="a number too long for Python"),
    ],
)
def test_a_body_is_parsed_or_none(body: bytes, value: Any) -> None:
    """service.md#content-types: a proxy may answer HTML."""
    assert parse_json(body) == value
    assert Response(200, {"content-type": "application/json"}, body).json() == value


# -- errors


@pytest.mark.parametrize(
    ("path", "status", "kind"),
    [
        pytest.param("/videos", 400, BadRequestError, id="400"),
        pytest.param("/auth/api-key", 400, AuthenticationError, id="400 of /auth/*"),
        pytest.param("/auth/refresh", 401, AuthenticationError, id="401 of /auth/*"),
        pytest.param("/authors", 400, BadRequestError, id="400 of a path that only begins alike"),
        pytest.param("/videos", 401, AuthenticationError, id="401"),
        pytest.param("/videos", 403, PermissionDeniedError, id="403"),
        pytest.param("/videos", 404, NotFoundError, id="404"),
        pytest.param("/videos", 409, ConflictError, id="409"),
        pytest.param("/videos", 429, RateLimitError, id="429"),
        pytest.param("/auth/api-key", 500, ServerError, id="500"),
        pytest.param("/videos", 503, ServerError, id="503"),
        pytest.param("/videos", 599, ServerError, id="599"),
        pytest.param("/videos", 405, ApiStatusError, id="405"),
        pytest.param("/videos", 413, ApiStatusError, id="413, of a proxy"),
        pytest.param("/videos", 302, ApiStatusError, id="302"),
    ],
)
@pytest.mark.parametrize("body", [b"", b"<html>Server error</html>", b"[]", b'"text"', b"{}"])
def test_the_status_decides_the_class_whatever_the_body(
    path: str, status: int, kind: type, body: bytes
) -> None:
    """service.md#error-bodies, service.md#refused-credentials, service.md#server-errors
    (5xx bodies may be HTML).
    """
    raised = error(status, body, build_request("operation", "POST", path))
    assert type(raised) is kind
    assert (raised.status, raised.body) == (status, body)
    assert str(raised).startswith(f"operation: {status}")
    assert (raised.slug, raised.problems) == (None, ())


@pytest.mark.parametrize(
    ("type_uri", "slug"),
    [
        pytest.param(f"{DOCS}resource-not-found", "resource-not-found", id="current"),
        pytest.param(f"{DOCS}resource-not-found/", "resource-not-found", id="final slash"),
        pytest.param("resource-not-found", "resource-not-found", id="no address"),
        pytest.param(
            "https://docs.api.video/docs/attributerequired",
            "attribute-required",
            id="attributerequired",
        ),
        pytest.param(
            "https://docs.api.video/docs/attributeinvalid",
            "invalid-attribute",
            id="attributeinvalid",
        ),
        pytest.param(
            "https://docs.api.video/docs/resourcenot_found",
            "resource-not-found",
            id="resourcenot_found",
        ),
        pytest.param(
            "https://docs.api.video/docs/authenticationinvalid_credentials",
            "authentication-invalid-user-credentials",
            id="authenticationinvalid_credentials",
        ),
        pytest.param(
            "https://docs.api.video/docs/fileextension",
            "uploaded-file-extension-invalid",
            id="extension",
        ),
        pytest.param(
            "https://docs.api.video/docs/filealreadyuploaded",
            "video-source-already-uploaded",
            id="already uploaded",
        ),
        pytest.param(
            "https://docs.api.video/docs/filemissing", "uploaded-file-no-file", id="missing"
        ),
        pytest.param(
            "https://docs.api.video/docs/multiplefilesuploaded",
            "uploaded-file-multiple-files",
            id="multiple",
        ),
        pytest.param(
            f"{DOCS}an-attribute-is-invalid", "invalid-attribute", id="an-attribute-is-invalid"
        ),
        pytest.param(f"{DOCS}bad-request", "invalid-payload", id="bad-request"),
        pytest.param("", None, id="empty"),
        pytest.param("///", None, id="slashes"),
        pytest.param(None, None, id="absent (the paging error)"),
        pytest.param(404, None, id="no text"),
    ],
)
def test_the_slug_is_the_last_segment_of_the_type(type_uri: object, slug: str | None) -> None:
    """service.md#error-bodies, and the old names of service.md#older-error-types."""
    assert slug_of(type_uri) == slug


def test_an_error_holds_every_fault_of_the_body() -> None:
    """service.md#error-bodies: the first problem is also at the top level."""
    faults: list[dict[str, Any]] = [
        {
            "type": f"{DOCS}invalid-attribute",
            "title": "An attribute is invalid.",
            "name": "restreams[0][serverUrl]",
        },
        {
            "type": f"{DOCS}attribute-required",
            "title": "This attribute is required.",
            "name": "title",
            "code": 7,
        },
    ]
    raised = error(
        400,
        {**faults[0], "status": 400, "detail": "Missing app name.", "problems": faults, "new": 1},
    )
    assert (raised.slug, raised.name, raised.title) == (
        "invalid-attribute",
        "restreams[0][serverUrl]",
        "An attribute is invalid.",
    )
    assert raised.problems == (
        Problem(
            type=f"{DOCS}invalid-attribute",
            title="An attribute is invalid.",
            name="restreams[0][serverUrl]",
        ),
        Problem(
            type=f"{DOCS}attribute-required",
            title="This attribute is required.",
            name="title",
            extra={"code": 7},
        ),
    )
    assert str(raised) == (
        "videos.get: 400 An attribute is invalid. [restreams[0][serverUrl]] Missing app name. "
        "(invalid-attribute)"
    )
    assert raised.request == RequestSummary("GET", "/videos/vi1", "videos.get")


def test_without_a_list_the_body_is_the_only_problem() -> None:
    raised = error(404, {"type": f"{DOCS}resource-not-found", "name": "videoId", "extra": 1})
    only = Problem(type=f"{DOCS}resource-not-found", name="videoId", extra={"extra": 1})
    assert raised.problems == (only,)
    assert str(raised) == "videos.get: 404 [videoId] (resource-not-found)"


def test_without_a_type_and_title_the_first_listed_problem_is_used() -> None:
    raised = error(
        400,
        {"status": 400, "problems": [{"title": "first", "range": {"min": 1}}, {"title": "second"}]},
    )
    assert (raised.title, raised.range, len(raised.problems)) == ("first", {"min": 1}, 2)


def test_the_paging_error_has_a_title_and_a_range_but_no_type() -> None:
    """service.md#page-limits: (no type), name ``page``."""
    fault = {
        "title": "This parameter is out of the allowed range of values.",
        "name": "page",
        "range": {"min": 1},
    }
    raised = error(400, {**fault, "status": 400, "problems": [fault]})
    assert (raised.slug, raised.type, raised.name, raised.range) == (None, None, "page", {"min": 1})


def test_the_status_of_the_answer_counts_not_that_of_the_body() -> None:
    """service.md#faulty-examples: one official example claims status 85925135."""
    assert error(404, {"title": "irure", "status": 85925135}).status == 404


@pytest.mark.parametrize("listed", [[], None, {}, ["text", 5, None], {"a": 1}, "text"], ids=str)
def test_problems_of_another_form_are_passed_over(listed: Any) -> None:
    raised = error(400, {"title": "first", "problems": listed})
    assert raised.problems == (Problem(title="first"),)


def test_headers_are_kept() -> None:
    raised = error_for(REQUEST, answer(429, {}, x_ratelimit_retry_after="12"))
    assert isinstance(raised, RateLimitError)
    assert (raised.headers, raised.retry_after) == ({"x-ratelimit-retry-after": "12"}, 12.0)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(
            {"detail": [{"loc": ["body"], "msg": "field required"}]},
            id="detail is a list (FastAPI's 422)",
        ),
        pytest.param({"title": 422}, id="title is a number"),
        pytest.param({"title": {"en": "text"}}, id="title is an object"),
        pytest.param({"problems": 3}, id="problems is a number"),
        pytest.param({"problems": True}, id="problems is true"),
    ],
)
def test_no_body_of_an_error_can_hide_its_status(body: dict[str, Any]) -> None:
    """The caller always gets an ``ApiStatusError`` with the status.

    See service.md#error-bodies, service.md#server-errors.
    """
    assert error(422, body).status == 422


text_or_absent = st.none() | st.text()
problem_bodies = st.fixed_dictionaries(
    {},
    optional={
        "type": text_or_absent,
        "title": text_or_absent,
        "name": text_or_absent,
        "detail": text_or_absent,
        "status": st.none() | st.integers(),
        "problems": st.none()
        | st.lists(st.dictionaries(st.text(), text_or_absent) | st.integers()),
    },
)


@given(st.integers(300, 599), problem_bodies | st.text() | st.lists(st.integers()))
def test_every_answer_becomes_an_error_with_its_status_and_body(status: int, body: Any) -> None:
    raised = error(status, body)
    assert raised.status == status
    assert json.loads(raised.body) == body
    assert str(raised).startswith(f"videos.get: {status}")


# -- values


def test_a_body_is_decoded_whatever_its_content_type() -> None:
    """service.md#content-types."""
    response = answer(200, {"videoId": "vi1"}, content_type="text/html")
    assert decode(REQUEST, response, Video) == Video(video_id="vi1")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"null", b'"text"', b"5"])
def test_a_2xx_that_is_no_object_is_a_response_error(body: bytes) -> None:
    with pytest.raises(ApiResponseError) as caught:
        decode(REQUEST, answer(200, body, content_type="text/html"), Video)
    raised = caught.value
    assert str(raised) == (
        f"videos.get: 200 with a body that is not a Video ({len(body)} bytes, text/html); "
        "is base_url right, or a proxy in between?"
    )
    assert (raised.status, raised.body, raised.request) == (200, body, REQUEST.summary)


def test_a_response_error_names_a_missing_content_type() -> None:
    with pytest.raises(ApiResponseError, match=r"\(0 bytes, no content type\)"):
        decode(REQUEST, answer(204, b""), Video)


def test_a_page_is_its_items_and_its_position() -> None:
    """service.md#page-numbers."""
    page = decode_page(
        REQUEST, answer(200, {"data": [{"videoId": "vi1"}], "pagination": {"pagesTotal": 3}}), Video
    )
    assert (page.data, page.pagination) == ([Video(video_id="vi1")], Pagination(pages_total=3))


@pytest.mark.parametrize("position", [None, [], "text", 5], ids=str)
def test_a_page_without_a_position_is_still_a_page(position: Any) -> None:
    """service.md#page-numbers: no field of the pagination can be relied on."""
    page = decode_page(REQUEST, answer(200, {"data": [], "pagination": position}), Video)
    assert (page.data, page.pagination) == ([], Pagination())


@pytest.mark.parametrize(
    "body",
    [{}, {"data": None}, {"data": {}}, {"data": "text"}, {"data": [{}, None]}, [], "text"],
    ids=str,
)
def test_a_list_answer_without_items_is_a_response_error(body: Any) -> None:
    with pytest.raises(
        ApiResponseError, match=r"^videos\.get: 200 with a body that is not a page "
    ):
        decode_page(REQUEST, answer(200, body), Video)
