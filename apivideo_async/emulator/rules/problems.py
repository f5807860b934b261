"""Error responses as values (service.md#errors).

A rule that refuses a request raises ``RefusedError``, and ``pipeline`` converts it to a response.
"""

from collections.abc import Sequence
from typing import Any

from attrs import define

from .error_types import ERROR_TYPES

__all__ = [
    "RefusedError",
    "attribute_required",
    "forbidden",
    "invalid_attribute",
    "invalid_query_parameter",
    "not_found",
    "refuse",
    "refuse_all",
    "summary_exists",
]

_TYPE_PREFIX = "https://docs.api.video/reference/"


# Without slots, so that copies keep notes and other attributes.
@define(slots=False)
class RefusedError(Exception):
    """A refused request: status and JSON body of the response (service.md#error-bodies)."""

    status: int
    body: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.status} {self.body.get('type') or self.body.get('title')}"


def refuse(
    slug: str, detail: str | None = None, *, name: str | None = None, title: str | None = None
) -> RefusedError:
    """Build a refusal of a type in ``ERROR_TYPES``, perhaps with another name or title."""
    status, usual_name, usual_title = ERROR_TYPES[slug]
    body = {
        "type": _TYPE_PREFIX + slug,
        "title": usual_title if title is None else title,
        "name": usual_name if name is None else name,
        "status": status,
        "detail": detail,
    }
    return RefusedError(status, {key: value for key, value in body.items() if value is not None})


def refuse_all(problems: Sequence[dict[str, Any]]) -> RefusedError:
    """Build a refusal. The first problem is also at the top level (service.md#error-bodies)."""
    body = {**problems[0], "status": 400, "problems": [dict(problem) for problem in problems]}
    return RefusedError(400, body)


def attribute_required(name: str) -> dict[str, Any]:
    kind = _TYPE_PREFIX + "attribute-required"
    return {"type": kind, "title": "This attribute is required.", "name": name}


def invalid_attribute(
    name: str, detail: str | None = None, title: str = "An attribute is invalid."
) -> dict[str, Any]:
    """Return the problem of an attribute with a wrong value (service.md#error-details)."""
    problem = {"type": _TYPE_PREFIX + "invalid-attribute", "title": title, "name": name}
    return problem if detail is None else {**problem, "detail": detail}


def invalid_query_parameter(name: str, detail: str) -> RefusedError:
    return refuse("request-invalid-query-parameter", detail, name=name)


def not_found(name: str) -> RefusedError:
    """Return the refusal of an unknown value of a path parameter (service.md#not-found)."""
    return refuse("resource-not-found", name=name)


def summary_exists(name: str | None) -> RefusedError:
    """Return the refusal of a second summary, or of a text for one that is being generated."""
    detail = "You can delete the existing summary and generate a new one."
    return refuse("summary-already-exists", detail, name=name)


def forbidden(detail: str) -> RefusedError:
    """Return the refusal of a request from a web page, which the service does not have."""
    return RefusedError(403, {"title": "Forbidden.", "status": 403, "detail": detail})
