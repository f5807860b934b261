"""``apivideo plan`` for folders, patterns and stores. Items are counted as they are listed."""

import asyncio
import json
from collections.abc import Mapping
from contextlib import aclosing

from ....config import UploadOptions
from ....ingest.stores.stores import Stores
from ...console.formatting import bytes_text
from ...console.terminal import Terminal
from ..ingest.sources import check_path, list_named
from .costs import Costs

__all__ = ["plan_sources"]


async def plan_sources(
    terminal: Terminal,
    sources: tuple[str, ...],
    upload: UploadOptions,
    limits: Mapping[str, int],
    bandwidth: int | None,
    *,
    as_json: bool,
) -> int:
    """List all sources, print the costs, and return the exit code.

    Raises ``SourceError`` if a local path does not exist.
    """
    for spec in sources:
        if "://" not in spec:
            await asyncio.to_thread(check_path, spec)
    costs, count = Costs(upload, keep_key=True), 0
    async with Stores() as stores, aclosing(list_named(sources, stores, terminal.note)) as items:
        async for item in items:
            costs.add(item)
            count += 1
    if as_json:
        document = {"sources": count, "bytes": costs.bytes, **costs.document(limits, bandwidth)}
        terminal.result(json.dumps(document, indent=2))
    else:
        terminal.result(f"{count:,} sources, {bytes_text(costs.bytes)}")
        costs.tell(terminal, limits, bandwidth)
    return 0
