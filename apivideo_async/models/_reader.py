"""Generates the functions that read models from JSON, one for each class.

A page of a hundred videos has thousands of members. A loop over a table of members takes 1.6 times
as long as code that names each member. The code is generated and compiled when a class is first
read, as attrs does with constructors. For ``PaginationLink`` it is::

    def read(value):
        if value.__class__ is not dict and not isinstance(value, Mapping):
            raise TypeError("PaginationLink is an object, not " + type(value).__name__)
        get, model, extra, received, absent = value.get, fresh(), NO_EXTRA, (), 0
        item = get('rel', missing)
        if item.__class__ is exact0:
            model.rel = item
        elif item is None or item is missing:
            model.rel = default0
            if item is missing:
                absent += 1
            else:
                received += null0
        else:
            try:
                model.rel = hook0(item)
            except unreadable as error:
                extra = {**extra, 'rel': item}
                model.rel = error.args[0] if error.__class__ is partly else default0
        ...
        if len(value) > 2 - absent:
            extra = {**extra, **{key: value[key] for key in value if key not in known}}
        model.extra = extra
        if received:
            model._received = received
        model.__class__ = cls
        return model

``received`` are the members whose JSON cannot be derived from the fields: pairs of a name and the
value as received, or ``...`` for an absent member whose default is not None.

The code does not call the constructor, which may convert the arguments of users. The data of the
server must not be checked or changed. Models are frozen, and calling the setters of their slots
takes twice as long as assignment. The code therefore creates an object of ``fresh``, a subclass
that is not frozen, and changes its class at the end.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NoReturn

import attrs
from attrs import frozen

__all__ = ["Hook", "Member", "PartlyReadableError", "write_reader"]

Hook = Callable[[Any], Any]


@frozen
class Member:
    """One member of an object: its wire name, its field, and the way its values are read."""

    key: str
    field: "attrs.Attribute[Any]"
    exact: type | None
    """The class whose values are used as they are, or None."""
    hook: Hook
    """Reads any other value, or raises one of ``UNREADABLE``."""
    form: type | None
    """``int`` or ``datetime``, whose values may have several forms in JSON, or None."""


def _refuse_change(*_: Any, **__: Any) -> NoReturn:
    raise TypeError("extra of a model cannot be changed: use attrs.evolve")


class _NoExtra(dict[str, Any]):
    """An empty, immutable dict with one instance, also after copying and unpickling.

    It is a dict so that ``attrs.asdict``, json and other libraries treat it like one.
    """

    __slots__ = ()

    def __reduce__(self) -> str:
        return "NO_EXTRA"


_CHANGES = ("__setitem__", "__delitem__", "__ior__")
for _name in (*_CHANGES, "clear", "pop", "popitem", "setdefault", "update"):
    setattr(_NoExtra, _name, _refuse_change)

NO_EXTRA: Mapping[str, Any] = _NoExtra()
"""``extra`` of all models without unknown members, so that reading most models creates no dict."""


class PartlyReadableError(ValueError):
    """A hook could read a part of a value, which is the argument of this error.

    The field gets this part, and ``extra`` the whole value as received.
    """


UNREADABLE = (TypeError, ValueError, ArithmeticError, LookupError, AttributeError)
"""The errors that a hook may raise for a value of an unexpected form."""

_HEAD = """
def read(value):
    if value.__class__ is not dict and not isinstance(value, Mapping):
        raise TypeError({name!r} + " is an object, not " + type(value).__name__)
    get, model, extra, received, absent = value.get, fresh(), NO_EXTRA, (), 0
"""
_EXACT = """
    item = get({key!r}, missing)
    if item.__class__ is exact{n}:
        model.{name} = item
    elif item is None or item is missing:
"""
_OTHER = """
    item = get({key!r}, missing)
    if item is None or item is missing:
"""
_REST = """
        model.{name} = default{n}{call}
        if item is missing:
            absent += 1{gone}
        else:
            received += null{n}
    else:
        try:
            model.{name} = hook{n}(item){compared}
        except unreadable as error:
            extra = {{**extra, {key!r}: item}}
            model.{name} = error.args[0] if error.__class__ is partly else default{n}{call}
"""
# ``isoformat`` returns ``2024-07-14T23:36:07+00:00`` for the usual form. It is recognised by its
# separators, because calling ``isoformat`` takes as long as reading four members.
_COMPARED: Mapping[Any, str] = {
    int: """
            received += (({key!r}, item),)""",
    datetime: """
            if item[7::3] != "-T::+:":
                received += (({key!r}, item),)""",
    None: "",
}
_TAIL = """
    if len(value) > {count} - absent:
        extra = {{**extra, **{{key: value[key] for key in value if key not in known}}}}
    model.extra = extra
    if received:
        model._received = received
    model.__class__ = cls
    return model
"""


def write_reader(cls: type[Any], members: Sequence[Member]) -> Hook:
    """Return ``read(value)``, which converts an object to a ``cls``. Others: ``TypeError``."""
    names: dict[str, Any] = {
        "Mapping": Mapping,
        "cls": cls,
        "NO_EXTRA": NO_EXTRA,
        "missing": object(),
        "fresh": _mutable(cls),
        "unreadable": UNREADABLE,
        "partly": PartlyReadableError,
        "known": frozenset(member.key for member in members),
    }
    # Only names of fields and wire names are inserted into the code, never data of the server.
    code = [_HEAD.format(name=cls.__name__)]
    for n, member in enumerate(members):
        default: Any = member.field.default
        # A factory is called for every object, so that objects do not share a list or dict.
        is_factory = isinstance(default, attrs.Factory)  # type: ignore[arg-type]
        names[f"exact{n}"] = member.exact
        names[f"hook{n}"] = member.hook
        names[f"default{n}"] = default.factory if is_factory else default
        names[f"null{n}"] = ((member.key, None),)
        names[f"gone{n}"] = ((member.key, ...),)
        text = (_OTHER if member.exact is None else _EXACT) + _REST
        parts = {
            "call": "()" if is_factory else "",
            "gone": "" if default is None else f"; received += gone{n}",
            "compared": _COMPARED[member.form].format(name=member.field.name, key=member.key),
        }
        code.append(text.format(n=n, name=member.field.name, key=member.key, **parts))
    code.append(_TAIL.format(count=len(members)))
    exec("".join(code), names)  # noqa: S102
    read: Hook = names["read"]
    return read


def _mutable(cls: type[Any]) -> type[Any]:
    """Return a subclass of a frozen class whose objects can be changed."""
    plain = {name: getattr(object, name) for name in ("__init__", "__setattr__", "__delattr__")}
    return type(cls.__name__, (cls,), {"__slots__": (), **plain})
