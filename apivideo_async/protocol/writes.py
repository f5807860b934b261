"""Requests that create or change an object, from the arguments of a method.

The arguments become a JSON body or the fields of a form. ``extra_body`` and ``extra_query`` add
what the method has no argument for, such as an option that is newer than this package.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, TypedDict

from ..config import Unset
from ..errors import ConfigurationError
from ..models import camel_case, to_json
from ..text import check_sendable
from .json_body import as_json
from .query import QueryValue
from .request import FilePart, Multipart, Request, build_request, set_fields

__all__ = ["ExtraParameters", "extra_only", "file_request", "json_request"]

_NULLABLE: Final = ("language",)
"""Fields that may be null in a creation (service.md#null-and-absent)."""


class ExtraParameters(TypedDict, total=False):
    """Arguments of every method that creates or changes an object.

    They send what the method has no argument for, with the names of the API and without
    conversion. A name for which the method has an argument raises ``ConfigurationError``.
    """

    extra_body: Mapping[str, Any] | Unset
    """Members of the JSON body, such as ``{"newOption": True}``. None is sent as null. A method
    that sends a file adds them to its form, so they are texts."""
    extra_query: Mapping[str, QueryValue] | Unset
    """Parameters of the query, encoded like ``query`` of ``client.request``."""


_EXTRA: Final = ExtraParameters.__annotations__


def extra_only(extra: ExtraParameters) -> dict[str, Any]:
    """Return ``extra``. Raises ``TypeError`` for other names, like Python for a wrong argument."""
    if unknown := sorted(set(extra) - set(_EXTRA)):
        raise TypeError(f"unexpected argument {', '.join(unknown)}")
    return dict(extra)


def json_request(
    operation: str, method: str, path: str, fields: Mapping[str, Any], typed: Iterable[str] = ()
) -> Request:
    """Create a request with ``fields`` as its JSON body, in camelCase. ``UNSET`` is left out.

    ``fields`` may contain ``extra_body`` and ``extra_query``. ``typed`` are further names of
    arguments of the method. Raises ``ConfigurationError`` for values that cannot be sent, for extra
    names that belong to an argument, and for None in a creation (POST), which the service refuses.
    """
    given, extra, query = _split(fields, {*fields, *typed})
    if method == "POST":
        _check_not_null(given)
    members = {camel_case(name): to_json(value) for name, value in given.items()}
    return build_request(operation, method, path, query=query, body=as_json({**members, **extra}))


def file_request(operation: str, path: str, file: FilePart, fields: Mapping[str, Any]) -> Request:
    """Create a POST with a file, and with ``fields`` before it. They are those of ``json_request``.

    Raises ``ConfigurationError`` for a value that is not a text.
    """
    given, extra, query = _split(fields, {"file", *fields})
    form = {**given, **extra}
    for name, value in form.items():
        if not isinstance(value, str):
            raise ConfigurationError(f"{name} must be a text, not {value!r}", option=name)
    return build_request(operation, "POST", path, query=query, multipart=Multipart(file, form))


def _check_not_null(fields: Mapping[str, Any]) -> None:
    for name, value in fields.items():
        if value is None and name not in _NULLABLE:
            text = f"{name} must not be None when an object is created: leave it out"
            raise ConfigurationError(text, option=name)


def _split(
    fields: Mapping[str, Any], typed: Iterable[str]
) -> tuple[dict[str, Any], dict[str, Any], dict[str, QueryValue]]:
    """Return the fields that are set, the extra members and the extra query parameters."""
    given = {name: value for name, value in set_fields(fields).items() if name not in _EXTRA}
    members, query = (_mapping(name, fields.get(name, {})) for name in _EXTRA)
    known = {camel_case(name) for name in typed}
    for name in members:
        # ``player_id`` is taken for ``playerId``, because the service would ignore it.
        if camel_case(name) in known:
            text = f"extra_body must not contain {name!r}: use the argument of the method"
            raise ConfigurationError(text, option="extra_body")
    return given, members, query


def _mapping(name: str, value: object) -> dict[str, Any]:
    if isinstance(value, Unset):
        return {}
    if not isinstance(value, Mapping) or not all(isinstance(key, str) and key for key in value):
        raise ConfigurationError(
            f'{name} must be a mapping with texts as keys, such as {{"name": "value"}}', option=name
        )
    for key in value:
        check_sendable(f"a key of {name}", key)
    return set_fields(value)
