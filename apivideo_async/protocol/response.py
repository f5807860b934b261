"""What came back: status, headers and body to a value or to an error.

The body decides, not the content type: a proxy may answer HTML with any status (service.md#content-types).
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import attrs
from attrs import field, frozen

from ..config import MIB
from ..errors import STATUS_ERRORS, ApiResponseError, ApiStatusError, AuthenticationError, Problem, ServerError
from ..models import MetricsContext, Page, Pagination, drain_json, from_json
from .request import Request
from .secrets import redacted

__all__ = ["Response", "decode", "decode_page", "error_for", "most_bytes", "parse_json", "slug_of", "too_large"]

T = TypeVar("T")

LARGEST_ANSWER = 16 * MIB
"""160 KiB for each item of the largest page. JSON of this size can take 20 times as much memory once it is parsed."""
LARGEST_ERROR = 256 * 1024
LONGEST_TEXT = 500
"""Characters of one text of the server in a message."""

_ALIASES = {
    # Names that older answers use for the same faults (service.md#older-error-types).
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

_PAGE_PARTS: Mapping[str, type] = {"pagination": Pagination, "context": MetricsContext}

_PROBLEM_FIELDS: Mapping[str, type] = {
    **dict.fromkeys(("type", "title", "name", "detail"), str),
    "status": int,
    "range": Mapping,
}


@frozen
class Response:
    """An answer as received; header names are lower-case. ``repr`` shows the status only: the rest may hold tokens."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    """Decompressed, at most :func:`most_bytes` of it."""
    cut: bool = False
    """Whether there was more."""

    @property
    def ok(self) -> bool:
        """Any 2xx: creations answer 200, 201 or 202 without a pattern (service.md#status-codes)."""
        return 200 <= self.status < 300

    def json(self) -> Any:
        """Return the parsed body, or None when it is empty or no JSON."""
        return parse_json(self.body)


def slug_of(type_uri: object) -> str | None:
    """Reduce the problem's ``type`` to its last path segment, the stable name of a fault (service.md#error-bodies)."""
    if not isinstance(type_uri, str):
        return None
    slug = type_uri.rstrip("/").rpartition("/")[2]
    return _ALIASES.get(slug, slug) or None


def _problem(raw: Mapping[str, Any]) -> Problem:
    """Read a fault; a member of another form than documented is kept in ``extra``, as it came."""
    known: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for key, value in raw.items():
        if key in _PROBLEM_FIELDS and isinstance(value, _PROBLEM_FIELDS[key]):
            known[key] = value
        elif value is not None and key != "problems":
            extra[key] = value
    return Problem(**known, extra=extra)


def parse_json(body: bytes) -> Any:
    """Parse, or return None when it is no JSON."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def most_bytes(status: int) -> int:
    """How much of an answer's body is read, after decompression; its size may not exceed that compressed either."""
    return LARGEST_ANSWER if 200 <= status < 300 else LARGEST_ERROR


def without_secrets(request: Request, response: Response, credentials: Iterable[str] = ()) -> Response:
    """Remove what the server repeated of the request's tokens and of ``credentials``."""
    headers, body = redacted(response.headers, response.body, [*request.secrets, *credentials])
    return attrs.evolve(response, headers=headers, body=body)


def error_for(request: Request, response: Response, credentials: Iterable[str] = ()) -> ApiStatusError:
    """Turn an answer other than 2xx into the error of its family, with everything the body says.

    ``credentials``: secrets that were sent with the request and are no part of it.
    """
    response = without_secrets(request, response, credentials)
    parsed = parse_json(response.body)
    raw: Mapping[str, Any] = parsed if isinstance(parsed, Mapping) else {}
    listed = raw.get("problems")
    problems = tuple(_problem(item) for item in listed if isinstance(item, Mapping)) if isinstance(listed, list) else ()
    problem = _problem(raw)
    if problem.type is None and problem.title is None and problems:
        problem = problems[0]
    slug = slug_of(problem.type)
    error = _class_for(request, response.status)(
        _message(request, response.status, problem, slug),
        status=response.status,
        slug=slug,
        problem=problem,
        problems=problems or ((problem,) if raw else ()),
        headers=response.headers,
        body=response.body,
        request=request.summary,
    )
    # 408: the server gave up waiting for the rest of the request, so it executed nothing.
    error.retryable = error.retryable or response.status == 408
    return error


def _class_for(request: Request, status: int) -> type[ApiStatusError]:
    # A bad key is 400 in the specification and 401 in the guides (service.md#refused-credentials).
    if request.path.startswith("/auth/") and status == 400:
        return AuthenticationError
    if status >= 500:
        return ServerError
    return STATUS_ERRORS.get(status, ApiStatusError)


def _message(request: Request, status: int, problem: Problem, slug: str | None) -> str:
    parts = [f"{request.operation}: {status}"]
    if problem.title:
        parts.append(_short(problem.title))
    if problem.name:
        parts.append(f"[{_short(problem.name)}]")
    if problem.detail:
        parts.append(_short(problem.detail))
    if slug:
        parts.append(f"({_short(slug)})")
    return " ".join(parts)


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT] + "…"


def too_large(request: Request, response: Response) -> ApiResponseError:
    """Describe a 2xx answer that was cut. It is final: a repeat would get the same answer."""
    error = ApiResponseError(
        f"{request.operation}: {response.status} with a body of more than {LARGEST_ANSWER // MIB} MiB, of which the "
        "rest was not read: check base_url, or ask for a smaller page_size",
        status=response.status,
        body=without_secrets(request, response).body,
        request=request.summary,
    )
    error.retryable = False
    return error


def _unexpected(request: Request, response: Response, expected: str) -> ApiResponseError:
    response = without_secrets(request, response)
    kind = _short(response.headers.get("content-type", "no content type"))
    return ApiResponseError(
        f"{request.operation}: {response.status} with a body that is not {expected} "
        f"({len(response.body)} bytes, {kind}); is base_url right, or a proxy in between?",
        status=response.status,
        body=response.body,
        request=request.summary,
    )


def decode(request: Request, response: Response, kind: type[T]) -> T:
    """Turn a 2xx body into ``kind``; raises ``ApiResponseError`` when it is something else."""
    parsed = parse_json(response.body)
    if not isinstance(parsed, Mapping):
        raise _unexpected(request, response, f"a {kind.__name__}")
    return from_json(parsed, kind)


def decode_page(request: Request, response: Response, kind: type[T]) -> Page[T]:
    """Turn a 2xx body of a list operation into a page of ``kind``."""
    parsed = parse_json(response.body)
    data = parsed.get("data") if isinstance(parsed, Mapping) else None
    if not isinstance(data, list) or not all(isinstance(item, dict) for item in data):
        raise _unexpected(request, response, "a page")
    parts: dict[str, Any] = {}
    extra = {name: value for name, value in parsed.items() if name != "data" and value is not None}
    for name, part in _PAGE_PARTS.items():
        if isinstance(extra.get(name), Mapping):
            parts[name] = from_json(extra.pop(name), part)
    parts.setdefault("pagination", Pagination())
    return Page(drain_json(data, kind), **parts, extra=extra)
