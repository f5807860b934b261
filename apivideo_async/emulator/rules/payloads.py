"""Validation of JSON bodies: the checks of attributes, and the problems that they report.

A ``Check`` is a function of an attribute's name and value that returns a list of problems. See
service.md#null-and-absent, service.md#errors, service.md#error-details.
"""

import json
import re
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, TypeAlias

from .network import is_web_url
from .problems import attribute_required, invalid_attribute, refuse_all

__all__ = [
    "TOKEN_CREATION",
    "VIDEO_CREATION",
    "VIDEO_UPDATE",
    "Check",
    "array",
    "boolean",
    "caption_language",
    "max_length",
    "must_be_false",
    "not_blank",
    "one_of",
    "restreams",
    "summary_parts",
    "text",
    "validate",
    "web_url",
]

Problems: TypeAlias = list[dict[str, Any]]
Check: TypeAlias = Callable[[str, Any], Problems]

# The 33 languages of videos (service.md#languages).
_LANGUAGES = (
    "ar ca cs da de el en es fa fi fr he hi hr hu it ja ko ml nl nn no pl pt ru sk sl te tr uk ur "
    "vi zh"
)
_VIDEO_LANGUAGES = frozenset(_LANGUAGES.split())
_UNKNOWN_LANGUAGE = 'The "language" attribute is not valid.'
_MAX_TTL = 2_147_483_647
# Hours, minutes and seconds, with a fraction or a frame number, or a number of seconds.
_TIMECODE = re.compile(
    r"(?:[0-9]{2,3}:[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,3}|:[0-9]{1,2})?|[0-9]{1,7})"
)
_RTMP_URL = re.compile(r"rtmps?://[^/\s]+(/\S*)?", re.IGNORECASE)
_RTMP_URL_OF_APP = re.compile(r"rtmps?://[^/\s]+/+[^/\s]\S*", re.IGNORECASE)
_RTMP_FORM = "[rtmp|rtmps]://[host]/[app name]."


# -- Checks of single values.


def _of_type(kind: type, word: str) -> Check:
    def check(name: str, value: Any) -> Problems:
        if value is None:
            return [invalid_attribute(name, "This value should not be null.")]
        if not isinstance(value, kind):
            return [invalid_attribute(name, f"This value must be of type {word}.")]
        return []

    return check


text: Check = _of_type(str, "string")
boolean: Check = _of_type(bool, "boolean")
_mapping: Check = _of_type(dict, "object")


def _text_that(accepts: Callable[[str], object], detail: str, base: Check = text) -> Check:
    """Return a check for text that passes ``base`` and is accepted, otherwise with ``detail``."""

    def check(name: str, value: Any) -> Problems:
        return base(name, value) or ([] if accepts(value) else [invalid_attribute(name, detail)])

    return check


def max_length(limit: int) -> Check:
    detail = f"This value is too long. It should have {limit} characters or less."
    return _text_that(lambda value: len(value) <= limit, detail)


not_blank: Check = _text_that(str.strip, "This value should not be blank.")
web_url: Check = _text_that(is_web_url, "This value is not a valid URL.", not_blank)
_timecode: Check = _text_that(_TIMECODE.fullmatch, "This time code is not valid.")
_rtmp_url: Check = _text_that(
    _RTMP_URL.fullmatch, f"RTMP URL should have the following format: {_RTMP_FORM}", not_blank
)
_server_url: Check = _text_that(
    _RTMP_URL_OF_APP.fullmatch, f"Missing app name: {_RTMP_FORM}", _rtmp_url
)
_language_form: Check = _text_that(
    re.compile(r"[A-Za-z-]+").fullmatch,
    'The "language" attribute must contain only letters and dashes (for example "fr", "fr-BE").',
)
_video_language: Check = _text_that(
    _VIDEO_LANGUAGES.__contains__, _UNKNOWN_LANGUAGE, _language_form
)


def one_of(*choices: str) -> Check:
    listed = ", ".join(f'"{choice}"' for choice in choices)

    def check(name: str, value: Any) -> Problems:
        return [] if value in choices else [invalid_attribute(name, f"Use one of {listed}.")]

    return check


def _nullable(check: Check) -> Check:
    """Return a check that also accepts null (service.md#null-and-absent)."""
    return lambda name, value: [] if value is None else check(name, value)


def _ttl(name: str, value: Any) -> Problems:
    """Check for a lifetime in whole seconds. 0 means no expiry (service.md#upload-tokens)."""
    # ``bool`` is a subclass of ``int``.
    if isinstance(value, bool) or not isinstance(value, int):
        return [invalid_attribute(name, "This value must be of type integer.")]
    if not 0 <= value <= _MAX_TTL:
        return [invalid_attribute(name, f"This value should be between 0 and {_MAX_TTL}.")]
    return []


def must_be_false(name: str, value: Any) -> Problems:
    """Check for ``false``: a discarded video can only be restored (service.md#discarded-videos)."""
    return [] if value is False else [invalid_attribute(name, "Value must be false.")]


# -- Checks of arrays and objects. Problems name their members ``name[0]`` or ``name[attribute]``.


def array(item: Check, at_most: int | None = None) -> Check:

    def check(name: str, value: Any) -> Problems:
        if not isinstance(value, list):
            return [invalid_attribute(name, title="This attribute must be an array.")]
        if at_most is not None and len(value) > at_most:
            detail = f"This collection should contain {at_most} elements or less."
            return [invalid_attribute(name, detail)]
        members = enumerate(value)
        return [problem for index, each in members for problem in item(f"{name}[{index}]", each)]

    return check


def _object(*, required: bool, **attributes: Check) -> Check:
    """Return a check for an object. With ``required`` all attributes must be present."""

    def check(name: str, value: Any) -> Problems:
        problems = _mapping(name, value)
        if problems:
            return problems
        for key, check_attribute in attributes.items():
            path = f"{name}[{key}]"
            if key in value:
                problems += check_attribute(path, value[key])
            elif required:
                problems.append(attribute_required(path))
        return problems

    return check


summary_parts: Check = array(one_of("abstract", "takeaways"))
restreams: Check = array(
    _object(required=True, name=not_blank, serverUrl=_server_url, streamKey=not_blank), at_most=5
)
_WATERMARK = ("bottom", "height", "id", "left", "opacity", "right", "top", "width")

# -- Tables of the attributes of a payload.

VIDEO_UPDATE: dict[str, Check] = {
    "title": not_blank,
    "description": text,
    "public": boolean,
    "panoramic": boolean,
    "mp4Support": boolean,
    "playerId": _nullable(text),
    "tags": array(text),
    "metadata": array(_object(required=True, key=text, value=text)),
    "language": _nullable(_video_language),
    "transcript": boolean,
    "transcriptSummary": boolean,
    "transcriptSummaryAttributes": summary_parts,
}
# ``playerId`` may be null in an update, which removes it, and not in a creation.
VIDEO_CREATION: dict[str, Check] = {
    **VIDEO_UPDATE,
    "playerId": text,
    "source": not_blank,
    "clip": _object(required=False, endTimecode=_timecode, startTimecode=_timecode),
    "watermark": _object(required=False, **dict.fromkeys(_WATERMARK, text)),
}
TOKEN_CREATION: dict[str, Check] = {"ttl": _ttl}


def validate(
    payload: Mapping[str, Any], checks: Mapping[str, Check], required: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Return the known attributes of a payload. Raises one refusal with all problems."""
    problems = [attribute_required(name) for name in required if name not in payload]
    known = {name: payload[name] for name in checks if name in payload}
    for name, value in known.items():
        problems += checks[name](name, value)
    if problems:
        raise refuse_all(problems)
    return known


@cache
def _caption_languages() -> dict[str, str]:
    """Return the native names of the caption languages (service.md#caption-languages)."""
    languages = files(__package__).joinpath("caption_languages.json").read_bytes()
    names: dict[str, str] = json.loads(languages)
    return names


def caption_language(tag: str) -> str:
    """Return the native name of a caption language. Raises a refusal if the tag is unknown."""
    name = _caption_languages().get(tag)
    if name is None:
        problems = _language_form("language", tag)
        raise refuse_all(problems or [invalid_attribute("language", _UNKNOWN_LANGUAGE)])
    return name
