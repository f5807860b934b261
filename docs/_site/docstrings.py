"""Prepares docstrings and attributes of the package for the reference (an extension of griffe)."""

import re
from typing import Any

import griffe

_ROLE = re.compile(r":\w+:`~?([^`]+)`")
_CODE_FOLLOWS = re.compile(r"^( *)(.*?)::\n\n", re.MULTILINE)
_FACT = re.compile(r"(?<!`)\bservice\.md#([\w-]+)")
_FACTS = "service.md"
_DOCUMENT = re.compile(r"``docs/([\w-]+)\.md``")


def to_markdown(text: str) -> str:
    """Return a docstring as Markdown with links to the documents that it cites."""
    text = _ROLE.sub(r"``\1``", text)
    text = _CODE_FOLLOWS.sub(lambda found: f"{found[1]}{found[2] and found[2] + ':'}\n\n", text)
    text = _FACT.sub(lambda found: f"[{_FACTS}](../{_FACTS}#{found[1]})", text)
    return _DOCUMENT.sub(r"[\1](../\1.md)", text)


class Docstrings(griffe.Extension):  # type: ignore[misc]
    """Converts docstrings, and replaces ``field(default=…)`` of attrs by the default."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        """Convert the docstring of an object."""
        if obj.docstring is not None:
            obj.docstring.value = to_markdown(obj.docstring.value)

    def on_attribute_instance(self, *, attr: griffe.Attribute, **_: Any) -> None:
        """Show the default of a field of attrs, and not how it is declared."""
        value = str(attr.value or "")
        if value.startswith(("field(", "attrs.field(", "wire(")):
            default = re.search(r"\bdefault=((?:[^(),]|\([^()]*\))+)", value)
            attr.value = default[1] if default else None
