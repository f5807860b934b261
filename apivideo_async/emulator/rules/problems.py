"""Error answers as values: what the service says when it refuses (service.md#errors).

A rule that is broken raises :class:`RefusedError`; the network edge turns it into an answer. The body is
plain data, so that every rule can be tested without a server.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

TYPE_PREFIX = "https://docs.api.video/reference/"


class RefusedError(Exception):
    """A request was refused: `status` and the JSON `body` to answer with (service.md#error-bodies)."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = body

    def __str__(self) -> str:
        return f"{self.status} {self.body.get('type') or self.body.get('title')}"


def refuse(
    status: int, slug: str | None, title: str, *, name: str | None = None, detail: str | None = None
) -> RefusedError:
    """Build a refusal whose `type` is the documentation page of `slug` (service.md#error-types)."""
    body: dict[str, Any] = {}
    if slug is not None:
        body["type"] = TYPE_PREFIX + slug
    body["title"] = title
    if name is not None:
        body["name"] = name
    body["status"] = status
    if detail is not None:
        body["detail"] = detail
    return RefusedError(status, body)


def refuse_all(problems: Sequence[dict[str, Any]]) -> RefusedError:
    """Refuse with several faults; the first one is copied to the top level (service.md#error-bodies)."""
    first = problems[0]
    return RefusedError(400, {**first, "status": 400, "problems": [dict(item) for item in problems]})


def attribute_required(name: str) -> dict[str, Any]:
    """Describe a required attribute that is absent (service.md#error-types)."""
    return {
        "type": TYPE_PREFIX + "attribute-required",
        "title": "This attribute is required.",
        "name": name,
    }


def invalid_attribute(name: str, detail: str | None = None, title: str = "An attribute is invalid.") -> dict[str, Any]:
    """Describe an attribute with a wrong value; `detail` says what is wrong (service.md#error-details)."""
    problem = {"type": TYPE_PREFIX + "invalid-attribute", "title": title, "name": name}
    return problem if detail is None else {**problem, "detail": detail}


def invalid_payload() -> RefusedError:
    """Refuse a body that is missing or is no JSON object (service.md#error-types)."""
    return refuse(400, "invalid-payload", "The payload is invalid.")


def invalid_query_parameter(name: str, detail: str) -> RefusedError:
    """Refuse a query parameter (service.md#error-types)."""
    return refuse(400, "request-invalid-query-parameter", "A query parameter is invalid.", name=name, detail=detail)


def not_found(name: str) -> RefusedError:
    """Refuse an unknown resource; `name` is the path parameter (service.md#not-found)."""
    return refuse(404, "resource-not-found", "The requested resource could not be found.", name=name)


def summary_exists(name: str | None) -> RefusedError:
    """Refuse a second summary, or a text for one that is being written.

    See service.md#summaries, service.md#error-types.
    """
    return refuse(
        409,
        "summary-already-exists",
        "A summary already exists or is being created on this video.",
        name=name,
        detail="You can delete the existing summary and generate a new one.",
    )


def unrecognized_url() -> RefusedError:
    """Refuse a path that is not in the API (service.md#error-types)."""
    return refuse(404, "unrecognized-request-url", "Unrecognized request URL.")


def method_not_allowed() -> RefusedError:
    """Refuse a method that a path does not have (service.md#error-types)."""
    return refuse(405, "method-not-allowed", "Method is not allowed for this route.")


def forbidden(detail: str) -> RefusedError:
    """Refuse what a web page must not do. The service has no such refusal; `detail` says what to do."""
    return refuse(403, None, "Forbidden.", detail=detail)


def too_many_requests() -> RefusedError:
    """Refuse a request over the rate limit (service.md#too-many-requests)."""
    return refuse(429, "too-many-requests", "Too many requests.")


def server_error() -> RefusedError:
    """Answer for a fault of the emulator itself: a problem without type (service.md#server-errors)."""
    return refuse(500, None, "Server error")


_AUTHENTICATION_TITLES = {
    "authentication-invalid-api-key": "The API key is invalid.",
    "authentication-invalid-access-token": "The access token is invalid or expired.",
    "authentication-invalid-refresh-token": "The refresh token is invalid.",
    "authentication-invalid-upload-token": "The upload token is invalid or expired.",
    "authentication-missing-upload-token": "The upload token is missing.",
    "authentication-invalid-authorization-header-value": 'The "Authorization" header value is invalid.',
    "authentication-missing-authorization-header": 'The "Authorization" header is missing.',
}


def unauthorized(slug: str) -> RefusedError:
    """Refuse with one of the documented 401 answers (service.md#error-types)."""
    return refuse(401, slug, _AUTHENTICATION_TITLES[slug])


def invalid_credentials() -> RefusedError:
    """Refuse a key or refresh token on /auth/* the way the current specification says.

    See service.md#refused-credentials.
    """
    return refuse(400, "authentication-invalid-user-credentials", "The user credentials were incorrect.", name="")
