"""Validation of JSON bodies: the checks of attributes, and the problems that they report.

A ``Check`` is a function of an attribute's name and value that returns a list of problems. To add
an attribute, add its check to a table such as ``VIDEO_UPDATE``. See service.md#null-and-absent,
service.md#errors.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from .languages import complaint
from .problems import attribute_required, invalid_attribute, refuse_all

Problems: TypeAlias = list[dict[str, Any]]
Check: TypeAlias = Callable[[str, Any], Problems]

_LANGUAGES = "ar ca cs da de el en es fa fi fr he hi hr hu it ja ko ml nl nn no pl pt ru sk sl te tr uk ur vi zh"
LANGUAGES = frozenset(_LANGUAGES.split())
MAX_TTL = 2_147_483_647
# Hours, minutes and seconds, with a fraction or a frame number, or a number of seconds.
_TIMECODE = re.compile(
    r"(?:[0-9]{2,3}:[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,3}|:[0-9]{1,2})?|[0-9]{1,7})"
)
_NULL = "This value should not be null."


def _of_type(kind: type, word: str) -> Check:
    def check(name: str, value: Any) -> Problems:
        if value is None:
            return [invalid_attribute(name, _NULL)]
        if not isinstance(value, kind):
            return [invalid_attribute(name, f"This value must be of type {word}.")]
        return []

    return check


text: Check = _of_type(str, "string")
boolean: Check = _of_type(bool, "boolean")
mapping: Check = _of_type(dict, "object")


def longest(limit: int) -> Check:
    """Return a check for text of at most ``limit`` characters."""

    def check(name: str, value: Any) -> Problems:
        problems = text(name, value)
        if not problems and len(value) > limit:
            detail = f"This value is too long. It should have {limit} characters or less."
            problems = [invalid_attribute(name, detail)]
        return problems

    return check


def one_of(*choices: str) -> Check:
    """Return a check for one of the ``choices``."""
    listed = ", ".join(f'"{choice}"' for choice in choices)

    def check(name: str, value: Any) -> Problems:
        return [] if value in choices else [invalid_attribute(name, f"Use one of {listed}.")]

    return check


def filled(name: str, value: Any) -> Problems:
    """Check for text that is not blank."""
    problems = text(name, value)
    if not problems and not value.strip():
        problems = [invalid_attribute(name, "This value should not be blank.")]
    return problems


def nullable(check: Check) -> Check:
    """Return a check that also accepts null.

    Only ``playerId`` and ``language`` are nullable (service.md#null-and-absent).
    """
    return lambda name, value: [] if value is None else check(name, value)


def language(name: str, value: Any) -> Problems:
    """Check for one of the 33 languages of service.md#languages.

    There are two different refusals (service.md#error-details).
    """
    problems = text(name, value)
    if problems or value in LANGUAGES:
        return problems
    return [invalid_attribute(name, complaint(value))]


def array(item: Check, at_most: int | None = None) -> Check:
    """Return a check for an array of at most ``at_most`` items (service.md#error-details)."""

    def check(name: str, value: Any) -> Problems:
        if not isinstance(value, list):
            return [invalid_attribute(name, title="This attribute must be an array.")]
        if at_most is not None and len(value) > at_most:
            return [
                invalid_attribute(
                    name, f"This collection should contain {at_most} elements or less."
                )
            ]
        return [
            problem
            for index, each in enumerate(value)
            for problem in item(f"{name}[{index}]", each)
        ]

    return check


def record(**attributes: Check) -> Check:
    """Return a check for an object whose attributes are all required.

    Problems name an attribute as ``name[attribute]`` (service.md#error-bodies).
    """

    def check(name: str, value: Any) -> Problems:
        problems = mapping(name, value)
        if problems:
            return problems
        for key, check_one in attributes.items():
            path = f"{name}[{key}]"
            problems += check_one(path, value[key]) if key in value else [attribute_required(path)]
        return problems

    return check


def partial(**attributes: Check) -> Check:
    """Return a check for an object that has any of the given attributes."""

    def check(name: str, value: Any) -> Problems:
        problems = mapping(name, value)
        if problems:
            return problems
        # Unknown keys are ignored.
        known = attributes.keys() & value.keys()
        return [
            problem
            for key in sorted(known)
            for problem in attributes[key](f"{name}[{key}]", value[key])
        ]

    return check


def _timecode(name: str, value: Any) -> Problems:
    problems = text(name, value)
    if not problems and not _TIMECODE.fullmatch(value):
        problems = [invalid_attribute(name, "This time code is not valid.")]
    return problems


tags: Check = array(text)
metadata: Check = array(record(key=text, value=text))
summary_parts: Check = array(one_of("abstract", "takeaways"))


clip: Check = partial(startTimecode=_timecode, endTimecode=_timecode)
watermark: Check = partial(
    **dict.fromkeys(("id", "top", "bottom", "left", "right", "width", "height", "opacity"), text)
)


def ttl(name: str, value: Any) -> Problems:
    """Check for a lifetime in whole seconds. 0 means no expiry (service.md#upload-tokens)."""
    # ``bool`` is a subclass of ``int``.
    if isinstance(value, bool) or not isinstance(value, int):
        return [invalid_attribute(name, "This value must be of type integer.")]
    if not 0 <= value <= MAX_TTL:
        return [invalid_attribute(name, f"This value should be between 0 and {MAX_TTL}.")]
    return []


def must_be_false(name: str, value: Any) -> Problems:
    """Check for ``false``: a discarded video can only be restored (service.md#discarded-videos)."""
    return [] if value is False else [invalid_attribute(name, "Value must be false.")]


VIDEO_UPDATE: dict[str, Check] = {
    "title": filled,
    "description": text,
    "public": boolean,
    "panoramic": boolean,
    "mp4Support": boolean,
    "playerId": nullable(text),
    "tags": tags,
    "metadata": metadata,
    "language": nullable(language),
    "transcript": boolean,
    "transcriptSummary": boolean,
    "transcriptSummaryAttributes": summary_parts,
}
# ``playerId`` may be null in an update, which removes it, and not in a creation.
VIDEO_CREATION: dict[str, Check] = {
    **VIDEO_UPDATE,
    "playerId": text,
    "source": filled,
    "clip": clip,
    "watermark": watermark,
}
TOKEN_CREATION: dict[str, Check] = {"ttl": ttl}


def validate(
    payload: Mapping[str, Any], checks: Mapping[str, Check], required: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Return the known attributes of a payload. Unknown attributes are ignored.

    Raises one refusal with the problems of all attributes (service.md#error-bodies).
    """
    problems = [attribute_required(name) for name in required if name not in payload]
    known = {name: payload[name] for name in checks if name in payload}
    for name, value in known.items():
        problems += checks[name](name, value)
    if problems:
        raise refuse_all(problems)
    return known
