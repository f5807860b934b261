"""Validation of JSON bodies: the attributes, and what is said of wrong ones (CONTRACT §5.3, §8)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from .problems import attribute_required, invalid_attribute, refuse_all

Problems: TypeAlias = list[dict[str, Any]]
Check: TypeAlias = Callable[[str, Any], Problems]

_LANGUAGES = "ar ca cs da de el en es fa fi fr he hi hr hu it ja ko ml nl nn no pl pt ru sk sl te tr uk ur vi zh"
LANGUAGES = frozenset(_LANGUAGES.split())
MAX_TTL = 2_147_483_647
_TIMECODE = re.compile(r"(?:[0-9]{2,3}:[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,3}|:[0-9]{1,2})?|[0-9]{1,7})")
_NULL = "This value should not be null."


def _of_type(kind: type, word: str) -> Check:
    def check(name: str, value: Any) -> Problems:
        if value is None:
            return [invalid_attribute(name, _NULL)]
        if not isinstance(value, kind):
            return [invalid_attribute(name, f"This value must be of type {word}.")]
        return []

    return check


text = _of_type(str, "string")
boolean = _of_type(bool, "boolean")
_object = _of_type(dict, "object")


def title(name: str, value: Any) -> Problems:
    """A title is text and not blank."""
    problems = text(name, value)
    if not problems and not value.strip():
        problems = [invalid_attribute(name, "This value should not be blank.")]
    return problems


def nullable(check: Check) -> Check:
    """Let null pass; only playerId and language are so (CONTRACT §5.3)."""
    return lambda name, value: [] if value is None else check(name, value)


def language(name: str, value: Any) -> Problems:
    """A language is one of the 33 of CONTRACT §13, with two different complaints (CONTRACT §8.3)."""
    problems = text(name, value)
    if problems or value in LANGUAGES:
        return problems
    if not re.fullmatch(r"[A-Za-z-]+", value):
        return [
            invalid_attribute(
                name,
                'The "language" attribute must contain only letters and dashes (for example "fr", "fr-BE").',
            )
        ]
    return [invalid_attribute(name, 'The "language" attribute is not valid.')]


def _array(name: str, value: Any, check: Check) -> Problems:
    if not isinstance(value, list):
        return [invalid_attribute(name, title="This attribute must be an array.")]
    return [problem for index, item in enumerate(value) for problem in check(f"{name}[{index}]", item)]


def tags(name: str, value: Any) -> Problems:
    """Tags are an array of strings (CONTRACT §7)."""
    return _array(name, value, text)


def _pair(name: str, value: Any) -> Problems:
    problems = _object(name, value)
    if problems:
        return problems
    for key in ("key", "value"):
        path = f"{name}[{key}]"
        problems += text(path, value[key]) if key in value else [attribute_required(path)]
    return problems


def metadata(name: str, value: Any) -> Problems:
    """Metadata is an array of pairs `{key, value}` of strings (CONTRACT §13)."""
    return _array(name, value, _pair)


def _summary_part(name: str, value: Any) -> Problems:
    if value not in ("abstract", "takeaways"):
        return [invalid_attribute(name, 'Use one of "abstract", "takeaways".')]
    return []


def _summary_parts(name: str, value: Any) -> Problems:
    return _array(name, value, _summary_part)


def clip(name: str, value: Any) -> Problems:
    """A clip has time codes (CONTRACT §7)."""
    problems = _object(name, value)
    if problems:
        return problems
    for key in ("startTimecode", "endTimecode"):
        if key in value and not (isinstance(value[key], str) and _TIMECODE.fullmatch(value[key])):
            problems.append(invalid_attribute(f"{name}[{key}]", "This time code is not valid."))
    return problems


def ttl(name: str, value: Any) -> Problems:
    """A lifetime is an integer of seconds, 0 for no expiry (CONTRACT §10.3)."""
    if isinstance(value, bool) or not isinstance(value, int):
        return [invalid_attribute(name, "This value must be of type integer.")]
    if not 0 <= value <= MAX_TTL:
        return [invalid_attribute(name, f"This value should be between 0 and {MAX_TTL}.")]
    return []


def must_be_false(name: str, value: Any) -> Problems:
    """A discarded video can only be restored (CONTRACT §13)."""
    return [] if value is False else [invalid_attribute(name, "Value must be false.")]


VIDEO_UPDATE: dict[str, Check] = {
    "title": title,
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
    "transcriptSummaryAttributes": _summary_parts,
}
VIDEO_CREATION: dict[str, Check] = {**VIDEO_UPDATE, "source": title, "clip": clip, "watermark": _object}
TOKEN_CREATION: dict[str, Check] = {"ttl": ttl}


def validate(payload: Mapping[str, Any], checks: Mapping[str, Check], required: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the known attributes of a payload, or refuse with every fault (CONTRACT §8.1).

    Unknown attributes are ignored.
    """
    problems = [attribute_required(name) for name in required if name not in payload]
    known = {name: payload[name] for name in checks if name in payload}
    for name, value in known.items():
        problems += checks[name](name, value)
    if problems:
        raise refuse_all(problems)
    return known
