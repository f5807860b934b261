"""``apivideo plan`` for folders, patterns and stores: listed, counted and forgotten, one source at a time."""

import asyncio
import json
from contextlib import aclosing

from attrs import frozen

from ..config import UploadOptions
from ..ingest.sources.listing import list_sources
from ..ingest.sources.stores import Stores
from .amounts import bytes_text
from .costs import USUAL, Costs
from .ingest.sources import check_path
from .terminal import Terminal

__all__ = ["PlanSources"]


@frozen
class PlanSources:
    """What was asked."""

    terminal: Terminal
    sources: tuple[str, ...]
    upload: UploadOptions
    uploads_per_minute: int
    bandwidth: int | None
    as_json: bool

    async def run(self) -> int:
        """List everything, then tell; returns the exit code. Raises ``SourceError`` for what is not there."""
        for spec in self.sources:
            if "://" not in spec:
                await asyncio.to_thread(check_path, spec)
        costs, count, size = Costs(self.upload, keep_key=True), 0, 0
        async with Stores() as stores:
            for spec in self.sources:
                listed = list_sources(spec, stores=stores, on_problem=self._note)
                async with aclosing(listed) as items:
                    async for item in items:
                        costs.add(item)
                        count, size = count + 1, size + (item.size or 0)
        limits = {**USUAL["production"], "uploads": self.uploads_per_minute}
        if self.as_json:
            document = {"sources": count, "bytes": size, **costs.document(limits, self.bandwidth)}
            self.terminal.result(json.dumps(document, indent=2))
            return 0
        self.terminal.result(f"{count:,} sources, {bytes_text(size)}")
        for sentence in costs.sentences(limits, self.bandwidth):
            self.terminal.result(sentence)
        if costs.note:
            self.terminal.say(costs.note)
        return 0

    def _note(self, text: str) -> None:
        self.terminal.say(f"note: {text}", style="yellow")
