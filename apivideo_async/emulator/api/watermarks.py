"""``/watermarks``: pictures for videos. The emulator keeps only their id and date.

See service.md#watermark-operations, service.md#watermarks.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from ..operations import Call, Operation, answer, answer_page, api, no_content
from ..rules.forms import JPEG, PNG, FileRule
from ..state.items import Item, by_creation, sort_items, timestamp

_PICTURE = FileRule({**JPEG, **PNG}, "[jpeg, jpg, JPG, JPEG, png, PNG]")


def _show(watermark: Item) -> dict[str, Any]:
    return {"watermarkId": watermark.key, "createdAt": timestamp(watermark.created)}


async def list_watermarks(call: Call) -> web.StreamResponse:
    """List the watermarks, newest first. ``createdAt`` is the only sort key."""
    return answer_page(
        call,
        sort_items(call.state.watermarks.values(), call.query, {"createdAt": by_creation}),
        _show,
    )


async def upload(call: Call) -> web.StreamResponse:
    """Receive a picture. The response is 200 (service.md#watermark-operations)."""
    await call.body.file(_PICTURE)
    return answer(_show(call.state.watermarks.add(Item(**call.state.item_fields("watermark_")))))


async def delete(call: Call) -> web.StreamResponse:
    """Delete a watermark. Videos that were created with it keep it."""
    call.state.watermarks.remove(call.path("watermarkId"))
    return no_content()


OPERATIONS: tuple[Operation, ...] = (
    api("watermarks.list", "GET", "/watermarks", list_watermarks),
    api("watermarks.upload", "POST", "/watermarks", upload),
    api("watermarks.delete", "DELETE", "/watermarks/{watermarkId}", delete),
)
