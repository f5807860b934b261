"""One line that shows one upload, for any terminal width; it never wraps.

The bar shows two amounts in different styles: the bytes that the server accepted, and the bytes
that were sent and are not accepted yet.
"""

from attrs import define
from rich.cells import cell_len
from rich.text import Text

from ...uploads.ledger import ChunkState
from ...uploads.progress import UploadProgress
from .formatting import bytes_text, rate_text, shortened, time_text

__all__ = ["Row"]

WIDE = 100
"""Columns from which the line also shows the sizes in bytes."""
# Glyph and style of the parts of the bar: accepted, sent, missing.
UNICODE = (("━", "green"), ("╌", "cyan"), ("─", "bright_black"))
ASCII = (("#", "green"), ("=", "cyan"), ("-", "bright_black"))


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
        # Below 6 columns a bar shows nothing useful, so only the figures remain.
        if room >= 6:
            self._bar(line, room - 1, UNICODE if unicode else ASCII)
            line.append(" ")
        line.append(facts)
        line.truncate(width)
        return line

    def _bar(self, line: Text, width: int, glyphs: tuple[tuple[str, str], ...]) -> None:
        event = self.event
        total = event.bytes_total if event is not None else self.size
        if event is None or not total:
            line.append(glyphs[2][0] * width, glyphs[2][1])
            return
        accepted = min(width, int(width * event.bytes_accepted / total))
        sent = min(width, max(accepted, int(width * event.bytes_sent / total)))
        for (glyph, style), count in zip(
            glyphs, (accepted, sent - accepted, width - sent), strict=True
        ):
            line.append(glyph * count, style)

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
