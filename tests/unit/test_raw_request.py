"""Raw requests are checked before they are sent; secrets are removed from responses."""

from typing import Any

import pytest

from apivideo_async import UNSET, ConfigurationError
from apivideo_async.protocol.json_body import as_json, text_list
from apivideo_async.protocol.raw import raw_request
from apivideo_async.protocol.request import build_request, check_metadata, path_for
from apivideo_async.protocol.response import (
    Response,
    error_for,
    most_bytes,
    too_large,
    without_secrets,
)


def test_a_request_by_hand() -> None:
    request = raw_request(
        "post", "/a/b%20c", query={"x": 1}, json={"é": None}, headers={"X-A": "b\tc"}
    )
    assert (request.method, request.operation, request.query) == ("POST", "POST /a/b%20c", "x=1")
    assert (request.body, request.headers["X-A"]) == ('{"é": null}'.encode(), "b\tc")
    assert raw_request("GET", "/").body is None


@pytest.mark.parametrize(
    "given",
    [
        *({"method": method} for method in ("", "G T", "GET\r\nX: y", 5, None)),
        *(
            {"path": path}
            for path in ("", "a", "/a b", "/é", "/a?b=c", "/a#b", "/\r\nX: y", None, b"/")
        ),
        *(
            {"headers": headers}
            for headers in ({"": "a"}, {"a b": "c"}, {"a": "b\r\nc: d"}, {"a": 5}, {"a": "\ud800"})
        ),
        *({"json": json} for json in ({"a": ...}, "\ud800", float("nan"))),
        {"query": {"a": []}},
    ],
    ids=repr,
)
def test_arguments_that_cannot_be_sent_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        raw_request(**{"method": "GET", "path": "/", **given})


def test_json_that_refers_to_itself_is_refused() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(ConfigurationError, match="JSON"):
        as_json(value)


@pytest.mark.parametrize("value", ["text", {"a": 1}, 5, None, [1], b"ab"])
def test_text_list_refuses_other_values(value: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^tags must (be a list of|contain only) texts"):
        text_list("tags", value)
    assert text_list("tags", iter(["a", "b"])) == ["a", "b"]


@pytest.mark.parametrize("value", [[], "a", None, {"a": 1}, {1: "a"}])
def test_metadata_is_a_mapping_of_texts(value: Any) -> None:
    with pytest.raises(ConfigurationError, match="metadata"):
        check_metadata(value)
    check_metadata(UNSET)
    check_metadata({"a": "b"})


def test_an_id_that_utf8_cannot_encode_is_refused() -> None:
    with pytest.raises(
        ConfigurationError, match="video_id contains a character that UTF-8 cannot encode"
    ):
        path_for("/videos/{video_id}", video_id="\ud800")


def test_the_secrets_of_a_request() -> None:
    query = {"token": "TOKEN1/", "title": "title12", "avh": "SESSION"}
    body = b'{"apiKey": "KEY", "name": "n"}'
    request = build_request("o", "POST", "/upload-tokens/TOKEN2", query=query, body=body)
    assert request.secrets == ["TOKEN2", "TOKEN1/", "SESSION", "KEY"]
    assert build_request("o", "GET", "/videos/vi1").secrets == []


def test_secrets_are_removed_in_both_spellings_unless_they_are_short() -> None:
    request = build_request("o", "GET", "/x")
    response = Response(400, {"location": "/x/a%2Fsecret"}, b"a/secret a%2Fsecret abc")
    cleaned = without_secrets(request, response, ["a/secret", "abc", ""])
    assert (cleaned.headers, cleaned.body) == ({"location": "/x/***"}, b"*** *** abc")


def test_an_error_holds_neither_the_requests_secrets_nor_credentials() -> None:
    request = build_request("o", "GET", "/upload-tokens/TOKEN12")
    response = Response(
        400, {"x": "CREDENTIAL"}, b'{"title": "TOKEN12 is bad", "detail": "CREDENTIAL"}'
    )
    error = error_for(request, response, ["CREDENTIAL"])
    assert (str(error), error.title, error.headers) == (
        "o: 400 *** is bad ***",
        "*** is bad",
        {"x": "***"},
    )
    assert error.body == b'{"title": "*** is bad", "detail": "***"}'


def test_the_size_that_is_read_depends_on_the_status() -> None:
    assert most_bytes(200) == most_bytes(299) == 16 * 2**20
    assert most_bytes(199) == most_bytes(404) == 256 * 1024


def test_a_response_that_was_cut_is_final() -> None:
    error = too_large(build_request("o", "GET", "/"), Response(200, {}, b"x" * 10_000, cut=True))
    assert (error.retryable, error.delivery, len(error.body)) == (False, "unknown", 8192)
