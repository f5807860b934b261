"""Option types that click does not provide, and callbacks for options."""

import re
import sys
import typing
from collections.abc import Callable, Mapping
from datetime import datetime
from difflib import get_close_matches
from typing import Any, Generic, Literal, TypeVar

import click

from .session import Session

__all__ = [
    "CONCURRENCY",
    "DURATION",
    "METADATA_PAIR",
    "SIZE",
    "TIME",
    "Choice",
    "Ids",
    "ParsedText",
    "as_dict",
    "given_options",
    "json_option",
    "mask",
    "one_of",
    "parse_size",
    "read_ids",
]

Value = TypeVar("Value")

_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)(b?)", re.IGNORECASE)


class ParsedText(click.ParamType[Value], Generic[Value]):
    """An option type whose values ``parse`` makes of text; it raises ``ValueError``."""

    def __init__(self, name: str, parse: Callable[[str], Value]) -> None:
        self.name = name
        self._parse = parse

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Value:
        """Parse the text. A default value that is no text is returned unchanged."""
        if not isinstance(value, str):
            return typing.cast("Value", value)
        try:
            return self._parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def parse_size(text: str) -> int:
    """Return the bytes that a text such as ``16MiB`` stands for. Raises ``ValueError``."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError(
            f"{text!r} is not a size: write bytes, or a number with a unit such as 16MiB"
        )
    number, unit, binary, byte = match.groups()
    # Only a unit with "b" and without "i" (MB) is decimal; "M" and "MiB" are binary.
    base = 1000 if byte and not binary and unit else 1024
    return int(float(number) * base ** " kmgt".index(unit.lower() or " "))


def _concurrency(text: str) -> int | Literal["auto"]:
    if text == "auto":
        return "auto"
    if not text.isdecimal() or not 1 <= int(text) <= 1000:
        raise ValueError(f"{text!r} is neither auto nor a number from 1 to 1000")
    return int(text)


def _metadata_pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise ValueError(f"{text!r} is not a pair: write key=value")
    return key, value


def _duration(text: str) -> int:
    match = re.fullmatch(r"([0-9]+)([smhd]?)", text.strip())
    if match is None:
        raise ValueError(
            f"{text!r} is not a duration: write seconds, or a number with a unit such as 2h"
        )
    return int(match[1]) * _SECONDS[match[2]]


def _time(text: str) -> datetime:
    try:
        # astimezone() takes a time without a zone as local time.
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError) as error:
        raise ValueError(
            f"{text!r} is not a time: write 2026-12-31 or 2026-12-31T23:59+01:00"
        ) from error


SIZE: ParsedText[int] = ParsedText("size", parse_size)
"""Bytes: ``16777216``, ``16MiB`` or ``16M`` (both binary), ``16MB`` (decimal)."""
CONCURRENCY: ParsedText[int | Literal["auto"]] = ParsedText("auto|N", _concurrency)
"""``auto``, or a number of chunks from 1 to 1000."""
METADATA_PAIR: ParsedText[tuple[str, str]] = ParsedText("key=value", _metadata_pair)
"""A metadata pair, split at the first equals sign."""
DURATION: ParsedText[int] = ParsedText("duration", _duration)
"""Seconds: ``90``, ``90s``, ``15m``, ``2h``, ``7d``."""
TIME: ParsedText[datetime] = ParsedText("time", _time)
"""A date or a date and time in ISO 8601. Without a time zone it is local time."""

json_option: Callable[[Any], Any] = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document."
)


class Choice(click.Choice[str]):
    """A choice whose error for an unknown value names a similar one."""

    def get_invalid_choice_message(self, value: Any, ctx: click.Context | None) -> str:
        """Return the message of click, with a suggestion."""
        message = super().get_invalid_choice_message(value, ctx)
        similar = get_close_matches(str(value), self.choices, n=1)
        return f"{message} Did you mean {similar[0]}?" if similar else message


def one_of(kind: Any) -> Choice:
    """Make a choice of the values in the ``Literal`` of an open enum (``Literal[...] | str``)."""
    # A `type` statement hides the union in `__value__`.
    kind = getattr(kind, "__value__", kind)
    literals = [
        part for part in (kind, *typing.get_args(kind)) if typing.get_origin(part) is Literal
    ]
    return Choice([value for literal in literals for value in typing.get_args(literal)])


def as_dict(
    ctx: click.Context, param: click.Parameter, value: tuple[tuple[str, str], ...]
) -> dict[str, str]:
    """Convert the pairs of a repeated option to a dict; use it as ``callback``."""
    return dict(value)


def mask(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
    """Mask the value of this option in all messages; use it as ``callback``."""
    ctx.ensure_object(Session).terminal.hide(*([value] if isinstance(value, str) else value or ()))
    return value


class Ids(tuple[str, ...]):
    """The ids of objects, without repetitions."""

    single: bool = False
    """True if one id was given as an argument: the result is one object, and no list."""


def read_ids(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> Ids:
    """Replace ``-`` by the ids on the standard input, without repetitions; use it as ``callback``.

    An id is the first column of a line, as ``apivideo videos list`` prints them in a pipe.
    """
    ids: dict[str, None] = {}
    for one in value:
        if one != "-":
            ids[one] = None
            continue
        lines = [] if sys.stdin is None else sys.stdin.read().splitlines()
        ids |= dict.fromkeys(line.split()[0] for line in lines if line.strip())
    if value and not ids and not ctx.resilient_parsing:
        raise click.UsageError("the standard input contains no id", ctx)
    found = Ids(ids)
    found.single = len(value) == 1 and value[0] != "-"
    return found


def given_options(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that were given. False counts as given; None and empty values do not."""
    return {
        name: value
        for name, value in values.items()
        if value is not None and value not in ((), [], {})
    }
