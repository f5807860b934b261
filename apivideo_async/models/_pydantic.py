"""The schema with which pydantic reads, writes and describes models.

Objects of the class are used as they are. Mappings are read like responses of the API, so they have
its names, and any member may be missing. Models are written by ``Model.to_dict``. The schema of the
members only describes them, for OpenAPI; its validators do not run.

The package does not depend on pydantic. Only pydantic calls ``schema_for``.
"""

import typing
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs

from ._convert import has_pairs, wire_name

if TYPE_CHECKING:
    from pydantic_core import core_schema

__all__ = ["schema_for"]


def schema_for(cls: type[Any], source: Any, handler: Any) -> "core_schema.CoreSchema":
    """Return the schema of ``source``, which is ``cls`` or, if generic, ``cls[...]``."""
    from pydantic_core import core_schema

    arguments = typing.get_args(source)
    abstract = not attrs.has(cls)  # ``Model`` itself, which stands for any model.

    def read(value: Any, _: Any) -> Any:
        if isinstance(value, cls):
            return value
        # pydantic reports a ValueError with the place of the value, and does not catch TypeError.
        if abstract or not isinstance(value, Mapping):
            raise ValueError(f"{cls.__name__} is an object, not {type(value).__name__}")
        return cls._read(value, *arguments)

    members = {
        name: core_schema.typed_dict_field(schema, required=False)
        for name, schema in ([] if abstract else _member_schemas(cls, arguments, handler))
    }
    return core_schema.no_info_wrap_validator_function(
        read,
        core_schema.typed_dict_schema(members, extra_behavior="allow"),
        serialization=core_schema.plain_serializer_function_ser_schema(cls.to_dict),
        ref=_reference(cls, arguments),
    )


def _member_schemas(
    cls: type[Any], arguments: tuple[Any, ...], handler: Any
) -> "typing.Iterator[tuple[str, core_schema.CoreSchema]]":
    attrs.resolve_types(cls)
    concrete = dict(zip(getattr(cls, "__parameters__", ()), arguments, strict=False))
    for attribute in attrs.fields(cls):
        if attribute.name != "extra":
            # On the wire, metadata is a list of objects.
            kind = list[dict[str, str]] if has_pairs(attribute) else attribute.type
            yield wire_name(attribute), handler.generate_schema(_filled(kind, concrete))


def _filled(kind: Any, concrete: Mapping[Any, Any]) -> Any:
    """Replace the type variables of a type: ``list[T]`` becomes ``list[Video]``."""
    variables = getattr(kind, "__parameters__", ())
    return kind[tuple(concrete.get(one, Any) for one in variables)] if variables else kind


def _reference(cls: type[Any], arguments: tuple[Any, ...]) -> str:
    """Return a unique name, from which pydantic derives the name in OpenAPI."""
    names = [f"{getattr(one, '__name__', one)}:{id(one)}" for one in arguments]
    text = f"{cls.__module__}.{cls.__qualname__}:{id(cls)}"
    return f"{text}[{','.join(names)}]" if names else text
