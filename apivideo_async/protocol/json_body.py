"""Keyword arguments to JSON bodies: UNSET is left out, None is null (CONTRACT §5.3)."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import ConfigurationError
from ..models import to_json
from .request import set_fields

__all__ = ["check_names", "json_body", "text_list"]


def check_names(what: str, given: Iterable[str], known: Iterable[str]) -> None:
    """Refuse a keyword that is none of ``known``, as Python does: ``TypeError``."""
    known = set(known)
    if unknown := sorted(set(given) - known):
        raise TypeError(f"{what} no field {', '.join(unknown)}; they have {', '.join(sorted(known))}")


def text_list(name: str, value: Iterable[str]) -> list[str]:
    """Make a list of texts; one text in its place is a mistake, because its letters would be sent."""
    if isinstance(value, str):
        raise ConfigurationError(f"{name} is a list of texts, not one text: [{value!r}]")
    return list(value)


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


def json_body(fields: Mapping[str, Any]) -> bytes:
    """Encode what is set; names become camelCase, models their wire form."""
    body = {_camel(name): to_json(value) for name, value in set_fields(fields).items()}
    return json.dumps(body, ensure_ascii=False).encode()
