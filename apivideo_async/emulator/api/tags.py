"""``/tags``: the tags of the videos, counted at each request (service.md#tag-operations)."""

from __future__ import annotations

import unicodedata
from collections import Counter
from typing import Any

from aiohttp import web

from ..operations import Call, Operation, answer_page, api
from ..state.items import sort_items

_KEYS = {
    "value": lambda tag: tag["value"],
    "videoCount": lambda tag: (tag["videoCount"], tag["value"]),
}


def plain(text: str) -> str:
    """Return the text without case and accents, which the filter ignores (service.md#tags)."""
    # NFKD separates each letter from its accents, which are combining characters.
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in parts if not unicodedata.combining(character))


async def list_tags(call: Call) -> web.StreamResponse:
    """List the tags of all videos with their number of videos. The default order is by value."""
    counts = Counter(
        tag for video in call.state.videos.values() for tag in set(video.attributes["tags"])
    )
    wanted = plain(call.request.query.get("value", ""))
    tags: list[dict[str, Any]] = [
        {"value": tag, "videoCount": count} for tag, count in counts.items() if wanted in plain(tag)
    ]
    return answer_page(call, sort_items(tags, call.query, _KEYS, default=_KEYS["value"]), dict)


OPERATIONS: tuple[Operation, ...] = (api("tags.list", "GET", "/tags", list_tags),)
