"""Requests as values, and the encodings of paths, queries and bodies.

See service.md#origin-headers, service.md#query-encoding, service.md#null-and-absent,
service.md#identifiers.
"""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qsl, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apivideo_async import __version__
from apivideo_async.config import UNSET
from apivideo_async.errors import ConfigurationError, RequestSummary
from apivideo_async.protocol.request import (
    FilePart,
    Multipart,
    Priority,
    Request,
    build_request,
    metadata_pairs,
    origin_headers,
    path_for,
    query_string,
    set_fields,
)

CET = timezone(timedelta(hours=1))
text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))


async def no_bytes() -> AsyncIterator[bytes]:
    blocks: tuple[bytes, ...] = ()
    for block in blocks:
        yield block


# -- paths


@pytest.mark.parametrize(
    ("value", "path"),
    [
        pytest.param("vi1", "/videos/vi1/status", id="plain"),
        pytest.param("a/b", "/videos/a%2Fb/status", id="slash"),
        pytest.param("a b?c#d", "/videos/a%20b%3Fc%23d/status", id="reserved"),
        pytest.param("é%2F", "/videos/%C3%A9%252F/status", id="not ASCII, and quoted already"),
        pytest.param("{x}", "/videos/%7Bx%7D/status", id="braces"),
        pytest.param("...", "/videos/.../status", id="three dots are a name"),
    ],
)
def test_ids_are_opaque_and_quoted(value: str, path: str) -> None:
    """service.md#identifiers."""
    assert path_for("/videos/{video_id}/status", video_id=value) == path


@given(text.filter(lambda value: value.strip() and value not in (".", "..")))
def test_an_id_never_leaves_its_segment(value: str) -> None:
    path = path_for("/videos/{video_id}/status", video_id=value)
    empty, videos, segment, status = path.split("/")
    assert (empty, videos, unquote(segment), status) == ("", "videos", value, "status")
    assert path.isascii()
    assert not set("?#") & set(path)


@pytest.mark.parametrize("value", ["", " ", "\t\n", ".", ".."])
def test_an_id_that_would_change_the_address_is_refused(value: str) -> None:
    """``DELETE /videos/`` is another address than ``DELETE /videos/{id}``."""
    with pytest.raises(ConfigurationError, match=r"^video_id must be a non-empty text"):
        path_for("/videos/{video_id}", video_id=value)


# -- queries


@pytest.mark.parametrize(
    ("parameters", "query"),
    [
        pytest.param({"currentPage": 1, "pageSize": 25}, "currentPage=1&pageSize=25", id="numbers"),
        pytest.param(
            {"tags[]": ["a", "b"]},
            "tags%5B%5D%5B%5D=a&tags%5B%5D%5B%5D=b",
            id="brackets are added once each",
        ),
        pytest.param({"tags": ["a", "b c"]}, "tags%5B%5D=a&tags%5B%5D=b+c", id="lists"),
        pytest.param({"tags": ("a",)}, "tags%5B%5D=a", id="tuples"),
        pytest.param(
            {"metadata": {"Author": "John Doe", "Format": "Tutorial"}},
            "metadata%5BAuthor%5D=John+Doe&metadata%5BFormat%5D=Tutorial",
            id="mappings",
        ),
        pytest.param(
            {"unique": True, "other": False},
            "unique=true&other=false",
            id="booleans are lower case",
        ),
        pytest.param(
            {"filterBy": {"live": True}}, "filterBy%5Blive%5D=true", id="booleans in mappings"
        ),
        pytest.param(
            {"from": datetime(2024, 2, 5, tzinfo=CET)},
            "from=2024-02-05T00%3A00%3A00%2B01%3A00",
            id="the + is quoted",
        ),
        pytest.param(
            {"from": datetime(2024, 2, 5, 1, 2, 3, 999_999)},
            "from=2024-02-05T01%3A02%3A03%2B00%3A00",
            id="without an offset it is UTC, without a fraction",
        ),
        pytest.param({"title": ""}, "title=", id="empty text is a value"),
        pytest.param(
            {"title": None, "sortBy": UNSET, "page": 0}, "page=0", id="None and UNSET are not sent"
        ),
        pytest.param({}, "", id="nothing"),
    ],
)
def test_queries_are_encoded_as_documented(parameters: Mapping[str, Any], query: str) -> None:
    """service.md#query-encoding."""
    assert query_string(parameters) == query


scalars = text | st.integers() | st.booleans()
queries = st.dictionaries(
    text,
    scalars
    | st.lists(text, min_size=1, max_size=3)
    | st.dictionaries(text, text, min_size=1, max_size=3)
    | st.none()
    | st.just(UNSET),
)


def expected_pairs(name: str, value: Any) -> list[tuple[str, str]]:
    match value:
        case None | UNSET.UNSET:
            return []
        case bool():
            return [(name, str(value).lower())]
        case list():
            return [(f"{name}[]", item) for item in value]
        case dict():
            return [(f"{name}[{key}]", item) for key, item in value.items()]
        case _:
            return [(name, str(value))]


@given(queries)
def test_the_standard_library_reads_the_query_back(parameters: dict[str, Any]) -> None:
    query = query_string(parameters)
    expected = [pair for name, value in parameters.items() for pair in expected_pairs(name, value)]
    assert parse_qsl(query, keep_blank_values=True) == expected
    assert query.isascii()


@given(st.datetimes(timezones=st.just(UTC) | st.just(CET)))
def test_a_moment_in_a_query_is_the_same_moment_to_the_second(moment: datetime) -> None:
    [(_, sent)] = parse_qsl(query_string({"from": moment}))
    assert datetime.fromisoformat(sent) == moment.replace(microsecond=0)


# -- bodies


def test_unset_fields_are_dropped_and_null_stays() -> None:
    """service.md#merge-rules: absent keeps, null clears, ``[]`` clears a list."""
    fields: dict[str, Any] = {
        "title": "a",
        "playerId": None,
        "tags": [],
        "public": False,
        "language": UNSET,
    }
    assert set_fields(fields) == {"title": "a", "playerId": None, "tags": [], "public": False}


def test_metadata_becomes_pairs() -> None:
    """service.md#small-records."""
    assert metadata_pairs({"a": "1", "": ""}) == [
        {"key": "a", "value": "1"},
        {"key": "", "value": ""},
    ]
    assert metadata_pairs({}) == [], "an empty list clears (service.md#merge-rules)"
    assert metadata_pairs(UNSET) is UNSET


@pytest.mark.parametrize(
    ("metadata", "shown"),
    [
        pytest.param({"a": 5}, "'a': 5", id="number"),
        pytest.param({"a": None}, "'a': None", id="null"),
        pytest.param({5: "a"}, "5: 'a'", id="key"),
        pytest.param({"a": True}, "'a': True", id="bool"),
        pytest.param({"a": b"x"}, "'a': b'x'", id="bytes"),
    ],
)
def test_metadata_is_text(metadata: Any, shown: str) -> None:
    with pytest.raises(
        ConfigurationError, match=f"^keys and values of metadata must be texts, not {shown}$"
    ):
        metadata_pairs(metadata)


# -- requests


def test_a_request_accepts_json_and_declares_a_json_body() -> None:
    """service.md#content-types."""
    plain = build_request("videos.list", "GET", "/videos", query={"tags": ["a"]})
    assert (plain.query, plain.body, plain.headers) == (
        "tags%5B%5D=a",
        None,
        {"Accept": "application/json"},
    )
    sending = build_request("videos.create", "POST", "/videos", body=b"{}", headers={"X-More": "1"})
    assert sending.headers == {
        "Accept": "application/json",
        "X-More": "1",
        "Content-Type": "application/json",
    }
    assert sending.body == b"{}"


def test_an_empty_body_is_a_body() -> None:
    assert build_request("o", "POST", "/", body=b"").headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("method", "given_class", "expected"),
    [
        pytest.param("GET", None, "reads", id="GET"),
        *(
            pytest.param(method, None, "writes", id=method)
            for method in ("POST", "PATCH", "PUT", "DELETE")
        ),
        pytest.param("POST", "uploads", "uploads", id="uploads are named by the caller"),
        pytest.param("GET", "writes", "writes", id="the caller wins"),
    ],
)
def test_every_request_has_a_budget(method: str, given_class: Any, expected: str) -> None:
    """service.md#request-classes."""
    assert build_request("o", method, "/", limit_class=given_class).limit_class == expected


@pytest.mark.parametrize(
    ("method", "idempotent", "repeatable"),
    [
        *(
            pytest.param(method, False, True, id=method)
            for method in ("GET", "HEAD", "PUT", "DELETE")
        ),
        *(pytest.param(method, False, False, id=method) for method in ("POST", "PATCH")),
        pytest.param("POST", True, True, id="POST that does no harm"),
    ],
)
def test_a_post_is_repeated_only_if_it_is_idempotent(
    method: str, idempotent: bool, repeatable: bool
) -> None:
    """service.md#repeated-requests: the service knows no idempotency keys."""
    request = Request(operation="o", method=method, path="/", idempotent=idempotent)
    assert request.repeatable is repeatable


def test_polls_come_after_everything_else() -> None:
    assert sorted(Priority) == [Priority.NORMAL, Priority.POLL]
    assert build_request("o", "GET", "/").priority is Priority.NORMAL
    assert build_request("o", "GET", "/", priority=Priority.POLL).priority is Priority.POLL


def test_a_request_is_authenticated_by_default() -> None:
    assert build_request("o", "GET", "/").authenticated
    assert not Request(operation="o", method="GET", path="/", authenticated=False).authenticated


def secret_request() -> Request:
    part = FilePart("a.mp4", 1, no_bytes)
    return build_request(
        "videos.upload_with_token",
        "POST",
        "/upload",
        query={"token": "s3cret"},
        body=b'{"apiKey": "s3cret"}',
        multipart=Multipart(part, {"token": "s3cret"}),
    )


def test_neither_query_nor_bodies_are_shown() -> None:
    """The query may contain a token, the body a key.

    See service.md#access-tokens, service.md#token-uploads.
    """
    assert "s3cret" in secret_request().query
    assert "s3cret" not in repr(secret_request())


def test_the_authorization_header_is_not_shown() -> None:
    """A traceback with local variables would hold the key (Basic) or the access token."""
    assert "s3cret" not in repr(
        build_request("o", "GET", "/", headers={"Authorization": "Bearer s3cret"})
    )


def test_the_summary_holds_nothing_secret() -> None:
    assert secret_request().summary == RequestSummary("POST", "/upload", "videos.upload_with_token")


def test_a_file_part_is_binary_and_unwatched_by_default() -> None:
    part = FilePart("a.mp4", 1, no_bytes)
    assert (part.content_type, part.on_sent) == ("application/octet-stream", None)
    assert Multipart(part).fields == {}


# -- who we are


def test_the_client_names_itself() -> None:
    """service.md#origin-headers."""
    assert origin_headers(None, None) == {"AV-Origin-Client": f"python-async:{__version__}"}
    name, version = origin_headers(None, None)["AV-Origin-Client"].split(":")
    assert len(name) <= 50
    assert all(group.isdigit() and len(group) <= 3 for group in version.split("."))


def test_the_application_is_named_too() -> None:
    """service.md#origin-headers: AV-Origin-App, next to the client."""
    assert origin_headers("my-app", "1.2") == {
        "AV-Origin-Client": f"python-async:{__version__}",
        "AV-Origin-App": "my-app:1.2",
    }
