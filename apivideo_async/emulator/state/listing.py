"""Filters and order of lists (service.md#list-filters, service.md#list-order). Pure functions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from ..rules.problems import invalid_query_parameter
from .items import BY_DATES, by_creation
from .video import Video

ItemT = TypeVar("ItemT")
Query = Sequence[tuple[str, str]]
# A filter such as ``metadata[user]=42``.
_METADATA = re.compile(r"metadata\[(.*)\]")


def select_videos(videos: Iterable[Video], query: Query) -> list[Video]:
    """Return the videos that match every filter, sorted."""
    filters = [wanted for name, value in query if (wanted := _filter(name, value)) is not None]
    for wanted in filters:
        videos = filter(wanted, videos)
    return sort_items(videos, query, VIDEO_KEYS)


def _filter(name: str, value: str) -> Callable[[Video], bool] | None:
    """Return the predicate for one query parameter, or None if the parameter is not a filter.

    Unknown parameters are ignored (service.md#unknown-parameters).
    """
    if name in {"title", "description"}:
        part = value.casefold()
        return lambda video: part in str(video.attributes.get(name, "")).casefold()
    if name in {"tags[]", "tags"} or re.fullmatch(r"tags\[\d+\]", name):
        return lambda video: value in video.attributes["tags"]
    if name == "liveStreamId":
        return lambda video: video.live_stream_id == value
    if key := _METADATA.fullmatch(name):
        pair = {"key": key[1], "value": value}
        return lambda video: pair in video.attributes["metadata"]
    return None


VIDEO_KEYS: dict[str, Callable[[Any], Any]] = {
    **BY_DATES,
    "title": lambda video: str(video.attributes["title"]).casefold(),
    "publishedAt": by_creation,
}


def check_choices(query: Query, choices: Mapping[str, Sequence[str]]) -> None:
    """Raise a refusal if the value of a parameter is not one of its choices."""
    for name, value in query:
        if name in choices and value not in choices[name]:
            raise invalid_query_parameter(name, f"Use one of {', '.join(choices[name])}.")


def sort_items(
    items: Iterable[ItemT],
    query: Query,
    keys: Mapping[str, Callable[[Any], Any]],
    default: Callable[[Any], Any] | None = None,
) -> list[ItemT]:
    """Sort by ``sortBy`` and ``sortOrder``.

    Without ``sortBy`` the key is ``default``, or the creation with the newest first. Raises a
    refusal if a value is illegal. See service.md#list-order.
    """
    values = dict(query)
    by, order = values.get("sortBy"), values.get("sortOrder")
    check_choices(query, {"sortBy": tuple(keys), "sortOrder": ("asc", "desc")})
    key: Callable[[Any], Any] | None = keys[by] if by is not None else default
    if key is None:
        # Lists without any key are descending by default, all others ascending.
        key, order = by_creation, order or "desc"
    return sorted(items, key=key, reverse=order == "desc")
