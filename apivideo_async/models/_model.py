"""The base class of all models: their conversion to JSON for code outside of this package.

``to_dict`` and ``to_json`` return the JSON of the API. ``dict(model)`` works as well, because
FastAPI uses it for the results of functions without a response model. pydantic calls
``__get_pydantic_core_schema__``, so a model can be the type of a field, a request body or a
response.
"""

import json
from collections.abc import KeysView, Mapping
from typing import Any, Self

import attrs

from ._convert import as_received, from_json, is_model

__all__ = ["Model", "json_default"]


class Model:
    """Base class of the records that api.video returns.

    Models are frozen. They can be compared, hashed, pickled, copied, and changed with
    ``attrs.evolve``. They contain what the API returned, so the JSON may contain secrets that
    ``repr`` hides, such as stream keys and tokens in URLs.
    """

    # Set when a response is read; see ``_reader``. A copy with other values does not have it.
    __slots__ = ("_received",)
    # ``__getitem__`` alone would make Python try the indices 0, 1, 2 … to iterate.
    __iter__: Any = None

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        # attrs generates a method that fails, because lists and dicts cannot be hashed.
        cls.__hash__ = Model.__hash__  # type: ignore[method-assign]

    def __hash__(self) -> int:
        kind: Any = type(self)
        values = [getattr(self, attribute.name) for attribute in attrs.fields(kind)]
        # Equal objects have equal hashes also if some fields are left out.
        return hash((type(self), *(one for one in values if not isinstance(one, list | Mapping))))

    def __reduce__(self) -> tuple[Any, ...]:
        # The methods of attrs would leave ``_received`` out.
        kind: Any = type(self)
        names = [*(attribute.name for attribute in attrs.fields(kind)), "_received"]
        return _restore, (
            kind,
            {name: getattr(self, name) for name in names if hasattr(self, name)},
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON of the API as new dicts and lists, which the caller may change.

        For a model that the API returned, this is exactly the JSON that was received: names such as
        ``createdAt``, times as text, metadata as a list of pairs, null where it was null, and
        members that this version does not know. For other models, such as those changed with
        ``attrs.evolve``, fields that are None are left out, and times have the form of
        ``datetime.isoformat``.
        """
        return as_received(self)

    def to_json(self, *, indent: int | None = None) -> str:
        """Return :meth:`to_dict` as a text of ASCII characters, which any encoding can represent.

        ``indent``: number of spaces for each level; None: one line.
        """
        return json.dumps(self.to_dict(), indent=indent)

    def keys(self) -> KeysView[str]:
        """Return the names of the members of :meth:`to_dict`, for ``dict(model)``."""
        return self.to_dict().keys()

    def __getitem__(self, name: str) -> Any:
        return self.to_dict()[name]

    @classmethod
    def _read(cls, value: Mapping[str, Any], *_: Any) -> Self:
        """Convert the JSON of the API. Raises ``ValueError`` if it belongs to another class.

        The other arguments are those of a generic class, such as ``Video`` for ``Page[Video]``.
        """
        return from_json(value, cls)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        # Only pydantic calls this, so it is installed. The package does not depend on it.
        from ._pydantic import schema_for

        return schema_for(cls, source, handler)


def json_default(value: Any) -> dict[str, Any]:
    """Convert a model or a ``Problem``: ``json.dumps(videos, default=json_default)``.

    Raises ``TypeError`` for other values, as the functions that call a ``default`` expect.
    """
    kind: Any = type(value)
    if not is_model(kind):
        raise TypeError(f"a {kind.__name__} cannot be converted to JSON")
    return as_received(value)


def _restore(kind: type[Model], values: Mapping[str, Any]) -> Model:
    model = kind.__new__(kind)
    for name, value in values.items():
        object.__setattr__(model, name, value)
    return model
