"""Requests that create or change an object (service.md#null-and-absent)."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from apivideo_async import UNSET, ConfigurationError, Restream
from apivideo_async.protocol.request import FilePart, Request
from apivideo_async.protocol.writes import extra_only, file_request, json_request


def patch(fields: dict[str, Any], typed: tuple[str, ...] = ()) -> Request:
    return json_request("videos.update", "PATCH", "/videos/vi1", fields, typed)


def post(fields: dict[str, Any]) -> Request:
    return json_request("videos.create", "POST", "/videos", fields)


async def no_bytes() -> AsyncIterator[bytes]:
    yield b""


def upload(**fields: Any) -> Request:
    return file_request("players.upload_logo", "/x", FilePart("a.png", 1, no_bytes), fields)


def test_a_change_keeps_null_and_leaves_out_what_is_unset() -> None:
    request = patch({"player_id": None, "title": UNSET, "tags": ["é"]})
    assert request.body == '{"playerId": null, "tags": ["é"]}'.encode()
    assert (request.limit_class, request.query) == ("writes", "")


def test_a_creation_refuses_null_except_for_the_language() -> None:
    assert post({"language": None}).body == b'{"language": null}'
    for name in ("player_id", "title", "public"):
        with pytest.raises(ConfigurationError, match=f"{name} must not be None") as caught:
            post({name: None})
        assert caught.value.option == name


def test_extra_members_and_parameters_are_added_as_they_are() -> None:
    body = {"newOption": {"snake_case": None}, "other_name": None, "unset": UNSET}
    query = {"newParameter": ["a", "b"], "flag": True, "left_out": None}
    request = post({"title": "One", "extra_body": body, "extra_query": query})
    assert json.loads(request.body or b"") == {
        "title": "One",
        "newOption": {"snake_case": None},
        "other_name": None,
    }
    assert request.query == "newParameter%5B%5D=a&newParameter%5B%5D=b&flag=true"
    assert json.loads(post({"extra_body": UNSET, "extra_query": {}}).body or b"") == {}


@pytest.mark.parametrize("name", ["playerId", "player_id", "title"])
def test_an_extra_member_never_replaces_an_argument(name: str) -> None:
    """It is refused also if the argument is not given, and in the spelling of Python."""
    with pytest.raises(ConfigurationError, match="extra_body must not contain") as caught:
        patch({"title": UNSET, "extra_body": {name: "x"}}, typed=("player_id",))
    assert caught.value.option == "extra_body"


@pytest.mark.parametrize("name", ["extra_body", "extra_query"])
@pytest.mark.parametrize("value", [None, [("a", "b")], "a", {1: "b"}, {"": "b"}, {"\ud800": "b"}])
def test_extra_parameters_of_another_form_are_refused(name: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=f"{name}"):
        post({name: value})


@pytest.mark.parametrize(
    "fields",
    [
        {"extra_body": {"a": object()}},
        {"extra_body": {"a": float("nan")}},
        {"extra_query": {"a": []}},
        {"extra_query": {"a": object()}},
    ],
)
def test_extra_values_that_cannot_be_sent_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        post(fields)


def test_models_are_sent_with_the_names_of_the_api() -> None:
    sent = patch({"restreams": [Restream(name="n", server_url="u", stream_key="k")]}).body
    assert json.loads(sent or b"") == {
        "restreams": [{"name": "n", "serverUrl": "u", "streamKey": "k"}]
    }


def test_the_fields_of_a_form_are_texts() -> None:
    request = upload(link="a", extra_body={"new": "b"}, extra_query={"p": "q"})
    assert request.multipart is not None
    assert request.multipart.fields == {"link": "a", "new": "b"}
    assert (request.method, request.query) == ("POST", "p=q")
    assert (upload(link=UNSET).multipart or request.multipart).fields == {}
    for fields in ({"link": None}, {"extra_body": {"new": 1}}):
        with pytest.raises(ConfigurationError, match="must be a text"):
            upload(**fields)
    for name in ("file", "link"):
        with pytest.raises(ConfigurationError, match="must not contain"):
            upload(link=UNSET, extra_body={name: "x"})


def test_another_argument_is_a_type_error() -> None:
    given: Any = {"extra_body": {"a": 1}}
    assert extra_only(given) == given
    with pytest.raises(TypeError, match="unexpected argument titel"):
        extra_only({**given, "titel": "x"})
