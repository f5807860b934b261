"""Quirks of lists and metadata. Pure."""

from collections.abc import Iterable
from typing import Any

from ..state.items import METADATA_FILTER, Query
from ..state.video import Video, select_videos
from .quirk_set import QuirkSet

__all__ = ["listed_videos", "stored_attributes"]


def listed_videos(
    quirks: QuirkSet, videos: Iterable[Video], query: Query, now: float
) -> list[Video]:
    """Return the videos of a list: those that are old enough and match the filters."""
    delay = quirks.number("list-delay")
    known = [video for video in videos if not delay or now - video.opened_at >= delay]
    if "list-ignores-metadata" in quirks:
        query = [pair for pair in query if not METADATA_FILTER.fullmatch(pair[0])]
    return select_videos(known, query)


def stored_attributes(quirks: QuirkSet, attributes: dict[str, Any]) -> dict[str, Any]:
    """Return attributes of a creation or change as they are stored.

    Values of metadata are changed in two ways, so that no value stays the same.
    """
    metadata = attributes.get("metadata")
    if "metadata-modified" not in quirks or not metadata:
        return attributes
    modified = [{**pair, "value": f"{pair['value'].upper()} "} for pair in metadata]
    return {**attributes, "metadata": modified}
