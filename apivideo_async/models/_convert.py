"""Converts between JSON and the models.

The rules for all models:

- The wire name of a field is its name in camelCase, unless the field sets another (:func:`wire`).
- If a member is absent or null, the field has its default.
- A member that this version does not know is kept as received in ``extra``. So is a value of an
  unexpected form, such as a date that cannot be parsed. Nothing raises an error because the server
  added or left out something (service.md#tolerant-reading).
- Converting a model to JSON leaves out fields that are None, and adds the members of ``extra``.

The reading function of a class is built once, when the class is first read, because looking up
types for every value would take most of the time.
"""

import types
import typing
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import attrs
import cattrs

from ..errors import ConfigurationError
from ._reader import Hook, Member, write_reader

__all__ = ["camel_case", "drain_json", "from_json", "parse_datetime", "timecode", "to_json", "wire"]

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


def _wire_name(attribute: "attrs.Attribute[Any]") -> str:
    return attribute.metadata.get(_WIRE) or camel_case(attribute.name)


def _from_pairs(value: Any) -> dict[str, str]:
    """Read a list of pairs as a dict. Raises an error if the dict would lose something."""
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
            hook = _from_pairs if attribute.metadata.get(_PAIRS) else _hook(attribute.type)
            members.append(Member(_wire_name(attribute), attribute, _exact(attribute.type), hook))
    return write_reader(cls, members)


def _structure_hook(cls: type[Any]) -> Callable[[Any, Any], Any]:
    read = _decoder(cls)
    return lambda value, _: read(value)  # cattrs passes the class as well.


def _encoder(cls: type[Any]) -> Callable[[Any], dict[str, Any]]:
    members = [
        (attribute.name, _wire_name(attribute), bool(attribute.metadata.get(_PAIRS)))
        for attribute in attrs.fields(cls)
        if attribute.name != "extra"
    ]

    def unstructure(model: Any) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for name, key, pairs in members:
            value = getattr(model, name)
            if pairs:
                result[key] = [{"key": k, "value": v} for k, v in value.items()]
            elif value is not None:
                result[key] = converter.unstructure(value)
        result.update(model.extra)
        return result

    return unstructure


def _is_model(cls: Any) -> bool:
    return attrs.has(cls) and any(attribute.name == "extra" for attribute in attrs.fields(cls))


converter = cattrs.Converter()
converter.register_structure_hook_factory(_is_model, _structure_hook)
converter.register_unstructure_hook_factory(_is_model, _encoder)
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
