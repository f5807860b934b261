"""What another server than api.video says is part of the message: short, in one line, clean."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apivideo_async.protocol.request import build_request
from apivideo_async.protocol.response import Response, error_for
from apivideo_async.protocol.stated_reason import (
    page_title,
    redirect_target,
    stated_reason,
    status_phrase,
)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"message": "Forbidden by rule 17"}', "Forbidden by rule 17"),
        (b'{"Message": "User is not authorized"}', "User is not authorized"),
        (b'{"error": {"code": 5, "message": "IP not allowed"}}', "IP not allowed"),
        (b'{"error": "quota", "error_description": "minutes used up"}', "quota; minutes used up"),
        (b'{"errors": [{"detail": "a"}, {"detail": "b"}]}', "a; b"),
        (b'{"fault": {"faultstring": "Rate limit"}, "id": "x"}', "Rate limit"),
        (b'{"ok": false, "id": 17}', '{"ok": false, "id": 17}'),
        (b'["not here", "ask later"]', "not here; ask later"),
        (b'"just text"', "just text"),
        (b'{"message": ""}', '{"message": ""}'),
        (b"{}", ""),
        (b"null", "null"),
        (b'{"message": "cut', '{"message": "cut'),
        (b"[" * 100_000, "[" * 200 + "…"),
        (b"", ""),
        (b"  \n", ""),
        (b"plain \x1b[31mtext\x07\nin lines", "plain [31mtext in lines"),
        (b"<html><head><title>403 \n Blocked</title></head><h1>x</h1></html>", "Blocked"),
        (b"<html><title></title><body><h1>Not &amp; here</h1></body></html>", "Not & here"),
        (b"<html><script>var a = 1</script><p>Sorry <b>now</b></p></html>", "Sorry now"),
        (b"<?xml version='1.0'?><Error><Code>Denied</Code><Id>7</Id></Error>", "Denied 7"),
        ("é".encode(), "é"),
        (b"403: go away", "go away"),
        (b"Authorization: Bearer abcdefghij.klm", "Authorization: Bearer ***"),
    ],
)
def test_the_reason_of_a_body_of_any_shape(body: bytes, reason: str) -> None:
    assert stated_reason(403, body) == reason


def test_the_charset_of_the_content_type_is_used() -> None:
    assert stated_reason(400, b"\xe9t\xe9", "text/plain; charset=latin-1") == "été"
    assert stated_reason(400, b"abc", "text/plain; charset=none-such") == "abc"


@given(st.binary() | st.text().map(lambda text: json.dumps({"message": text}).encode()))
def test_any_body_gives_a_short_printable_line(body: bytes) -> None:
    reason = stated_reason(502, body)
    assert len(reason) <= 201
    assert reason == "" or reason.isprintable()


def test_only_a_page_has_a_title() -> None:
    assert page_title(b"<html><title>Sign in</title>") == "Sign in"
    assert page_title(b"<p>text") == ""
    assert page_title(b'{"message": "a"}') == ""


def test_a_redirect_is_shown_without_query_and_credentials() -> None:
    location = "https://user:word@other.example/videos?token=abc#x"
    assert redirect_target(301, location) == "https://other.example/videos"
    assert redirect_target(302, "/sign-in\x1b") == "/sign-in"
    assert redirect_target(302, None) == redirect_target(200, "/a") == ""
    assert (status_phrase(502), status_phrase(599)) == ("Bad Gateway", "")


@pytest.mark.parametrize(
    ("status", "headers", "body", "message"),
    [
        (403, {}, b'{"message": "No"}', "videos.get: 403 No"),
        (502, {}, b"", "videos.get: 502 Bad Gateway"),
        (599, {}, b"", "videos.get: 599"),
        (400, {}, b'{"title": "Wrong\\u202e", "detail": "x"}', "videos.get: 400 Wrong x"),
        (
            308,
            {"location": "https://ws.api.video/videos/vi1?token=toSECRETSECRET"},
            b"<html>moved</html>",
            "videos.get: 308 redirects to https://ws.api.video/videos/vi1: is base_url right?",
        ),
    ],
)
def test_the_message_of_an_error(
    status: int, headers: dict[str, str], body: bytes, message: str
) -> None:
    request = build_request("videos.get", "GET", "/videos/vi1")
    assert str(error_for(request, Response(status, headers, body))) == message
