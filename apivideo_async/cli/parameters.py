"""Option types that click does not provide, and callbacks for options."""

import re
import typing
from datetime import datetime
from typing import Any, Literal

import click

from .session import Session

__all__ = [
    "Concurrency",
    "Duration",
    "MetadataPair",
    "Moment",
    "Size",
    "as_dict",
    "one_of",
    "secret",
]

_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)(b?)", re.IGNORECASE)


class Size(click.ParamType[int]):
    """Bytes: ``16777216``, ``16MiB`` or ``16M`` (both binary), ``16MB`` (decimal)."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number of bytes."""
        if isinstance(value, int):
            return value
        match = _SIZE.fullmatch(str(value).strip())
        if match is None:
            self.fail(
                f"{value!r} is not a size: write bytes, or a number with a unit such as 16MiB",
                param,
                ctx,
            )
        number, unit, binary, byte = match.groups()
        # Only a unit with "b" and without "i" (MB) is decimal; "M" and "MiB" are binary.
        base = 1000 if byte and not binary and unit else 1024
        return int(float(number) * base ** " kmgt".index(unit.lower() or " "))


class Concurrency(click.ParamType[int | Literal["auto"]]):
    """``auto``, or a number of chunks from 1 to 64."""

    name = "auto|N"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | Literal["auto"]:
        """Return ``"auto"`` or the number."""
        if value == "auto":
            return "auto"
        if not str(value).isdecimal() or not 1 <= int(value) <= 64:
            self.fail(f"{value!r} is neither auto nor a number from 1 to 64", param, ctx)
        return int(value)


class MetadataPair(click.ParamType[tuple[str, str]]):
    """A metadata pair ``key=value``."""

    name = "key=value"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Split the text at its first equals sign."""
        if isinstance(value, tuple):
            return value
        key, equals, text = str(value).partition("=")
        if not key or not equals:
            self.fail(f"{value!r} is not a pair: write key=value", param, ctx)
        return key, text


class Duration(click.ParamType[int]):
    """A duration in seconds: ``90``, ``90s``, ``15m``, ``2h``, ``7d``."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number of seconds."""
        match = re.fullmatch(r"([0-9]+)([smhd]?)", str(value).strip())
        if match is None:
            self.fail(
                f"{value!r} is not a duration: write seconds, or a number with a unit, such as 2h",
                param,
                ctx,
            )
        return int(match[1]) * _SECONDS[match[2]]


class Moment(click.ParamType[datetime]):
    """A date or a date and time in ISO 8601. Without a time zone it is local time."""

    name = "moment"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Return an aware ``datetime``."""
        if isinstance(value, datetime):
            return value
        try:
            # astimezone() takes a time without a zone as local time.
            return datetime.fromisoformat(str(value)).astimezone()
        except (ValueError, OverflowError):
            self.fail(
                f"{value!r} is not a time: write 2026-12-31 or 2026-12-31T23:59+01:00", param, ctx
            )


def one_of(kind: Any) -> click.Choice[str]:
    """Make a choice of the values that an open enum of the models lists.

    An open enum is a union of a ``Literal`` and ``str``. Only the values of the ``Literal`` are
    offered.
    """
    # A `type` statement hides the union in `__value__`.
    kind = getattr(kind, "__value__", kind)
    literals = [
        part for part in (kind, *typing.get_args(kind)) if typing.get_origin(part) is Literal
    ]
    return click.Choice([value for literal in literals for value in typing.get_args(literal)])


def as_dict(
    ctx: click.Context, param: click.Parameter, value: tuple[tuple[str, str], ...]
) -> dict[str, str]:
    """Convert the pairs of a repeated option to a dict; use it as ``callback``."""
    return dict(value)


def secret(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
    """Mask the value of this option in all messages; use it as ``callback``."""
    ctx.ensure_object(Session).terminal.hide(*([value] if isinstance(value, str) else value or ()))
    return value
