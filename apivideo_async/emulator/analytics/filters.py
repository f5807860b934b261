"""The filters ``filterBy[...]``, and the dimensions of a play. Pure functions.

See service.md#filter-encoding, service.md#analytics-filters.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from urllib.parse import unquote

from ..rules.problems import RefusedError, invalid_query_parameter
from ..state.play import Play

__all__ = [
    "DIMENSIONS",
    "KEYS",
    "TOTAL_KEYS",
    "filter_key",
    "matches",
    "read_filters",
    "unexpected",
]

_NAME = re.compile(r"filterBy\[(\w+)\](?:\[\d*\])?")
_CHOICES = {
    "mediaType": ("video", "live-stream"),
    # ``AZ`` is in the documented list (service.md#analytics-filters).
    "continent": ("AS", "AF", "NA", "SA", "AN", "EU", "AZ"),
}
# These keys take one value; the other keys take arrays.
_SINGLE = frozenset({"mediaType", "tag"})
# The largest length of a referrer in characters.
_MAX_REFERRER = 2048

DIMENSIONS: dict[str, Callable[[Play], str]] = {
    "media-id": lambda play: play.media_id,
    "media-type": lambda play: play.media_type,
    "continent": lambda play: play.continent,
    "country": lambda play: play.country,
    "device-type": lambda play: play.device_type,
    "operating-system": lambda play: play.operating_system,
    "browser": lambda play: play.browser,
    "referrer": lambda play: play.referrer,
}


def _camel_case(name: str) -> str:
    first, *rest = name.split("-")
    return first + "".join(word.capitalize() for word in rest)


# Parameters name the dimensions in camel case, paths with dashes.
_BY_KEY = {_camel_case(name): dimension for name, dimension in DIMENSIONS.items()}
KEYS = frozenset({*_BY_KEY, "tag"})
# The filter keys that are allowed for the total of plays.
TOTAL_KEYS = frozenset({"mediaId", "mediaType"})


def unexpected(name: str) -> RefusedError:
    """Return the refusal of a parameter that the operation does not have."""
    return invalid_query_parameter(name, "This field was not expected.")


def filter_key(name: str) -> str | None:
    """Return the key of a filter, and None for other parameters."""
    match = _NAME.fullmatch(name)
    return match[1] if match is not None else None


def read_filters(pairs: Iterable[tuple[str, str]], allowed: frozenset[str]) -> dict[str, list[str]]:
    """Return the values of each filter. Raises a refusal for an illegal key or value."""
    filters: dict[str, list[str]] = {}
    for name, value in pairs:
        key = filter_key(name)
        if key is None:
            continue
        if key not in allowed:
            raise unexpected(f"filterBy[{key}]")
        values = filters.setdefault(key, [])
        values.append(value)
        if key in _SINGLE and len(values) > 1:
            raise invalid_query_parameter(f"filterBy[{key}]", "This value must be of type string.")
    _check_values(filters)
    return filters


def _check_values(filters: Mapping[str, Sequence[str]]) -> None:
    if any(len(url) > _MAX_REFERRER for url in filters.get("referrer", ())):
        detail = f"This value should not contain more than {_MAX_REFERRER} characters."
        raise invalid_query_parameter("filterBy[referrer]", detail)
    for key, choices in _CHOICES.items():
        if not set(filters.get(key, ())).issubset(choices):
            raise invalid_query_parameter(f"filterBy[{key}]", f"Use one of {', '.join(choices)}.")


def matches(play: Play, filters: Mapping[str, Sequence[str]], tags: Sequence[str]) -> bool:
    """Return whether a play passes every filter. ``tags`` are the tags of its video."""
    return all(_passes(play, key, values, tags) for key, values in filters.items())


def _passes(play: Play, key: str, values: Sequence[str], tags: Sequence[str]) -> bool:
    if key == "tag":
        return values[0] in tags
    value = _BY_KEY[key](play)
    # aiohttp has decoded the query once. A referrer may be encoded twice
    # (service.md#filter-encoding).
    return value in values or (key == "referrer" and value in map(unquote, values))
