"""Text that no request can contain is refused; text from outside becomes one harmless line."""

import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apivideo_async import ConfigurationError
from apivideo_async.protocol.json_body import as_json
from apivideo_async.protocol.query import query_string
from apivideo_async.protocol.raw import raw_request
from apivideo_async.protocol.request import (
    FilePart,
    Multipart,
    build_request,
    merged_headers,
    path_for,
)
from apivideo_async.text import check_all_sendable, check_sendable, clean, is_sendable

UNSENDABLE = ["a\0b", "\ud83d", "\udcff.mp4", "Party \ud83d"]


@pytest.mark.parametrize("text", UNSENDABLE)
def test_every_part_of_a_request_refuses_text_that_cannot_be_sent(text: str) -> None:
    part = FilePart("a.mp4", 1, lambda: None)  # type: ignore[arg-type,return-value]
    attempts: list[Any] = [
        lambda: path_for("/videos/{video_id}", video_id=text),
        lambda: query_string({"title": text}),
        lambda: query_string({"metadata": {text: "a"}}),
        lambda: as_json({"title": text}),
        lambda: as_json({"metadata": [{"key": text, "value": ""}]}),
        lambda: as_json({text: 1}),
        lambda: FilePart(text, 1, part.read),
        lambda: Multipart(part, {"videoId": text}),
        lambda: Multipart(part, {text: "vi1"}),
        lambda: raw_request("GET", "/x", headers={"X-A": text}),
    ]
    for attempt in attempts:
        with pytest.raises(ConfigurationError) as caught:
            attempt()
        str(caught.value).encode()


def test_the_message_names_the_place_and_shows_only_its_surroundings() -> None:
    value = {"metadata": [{"key": "a", "value": "x" * 1000 + "\ud83d"}]}
    with pytest.raises(ConfigurationError) as caught:
        as_json(value)
    assert str(caught.value) == (
        f"metadata[0].value contains a character that UTF-8 cannot encode: '{'x' * 20}\\ud83d'"
    )
    with pytest.raises(ConfigurationError, match=r"^title contains a NUL character: 'a\\x00b'$"):
        check_all_sendable({"title": "a\0b"})
    with pytest.raises(ConfigurationError, match=r"^a name in metadata contains a NUL"):
        check_all_sendable({"metadata": {"\0": ""}})
    with pytest.raises(ConfigurationError, match=r"^a text contains a NUL"):
        check_all_sendable("\0")
    with pytest.raises(ConfigurationError, match=r"^title must be a text, not int$") as caught:
        check_sendable("title", 5, option="title")
    assert caught.value.option == "title"


def test_text_that_only_looks_like_an_escape_is_sent() -> None:
    assert as_json({"title": "\\u0000 \\ud83d"}) == b'{"title": "\\\\u0000 \\\\ud83d"}'
    check_all_sendable({1: (2, None, ["é", {}])})


@given(st.text())
def test_text_is_sendable_if_utf8_can_encode_it_and_it_has_no_nul(text: str) -> None:
    assert is_sendable(text) == ("\0" not in text)


@given(st.text(st.characters()), st.integers(1, 50))
def test_cleaned_text_is_one_short_line_without_hidden_characters(text: str, longest: int) -> None:
    line = clean(text, longest)
    assert len(line) <= longest + 1
    categories = {unicodedata.category(character) for character in line}
    assert not categories & {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
    assert line == line.strip()


def test_cleaned_text_keeps_letters() -> None:
    assert clean("a\x1b[31m\u202eé\r\n\tb 映", 50) == "a [31m é b 映"
    assert clean("abc def", 4) == "abc…"


def test_headers_are_merged_without_regard_to_case() -> None:
    assert merged_headers({"A": "1", "b": "2"}, {"a": "3"}) == {"a": "3", "b": "2"}
    request = build_request(
        "x", "POST", "/x", body=b"{}", headers={"content-type": "text/plain", "accept": "a/b"}
    )
    assert request.headers == {"accept": "a/b", "Content-Type": "application/json"}


@pytest.mark.parametrize("name", ["Authorization", "content-length", "Transfer-Encoding", "HOST"])
def test_headers_that_the_client_sets_are_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match=name):
        raw_request("GET", "/x", headers={name: "5"})


def test_another_query_than_a_mapping_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="query must be a mapping"):
        raw_request("GET", "/x", query=[("a", "b")])  # type: ignore[arg-type]
