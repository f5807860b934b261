"""Error responses as values (service.md#errors, service.md#error-types, service.md#not-found).

A rule that refuses a request raises ``RefusedError``, and ``pipeline`` converts it to a response.
The body is plain data, so that every rule can be tested without a server.
"""

from collections.abc import Sequence
from typing import Any

__all__ = [
    "RefusedError",
    "attribute_required",
    "forbidden",
    "invalid_attribute",
    "invalid_credentials",
    "invalid_payload",
    "invalid_query_parameter",
    "method_not_allowed",
    "not_found",
    "refuse",
    "refuse_all",
    "server_error",
    "summary_exists",
    "too_many_requests",
    "unauthorized",
    "unrecognized_url",
]

_TYPE_PREFIX = "https://docs.api.video/reference/"


class RefusedError(Exception):
    """A refused request: status and JSON body of the response (service.md#error-bodies)."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = body

    def __str__(self) -> str:
        return f"{self.status} {self.body.get('type') or self.body.get('title')}"


def refuse(
    status: int, slug: str | None, title: str, *, name: str | None = None, detail: str | None = None
) -> RefusedError:
    """Build a refusal. Its ``type`` is a documentation page (service.md#error-types)."""
    kind = None if slug is None else _TYPE_PREFIX + slug
    body = {"type": kind, "title": title, "name": name, "status": status, "detail": detail}
    return RefusedError(status, {key: value for key, value in body.items() if value is not None})


def refuse_all(problems: Sequence[dict[str, Any]]) -> RefusedError:
    """Build a refusal of at least one problem. The first is copied to the top level.

    See service.md#error-bodies.
    """
    body = {**problems[0], "status": 400, "problems": [dict(problem) for problem in problems]}
    return RefusedError(400, body)


def attribute_required(name: str) -> dict[str, Any]:
    """Return the problem of a required attribute that is absent."""
    kind = _TYPE_PREFIX + "attribute-required"
    return {"type": kind, "title": "This attribute is required.", "name": name}


def invalid_attribute(
    name: str, detail: str | None = None, title: str = "An attribute is invalid."
) -> dict[str, Any]:
    """Return the problem of an attribute with a wrong value (service.md#error-details)."""
    problem = {"type": _TYPE_PREFIX + "invalid-attribute", "title": title, "name": name}
    return problem if detail is None else {**problem, "detail": detail}


def invalid_payload(detail: str | None = None) -> RefusedError:
    """Return the refusal of a body that is absent or no JSON object."""
    return refuse(400, "invalid-payload", "The payload is invalid.", detail=detail)


def invalid_query_parameter(name: str, detail: str) -> RefusedError:
    """Return the refusal of a query parameter."""
    slug, title = "request-invalid-query-parameter", "A query parameter is invalid."
    return refuse(400, slug, title, name=name, detail=detail)


def not_found(name: str) -> RefusedError:
    """Return the refusal of an unknown value of the path parameter ``name``."""
    title = "The requested resource could not be found."
    return refuse(404, "resource-not-found", title, name=name)


def summary_exists(name: str | None) -> RefusedError:
    """Return the refusal of a second summary, or of a text for one that is being generated."""
    title = "A summary already exists or is being created on this video."
    detail = "You can delete the existing summary and generate a new one."
    return refuse(409, "summary-already-exists", title, name=name, detail=detail)


def unrecognized_url() -> RefusedError:
    """Return the refusal of a path that is not in the API."""
    return refuse(404, "unrecognized-request-url", "Unrecognized request URL.")


def method_not_allowed() -> RefusedError:
    """Return the refusal of a method that the path does not have."""
    return refuse(405, "method-not-allowed", "Method is not allowed for this route.")


def forbidden(detail: str) -> RefusedError:
    """Return the refusal of a request from a web page, which the service does not have."""
    return refuse(403, None, "Forbidden.", detail=detail)


def too_many_requests() -> RefusedError:
    """Return the refusal of a request over the rate limit (service.md#too-many-requests)."""
    return refuse(429, "too-many-requests", "Too many requests.")


def server_error() -> RefusedError:
    """Return the response to an error in the emulator (service.md#server-errors)."""
    return refuse(500, None, "Server error")


_AUTHENTICATION_TITLES = {
    "invalid-api-key": "The API key is invalid.",
    "invalid-access-token": "The access token is invalid or expired.",
    "invalid-refresh-token": "The refresh token is invalid.",
    "invalid-upload-token": "The upload token is invalid or expired.",
    "missing-upload-token": "The upload token is missing.",
    "invalid-authorization-header-value": 'The "Authorization" header value is invalid.',
    "missing-authorization-header": 'The "Authorization" header is missing.',
}


def unauthorized(rule: str) -> RefusedError:
    """Return one of the 401 refusals. ``rule`` is the slug without ``authentication-``."""
    return refuse(401, f"authentication-{rule}", _AUTHENTICATION_TITLES[rule])


def invalid_credentials() -> RefusedError:
    """Return the refusal of a key or refresh token (service.md#refused-credentials)."""
    slug, title = "authentication-invalid-user-credentials", "The user credentials were incorrect."
    return refuse(400, slug, title, name="")
