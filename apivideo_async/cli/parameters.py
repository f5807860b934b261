"""Values of options that click does not know."""

import re
from typing import Any, Literal

import click

__all__ = ["Concurrency", "MetadataPair", "Size"]

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)(b?)", re.IGNORECASE)


class Size(click.ParamType[int]):
    """Bytes: ``16777216``, ``16MiB`` or ``16M`` (both binary), ``16MB`` (decimal)."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Parse."""
        if isinstance(value, int):
            return value
        match = _SIZE.fullmatch(str(value).strip())
        if match is None:
            self.fail(f"{value!r} is no size: write bytes, or a number with a unit such as 16MiB", param, ctx)
        number, unit, binary, byte = match.groups()
        base = 1000 if byte and not binary and unit else 1024
        return int(float(number) * base ** " kmgt".index(unit.lower() or " "))


class Concurrency(click.ParamType[int | Literal["auto"]]):
    """``auto`` or a number of chunks."""

    name = "auto|N"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | Literal["auto"]:
        """Parse."""
        if value == "auto":
            return "auto"
        if not str(value).isdecimal() or not 1 <= int(value) <= 64:
            self.fail(f"{value!r} is neither auto nor a number from 1 to 64", param, ctx)
        return int(value)


class MetadataPair(click.ParamType[tuple[str, str]]):
    """``key=value``."""

    name = "key=value"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """Split at the first equals sign."""
        if isinstance(value, tuple):
            return value
        key, equals, text = str(value).partition("=")
        if not key or not equals:
            self.fail(f"{value!r} is no pair: write key=value", param, ctx)
        return key, text
