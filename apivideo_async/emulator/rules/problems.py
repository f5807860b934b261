"""Error responses as values (service.md#errors).

A rule that refuses a request raises ``RefusedError``, and ``pipeline`` converts it to a response.
The body is plain data, so that every rule can be tested without a server.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

TYPE_PREFIX = "https://docs.api.video/reference/"


class RefusedError(Exception):
    """A refused request: the ``status`` and JSON ``body`` of the response.

    See service.md#error-bodies.
    """

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = body

    def __str__(self) -> str:
        return f"{self.status} {self.body.get('type') or self.body.get('title')}"


def refuse(
    status: int, slug: str | None, title: str, *, name: str | None = None, detail: str | None = None
) -> RefusedError:
    """Build a refusal.

    Its ``type`` is the documentation page of ``slug`` (service.md#error-types).
    """
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
    """Build a refusal of several problems, of which there must be at least one.

    The first problem is copied to the top level (service.md#error-bodies).
    """
    first = problems[0]
    return RefusedError(
        400, {**first, "status": 400, "problems": [dict(item) for item in problems]}
    )


def attribute_required(name: str) -> dict[str, Any]:
    """Return the problem of a required attribute that is absent (service.md#error-types)."""
    return {
        "type": TYPE_PREFIX + "attribute-required",
        "title": "This attribute is required.",
        "name": name,
    }


def invalid_attribute(
    name: str, detail: str | None = None, title: str = "An attribute is invalid."
) -> dict[str, Any]:
    """Return the problem of an attribute with a wrong value. ``detail`` says what is wrong.

    See service.md#error-details.
    """
    problem = {"type": TYPE_PREFIX + "invalid-attribute", "title": title, "name": name}
    return problem if detail is None else {**problem, "detail": detail}


def invalid_payload() -> RefusedError:
    """Return the refusal of a body that is absent or no JSON object (service.md#error-types)."""
    return refuse(400, "invalid-payload", "The payload is invalid.")


def invalid_query_parameter(name: str, detail: str) -> RefusedError:
    """Return the refusal of a query parameter (service.md#error-types)."""
    return refuse(
        400,
        "request-invalid-query-parameter",
        "A query parameter is invalid.",
        name=name,
        detail=detail,
    )


def not_found(name: str) -> RefusedError:
    """Return the refusal of an unknown resource. ``name`` is its path parameter.

    See service.md#not-found.
    """
    return refuse(
        404, "resource-not-found", "The requested resource could not be found.", name=name
    )


def summary_exists(name: str | None) -> RefusedError:
    """Return the refusal of a second summary, or of a text for a summary that is being generated.

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
    """Return the refusal of a path that is not in the API (service.md#error-types)."""
    return refuse(404, "unrecognized-request-url", "Unrecognized request URL.")


def method_not_allowed() -> RefusedError:
    """Return the refusal of a method that the path does not have (service.md#error-types)."""
    return refuse(405, "method-not-allowed", "Method is not allowed for this route.")


def forbidden(detail: str) -> RefusedError:
    """Return the refusal of a request from a web page. ``detail`` says what the developer can do.

    The service has no such refusal.
    """
    return refuse(403, None, "Forbidden.", detail=detail)


def too_many_requests() -> RefusedError:
    """Return the refusal of a request over the rate limit (service.md#too-many-requests)."""
    return refuse(429, "too-many-requests", "Too many requests.")


def server_error() -> RefusedError:
    """Return the response to an error in the emulator: a problem without type.

    See service.md#server-errors.
    """
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
    """Return one of the documented 401 refusals (service.md#error-types)."""
    return refuse(401, slug, _AUTHENTICATION_TITLES[slug])


def invalid_credentials() -> RefusedError:
    """Return the refusal of a key or refresh token by ``/auth/*`` in the current specification.

    See service.md#refused-credentials.
    """
    return refuse(
        400,
        "authentication-invalid-user-credentials",
        "The user credentials were incorrect.",
        name="",
    )
