"""Converts responses to values or errors.

The body decides and the content type is ignored, because a proxy may send HTML with any status
(service.md#content-types).
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar
from urllib.parse import quote

import attrs
from attrs import field, frozen

from ..config import MIB
from ..errors import (
    STATUS_ERRORS,
    ApiResponseError,
    ApiStatusError,
    AuthenticationError,
    Problem,
    ServerError,
)
from ..models import Page, from_json, page_from
from ..models._tokens import mask_tokens
from ..text import clean
from .request import Request
from .stated_reason import page_title, redirect_target, stated_reason, status_phrase

__all__ = [
    "Response",
    "decode",
    "decode_page",
    "error_for",
    "most_bytes",
    "parse_json",
    "slug_of",
    "too_large",
    "without_secrets",
]

T = TypeVar("T")

LARGEST_BODY = 16 * MIB
"""Bytes of a 2xx body. Parsed JSON can take 20 times as much memory."""
LARGEST_ERROR_BODY = 256 * 1024
"""Bytes of the body of any other response."""
KEY_HINT = ": check the API key, and that it belongs to base_url and environment"
LONGEST_TEXT = 500
"""Characters of a text of the server in an error message."""
SHORTEST_SECRET = 6
"""Characters. No token is shorter, and replacing a single letter would destroy the response."""

_ALIASES = {
    # Names of older versions for the same faults (service.md#older-error-types).
    "attributerequired": "attribute-required",
    "attributeinvalid": "invalid-attribute",
    "an-attribute-is-invalid": "invalid-attribute",
    "resourcenot_found": "resource-not-found",
    "authenticationinvalid_credentials": "authentication-invalid-user-credentials",
    "fileextension": "uploaded-file-extension-invalid",
    "filealreadyuploaded": "video-source-already-uploaded",
    "filemissing": "uploaded-file-no-file",
    "multiplefilesuploaded": "uploaded-file-multiple-files",
    "bad-request": "invalid-payload",
}

_PROBLEM_FIELDS: Mapping[str, type] = {
    **dict.fromkeys(("type", "title", "name", "detail"), str),
    "status": int,
    "range": Mapping,
}


@frozen
class Response:
    """A response as received. Header names are in lower case; ``repr`` shows no tokens."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    """The decompressed body, at most :func:`most_bytes` of it."""
    cut: bool = False
    """True if the body was longer."""

    @property
    def ok(self) -> bool:
        """True for any 2xx: creations return 200, 201 or 202 (service.md#status-codes)."""
        return 200 <= self.status < 300

    def json(self) -> Any:
        """Return the parsed body, or None if it is empty or not JSON."""
        return parse_json(self.body)


def slug_of(type_uri: object) -> str | None:
    """Return the last segment of a ``type``; older names are replaced (service.md#error-bodies)."""
    if not isinstance(type_uri, str):
        return None
    slug = type_uri.rstrip("/").rpartition("/")[2]
    return _ALIASES.get(slug, slug) or None


def _problem(raw: Mapping[str, Any]) -> Problem:
    """Read a fault. A member of an undocumented form is kept as received in ``extra``."""
    known: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for key, value in raw.items():
        if key in _PROBLEM_FIELDS and isinstance(value, _PROBLEM_FIELDS[key]):
            known[key] = value
        elif value is not None and key != "problems":
            extra[key] = value
    return Problem(**known, extra=extra)


def parse_json(body: bytes) -> Any:
    """Parse JSON. Returns None if the body is not JSON."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        # Also for bytes that are not UTF-8, and for JSON with very deep nesting.
        return None


def most_bytes(status: int) -> int:
    """Return how many bytes of a body are read, both compressed and decompressed."""
    return LARGEST_BODY if 200 <= status < 300 else LARGEST_ERROR_BODY


def without_secrets(
    request: Request, response: Response, credentials: Iterable[str] = ()
) -> Response:
    """Replace the tokens of the request and ``credentials`` in the response by ``***``.

    Gateways and validators repeat parts of a request ("Cannot GET /upload-tokens/to1…"), and texts
    of the server appear in messages and logs.
    """
    headers, body = dict(response.headers), response.body
    for secret in (*request.secrets, *credentials):
        # A server may repeat the decoded value or the one from the URL.
        for spelling in {secret, quote(secret, safe="")}:
            if len(spelling) >= SHORTEST_SECRET:
                body = body.replace(spelling.encode(), b"***")
                headers = {name: value.replace(spelling, "***") for name, value in headers.items()}
    return attrs.evolve(response, headers=headers, body=body)


def error_for(
    request: Request, response: Response, credentials: Iterable[str] = ()
) -> ApiStatusError:
    """Convert a response other than 2xx to an error. ``credentials`` were sent in headers."""
    response = without_secrets(request, response, credentials)
    parsed = parse_json(response.body)
    raw: Mapping[str, Any] = parsed if isinstance(parsed, Mapping) else {}
    listed = raw.get("problems")
    faults = listed if isinstance(listed, list) else []
    problems = tuple(_problem(fault) for fault in faults if isinstance(fault, Mapping))
    problem = _problem(raw)
    # Some bodies have the problem only in the list ``problems``.
    if problem.type is None and problem.title is None and problems:
        problem = problems[0]
    slug = slug_of(problem.type)
    kind = _class_for(request, response.status)
    hint = KEY_HINT if kind is AuthenticationError and request.path.startswith("/auth/") else ""
    return kind(
        _reason(response, problem, slug) + hint,
        status=response.status,
        slug=slug,
        problem=problem,
        problems=problems or ((problem,) if raw else ()),
        headers=response.headers,
        body=response.body,
        request=request.summary,
    )


def _class_for(request: Request, status: int) -> type[ApiStatusError]:
    # A wrong key is 400 in the specification, 401 in the guides (service.md#refused-credentials).
    if request.path.startswith("/auth/") and status == 400:
        return AuthenticationError
    if status >= 500:
        return ServerError
    return STATUS_ERRORS.get(status, ApiStatusError)


def _reason(response: Response, problem: Problem, slug: str | None) -> str:
    target = redirect_target(response.status, response.headers.get("location"))
    if target:
        return f"{response.status} redirects to {mask_tokens(target)}: is base_url right?"
    texts = ((problem.title, "{}"), (problem.name, "[{}]"), (problem.detail, "{}"), (slug, "({})"))
    parts = [form.format(clean(text, LONGEST_TEXT)) for text, form in texts if text]
    if not (problem.title or problem.detail or slug):
        # Not a problem of the service: the response of a gateway, or of another server.
        parts = [_stated(response) or status_phrase(response.status)]
    return " ".join(filter(None, [str(response.status), *parts]))


def _stated(response: Response) -> str:
    content_type = response.headers.get("content-type", "")
    return mask_tokens(stated_reason(response.status, response.body, content_type))


def too_large(request: Request, response: Response) -> ApiResponseError:
    """Return the error for a 2xx response that was cut. A repeated request would get it again."""
    return ApiResponseError(
        f"{response.status} with a body of more than {LARGEST_BODY // MIB} MiB, of which the "
        "rest was not read: check base_url, or request a smaller page_size",
        status=response.status,
        body=without_secrets(request, response).body,
        retryable=False,
        request=request.summary,
    )


def _unexpected(request: Request, response: Response, expected: str) -> ApiResponseError:
    response = without_secrets(request, response)
    kind = clean(response.headers.get("content-type", "no content type"), LONGEST_TEXT)
    # Only the title of a page: the body may repeat the headers of the request.
    title = mask_tokens(page_title(response.body, response.headers.get("content-type", "")))
    titled = f", titled {title!r}" if title else ""
    return ApiResponseError(
        f"{response.status} with a body that is not {expected} ({len(response.body)} bytes, "
        f"{kind}{titled}); is base_url right, or a proxy in between?",
        status=response.status,
        body=response.body,
        request=request.summary,
    )


def decode(request: Request, response: Response, kind: type[T]) -> T:
    """Convert a 2xx body to a ``kind``. Raises ``ApiResponseError`` for any other body."""
    parsed = parse_json(response.body)
    if not isinstance(parsed, Mapping):
        raise _unexpected(request, response, f"a {kind.__name__}")
    return from_json(parsed, kind)


def decode_page(request: Request, response: Response, kind: type[T]) -> Page[T]:
    """Convert a 2xx body to a page of ``kind``. Raises ``ApiResponseError`` for any other body."""
    page = page_from(parse_json(response.body), kind)
    if page is None:
        raise _unexpected(request, response, "a page")
    return page
