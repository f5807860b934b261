"""Headers and the life of an access token (service.md#authentication)."""

import json
from base64 import b64decode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apivideo_async.errors import ApiResponseError
from apivideo_async.protocol.auth import (
    Tokens,
    authenticate_request,
    basic_header,
    refresh_request,
    tokens_from,
)
from apivideo_async.protocol.request import Request
from apivideo_async.protocol.response import Response

ASK = authenticate_request("s3cret")


def tokens(now: float = 1000.0, **body: Any) -> Tokens:
    return tokens_from(
        ASK, Response(200, {}, json.dumps({"access_token": "access", **body}).encode()), now
    )


def test_basic_is_the_key_with_an_empty_password() -> None:
    """service.md#basic-authentication, its worked example."""
    assert basic_header("9VxMaPgsaFg7EBqmuspSzF7") == "Basic OVZ4TWFQZ3NhRmc3RUJxbXVzcFN6Rjc6"


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_basic_is_one_line_that_holds_the_key(key: str) -> None:
    scheme, value = basic_header(key).split(" ")
    assert (scheme, b64decode(value, validate=True).decode()) == ("Basic", f"{key}:")


@pytest.mark.parametrize(
    ("request_", "operation", "path", "body"),
    [
        pytest.param(
            authenticate_request("k"),
            "auth.authenticate",
            "/auth/api-key",
            {"apiKey": "k"},
            id="api-key",
        ),
        pytest.param(
            refresh_request("r"),
            "auth.refresh",
            "/auth/refresh",
            {"refreshToken": "r"},
            id="refresh",
        ),
    ],
)
def test_exchanges_are_posts_without_authorization_and_budget(
    request_: Request, operation: str, path: str, body: dict[str, str]
) -> None:
    """``/auth/*`` has no rate limit headers. See service.md#authentication,
    service.md#rate-limit-headers,
    service.md#auth-operations.
    """
    assert (request_.method, request_.path, request_.operation) == ("POST", path, operation)
    assert json.loads(request_.body or b"") == body
    assert request_.headers == {"Accept": "application/json", "Content-Type": "application/json"}
    assert (request_.authenticated, request_.limit_class, request_.repeatable) == (
        False,
        None,
        True,
    )


@pytest.mark.parametrize("request_", [authenticate_request("s3cret"), refresh_request("s3cret")])
def test_exchanges_show_no_secret(request_: Request) -> None:
    assert "s3cret" not in repr(request_)


def test_tokens_show_no_secret() -> None:
    assert "s3cret" not in repr(Tokens("s3cret-a", "s3cret-r", 5.0, 9.0))
    assert "5.0" in repr(Tokens("s3cret-a", "s3cret-r", 5.0, 9.0))


@pytest.mark.parametrize("token_type", ["Bearer", "bearer", None, "MAC"])
def test_bearer_is_always_spelled_the_same(token_type: str | None) -> None:
    """service.md#access-tokens: the server's ``token_type`` comes in either case."""
    assert tokens(token_type=token_type).header == "Bearer access"


def test_the_newest_refresh_token_is_kept() -> None:
    """service.md#token-renewal: it rotates."""
    assert tokens(refresh_token="newest").refresh == "newest"
    assert tokens().refresh is None


@pytest.mark.parametrize(
    ("expires_in", "renew_after"),
    [
        pytest.param(3600, 3540.0, id="a minute early"),
        pytest.param(120, 60.0, id="two minutes"),
        pytest.param(100, 50.0, id="half its life below two minutes"),
        pytest.param(1, 0.5, id="one second"),
        pytest.param("3600", 3540.0, id="digits as text"),
        pytest.param(None, 3540.0, id="not said: an hour"),
        pytest.param("soon", 3540.0, id="not understood: an hour"),
    ],
)
def test_a_token_is_renewed_a_minute_early_or_at_half_its_life(
    expires_in: Any, renew_after: float
) -> None:
    """service.md#token-renewal, docs/design.md §3."""
    assert tokens(now=1000.0, expires_in=expires_in).renew_at == 1000.0 + renew_after


@given(st.integers(1, 10**9), st.floats(0, 10**6))
def test_a_fresh_token_is_never_due_at_once_and_never_used_after_its_end(
    expires_in: int, now: float
) -> None:
    fresh = tokens(now=now, expires_in=expires_in)
    assert not fresh.due(now)
    assert fresh.due(now + expires_in)


def test_due_begins_exactly_at_the_moment() -> None:
    fresh = tokens(now=0.0, expires_in=3600)
    assert (fresh.due(3539.9), fresh.due(3540.0)) == (False, True)


@pytest.mark.parametrize("expires_in", [0, -100])
def test_a_lifetime_that_makes_no_sense_does_not_make_every_request_renew(expires_in: int) -> None:
    """No budget would slow down repeated renewals, because ``/auth/*`` has no budget headers."""
    assert not tokens(now=1000.0, expires_in=expires_in).due(1000.0)


def test_a_huge_lifetime_is_no_error() -> None:
    assert not tokens(now=0.0, expires_in=10**400).due(0.0)


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"access_token": ""}',
        b'{"access_token": null}',
        b'{"access_token": 5}',
        b'{"data": []}',
    ],
)
def test_an_answer_without_a_token_is_a_response_error(body: bytes) -> None:
    with pytest.raises(ApiResponseError) as caught:
        tokens_from(ASK, Response(200, {}, body), 0.0)
    assert (
        str(caught.value)
        == "auth.authenticate: the response contains no access token; is base_url right?"
    )
    assert (caught.value.status, caught.value.request) == (200, ASK.summary)


def test_an_answer_that_is_no_json_is_a_response_error() -> None:
    with pytest.raises(
        ApiResponseError, match=r"^auth\.authenticate: 200 with a body that is not a AccessToken "
    ):
        tokens_from(ASK, Response(200, {}, b"<html>"), 0.0)
