"""One line that shows one upload, for any terminal width; it never wraps.

The bar shows two amounts in different styles: the bytes that the server accepted, and the bytes
that were sent and are not accepted yet.
"""

from collections.abc import Sequence
from typing import TypeAlias

from attrs import define
from rich.cells import cell_len
from rich.text import Text

from ...uploads.ledger import ChunkState
from ...uploads.progress import UploadProgress
from .formatting import bytes_text, rate_text, shortened, time_text

__all__ = ["MIN_BAR", "Row", "bar"]

Glyphs: TypeAlias = tuple[tuple[str, str], ...]
"""Glyph and style of each part of a bar."""

WIDE = 100
"""Columns from which the line also shows the sizes in bytes."""
MIN_BAR: int = 5
"""Columns. A shorter bar shows nothing useful."""
# The parts of the bar: accepted, sent, missing.
UNICODE: Glyphs = (("━", "green"), ("╌", "cyan"), ("─", "bright_black"))
ASCII: Glyphs = (("#", "green"), ("=", "cyan"), ("-", "bright_black"))


def bar(width: int, amounts: Sequence[int], total: int, glyphs: Glyphs) -> Text:
    """Return a bar of ``width`` columns that shows ``amounts``; the last glyph is for the rest."""
    result = Text()
    reached = 0
    drawn = 0
    for (glyph, style), amount in zip(glyphs, amounts, strict=False):
        # Round the running totals instead of each amount, so that the parts always fill the bar.
        reached += amount
        end = min(width, width * reached // total) if total else 0
        result.append(glyph * (end - drawn), style)
        drawn = end
    glyph, style = glyphs[-1]
    return result.append(glyph * (width - drawn), style)


@define
class Row:
    """The displayed state of one upload."""

    name: str
    size: int | None
    event: UploadProgress | None = None
    stage: str = ""

    def render(self, width: int, *, unicode: bool) -> Text:
        """Return a line of at most ``width`` columns."""
        name_width = max(10, min(36, width // 4))
        name = shortened(self.name, name_width)
        padding = " " * (name_width - cell_len(name) + 1)
        line = Text(name + padding, no_wrap=True, overflow="crop")
        facts = self._facts(wide=width >= WIDE)
        room = width - name_width - 1 - len(facts)
        if room > MIN_BAR:
            line.append_text(self._bar(room - 1, UNICODE if unicode else ASCII)).append(" ")
        line.append(facts)
        line.truncate(width)
        return line

    def _bar(self, width: int, glyphs: Glyphs) -> Text:
        if self.event is None:
            return bar(width, (0, 0), self.size or 0, glyphs)
        accepted = self.event.bytes_accepted
        sent = max(0, self.event.bytes_sent - accepted)
        return bar(width, (accepted, sent), self.event.bytes_total or 0, glyphs)

    def _facts(self, *, wide: bool) -> str:
        event = self.event
        if event is None:
            return f"{'starting':>36}"
        accepted = event.chunks.get(ChunkState.ACCEPTED, 0)
        known = sum(event.chunks.values())
        chunks = f"{accepted}/{known}" if event.bytes_total is not None else f"{accepted}"
        room = max(7, 2 * len(str(known)) + 1)
        share = f"{event.fraction:4.0%}" if event.fraction is not None else "  ? "
        # All figures have a fixed width, so that the bars of several uploads stay aligned.
        last = self.stage or f"{rate_text(event.rate):>12} {time_text(event.eta):>7}"
        if not wide:
            amount = share if event.fraction is not None else bytes_text(event.bytes_accepted)
            return f"{amount} {chunks:>{room}} {last:>20}"
        total = bytes_text(event.bytes_total) if event.bytes_total is not None else "?"
        size = f"{bytes_text(event.bytes_accepted)} / {total}"
        return f"{share} {size:>21} {chunks:>{room}} chunks {last:>20}"
