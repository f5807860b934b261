"""Converts between JSON and the models.

The rules for all models:

- The wire name of a field is its name in camelCase, unless the field sets another (:func:`wire`).
- If a member is absent or null, the field has its default.
- A member that this version does not know is kept as received in ``extra``. So is a value of an
  unexpected form, such as a date that cannot be parsed. Nothing raises an error because the server
  added or left out something (service.md#tolerant-reading).
- Converting a model to JSON leaves out fields that are None, and adds the members of ``extra``.
  ``as_received`` adds what the JSON contained beyond that, such as null.

The reading function of a class is built once, when the class is first read, because looking up
types for every value would take most of the time.
"""

import math
import types
import typing
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, TypeVar

import attrs
import cattrs

from ..errors import ConfigurationError
from ._reader import Hook, Member, PartlyReadableError, write_reader

__all__ = [
    "as_received",
    "camel_case",
    "drain_json",
    "from_json",
    "has_pairs",
    "is_model",
    "parse_datetime",
    "readable_pairs",
    "timecode",
    "to_json",
    "wire",
    "wire_name",
]

T = TypeVar("T")
_WIRE = "apivideo_async.wire"
_PAIRS = "apivideo_async.pairs"


def wire(name: str | None = None, *, pairs: bool = False, **arguments: Any) -> Any:
    """Define a field whose wire name or wire form is not the usual one.

    ``pairs``: the field is a ``dict``, and on the wire it is a list of objects with the members
    ``key`` and ``value``.
    """
    return attrs.field(metadata={_WIRE: name, _PAIRS: pairs}, **arguments)


def parse_datetime(value: str) -> datetime:
    """Parse a timestamp (service.md#timestamps); no offset means UTC. Raises ``ValueError``."""
    moment = datetime.fromisoformat(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def timecode(value: str | timedelta) -> str:
    """Return a ``timedelta`` as ``HH:MM:SS.mmm``. Text is returned unchanged.

    Text can have other forms, such as frame numbers (service.md#time-codes). Raises
    ``ConfigurationError`` for a negative ``timedelta``.
    """
    if isinstance(value, str):
        return value
    if not isinstance(value, timedelta):
        raise ConfigurationError(
            f"timecode must be a text or a timedelta, not {type(value).__name__}", option="timecode"
        )
    if value < timedelta():
        raise ConfigurationError(
            f"a timecode counts from the start of the video and must not be negative, not {value}"
        )
    seconds, milliseconds = divmod(round(value / timedelta(milliseconds=1)), 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{milliseconds:03}"


def camel_case(name: str) -> str:
    """Return the wire name of a field: ``created_at`` becomes ``createdAt``."""
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


def wire_name(attribute: "attrs.Attribute[Any]") -> str:
    """Return the name of a field in JSON."""
    return attribute.metadata.get(_WIRE) or camel_case(attribute.name)


def has_pairs(attribute: "attrs.Attribute[Any]") -> bool:
    """Return whether a field, which is a dict, is a list of pairs in JSON."""
    return bool(attribute.metadata.get(_PAIRS))


def _from_pairs(value: Any) -> dict[str, str]:
    """Read a list of pairs as a dict. Raises an error if the dict lacks something of the list."""
    try:
        return _plain_pairs(value)
    except (TypeError, ValueError, LookupError):
        # The first of several pairs with one key counts.
        raise PartlyReadableError(dict(reversed(readable_pairs(value)))) from None


def _plain_pairs(value: Any) -> dict[str, str]:
    if value.__class__ is not list:
        raise TypeError("not a list")
    pairs: dict[str, str] = {}
    for item in value:
        name, text = item["key"], item["value"]
        if len(item) != 2 or name in pairs:
            raise ValueError("a repeated key or another member")
        if name.__class__ is not str or text.__class__ is not str:
            raise TypeError("not a string")
        pairs[name] = text
    return pairs


def readable_pairs(value: Any) -> list[tuple[str, str]]:
    """Return the pairs of a list whose key and value are texts. Raises ``TypeError`` for others."""
    if value.__class__ is not list:
        raise TypeError("not a list")
    found = [(item.get("key"), item.get("value")) for item in value if item.__class__ is dict]
    return [(name, text) for name, text in found if name.__class__ is str and text.__class__ is str]


def _integer(value: Any) -> int:
    """Read an integer that is not an ``int``, such as ``"33"`` (service.md#faulty-examples)."""
    # ``bool`` is a subclass of ``int``. ``33.0`` and ``"33"`` are accepted, ``33.5`` is not.
    if isinstance(value, bool) or int(value) != float(value):
        raise TypeError("not an integer")
    return int(value)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError("not a number")
    return value


def _refuse(value: Any) -> Any:
    # Values of the expected class are used as they are, so only other values get here.
    raise TypeError(f"unexpected {type(value).__name__}")


_SCALARS: Mapping[Any, Hook] = {
    str: _refuse,
    bool: _refuse,
    int: _integer,
    float: _number,
    datetime: parse_datetime,
    Any: lambda value: value,
}


def _bare(kind: Any) -> Any:
    """Return ``X`` for ``X | None``, and ``str`` for open enumerations (``Literal[...] | str``)."""
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        options = [option for option in typing.get_args(kind) if option is not type(None)]
        return str if str in options else _bare(options[0])
    return kind


def _exact(kind: Any) -> Any:
    """Return the class whose values are used as they are, or None."""
    kind = _bare(kind)
    return kind if kind in (str, bool, int, float) else None


def _list_hook(exact: type | None, item: Hook) -> Hook:
    def read(values: Any) -> list[Any]:
        if values.__class__ is not list:
            raise TypeError("not a list")
        # Most lists have only values of one class. Copying such a list as a whole is fastest.
        for value in values:
            if value.__class__ is not exact:
                return [one if one.__class__ is exact else item(one) for one in values]
        return values.copy()

    return read


def _hook(kind: Any) -> Hook:
    """Return the function that reads values of a type other than ``_exact(kind)``."""
    kind = _bare(kind)
    if typing.get_origin(kind) is list:
        item = typing.get_args(kind)[0]
        return _list_hook(_exact(item), _hook(item))
    return _SCALARS[kind] if kind in _SCALARS else _decoder(kind)


def _decoder(cls: type[Any]) -> Hook:
    attrs.resolve_types(cls)
    members = []
    for attribute in attrs.fields(cls):
        if attribute.name != "extra":
            hook = _from_pairs if has_pairs(attribute) else _hook(attribute.type)
            form = _bare(attribute.type) if _bare(attribute.type) in (int, datetime) else None
            exact = _exact(attribute.type)
            members.append(Member(wire_name(attribute), attribute, exact, hook, form))
    return write_reader(cls, members)


def _structure_hook(cls: type[Any]) -> Callable[[Any, Any], Any]:
    read = _decoder(cls)
    return lambda value, _: read(value)  # cattrs passes the class as well.


@cache
def _names(cls: Any) -> list[tuple[str, str, bool]]:
    """Return the name of each field, its name in JSON, and whether it is a list of pairs there."""
    return [
        (attribute.name, wire_name(attribute), has_pairs(attribute))
        for attribute in attrs.fields(cls)
        if attribute.name != "extra"
    ]


def _encoder(cls: Any) -> Callable[[Any], dict[str, Any]]:
    names = _names(cls)

    def unstructure(model: Any) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for name, key, pairs in names:
            value = getattr(model, name)
            if pairs:
                result[key] = _to_pairs(value)
            elif value is not None:
                result[key] = converter.unstructure(value)
        result.update(model.extra)
        return result

    return unstructure


def _to_pairs(value: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": text} for key, text in value.items()]


def as_received(model: Any) -> dict[str, Any]:
    """Convert a model to the JSON that it was read from. ``to_json`` is for requests.

    Members that were null are null, and those that were absent are absent. Times and numbers have
    the form that was received. Numbers that JSON does not have are null. The result shares no list
    or dict with the model.
    """
    result: dict[str, Any] = {}
    for name, key, pairs in _names(model.__class__):
        value = getattr(model, name)
        if pairs:
            result[key] = _to_pairs(value)
        elif value is not None:
            result[key] = _plain(value)
    for key, value in model.extra.items():
        result[key] = _plain(value)
    for key, value in getattr(model, "_received", ()):
        if value is ...:
            del result[key]
        else:
            result[key] = value
    return result


def _plain(value: Any) -> Any:
    kind = value.__class__
    if kind in (str, int, bool, type(None)):
        return value
    if kind is float:
        # Python's parser accepts NaN and numbers that are too large.
        return value if math.isfinite(value) else None
    if kind is list:
        return [_plain(one) for one in value]
    if kind is dict:
        return {name: _plain(one) for name, one in value.items()}
    return as_received(value) if is_model(kind) else converter.unstructure(value)


@cache
def is_model(cls: Any) -> bool:
    """Return whether a class is a record of the API. ``Problem`` is one, but no ``Model``."""
    return attrs.has(cls) and any(attribute.name == "extra" for attribute in attrs.fields(cls))


converter = cattrs.Converter()
converter.register_structure_hook_factory(is_model, _structure_hook)
converter.register_unstructure_hook_factory(is_model, _encoder)
converter.register_unstructure_hook(datetime, lambda moment: moment.isoformat())


def from_json(value: Any, kind: type[T]) -> T:
    """Convert parsed JSON to a ``kind``. Raises ``TypeError`` if the value is not an object."""
    return converter.structure(value, kind)


def drain_json(values: list[Any], kind: type[T]) -> list[T]:
    """Convert each of ``values`` to a ``kind``, and remove it from the list.

    The memory of a converted value is freed at once, so the garbage collector, which counts new
    objects minus freed ones, runs less often.
    """
    read = converter.get_structure_hook(kind)
    # ``pop()`` at the end of a list takes constant time, so the list is reversed first.
    values.reverse()
    models = []
    while values:
        models.append(read(values.pop(), kind))
    return models


def to_json(model: Any) -> Any:
    """Convert a model, or a container of models, to a value that ``json.dumps`` accepts."""
    return converter.unstructure(model)
