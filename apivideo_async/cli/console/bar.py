"""One line that shows one upload, for any terminal width; it never wraps.

Its strip shows the chunks at their places in the file: received by the server, arriving (in
flight), or missing. The sent bytes of the chunks in flight are known only in total, so each of
these chunks is shown with the same sent share, in another colour.
"""

from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter
from typing import TypeAlias

from attrs import define
from rich.cells import cell_len
from rich.text import Text

from ...uploads.ledger import ChunkState
from ...uploads.plan import Chunk
from ...uploads.progress import UploadProgress
from .formatting import amount_text, rate_text, shortened, time_text

__all__ = ["ASCII_STRIP", "MIN_BAR", "STRIP", "Row", "bar", "strip", "strip_for"]

Glyphs: TypeAlias = tuple[tuple[str, str], ...]
"""Glyph and style of each part of a bar."""

WIDE = 100
"""Columns from which the line also shows the number of chunks."""
MIN_BAR: int = 5
"""Columns. A shorter bar shows nothing useful."""
RECEIVED, SENT, ARRIVING, MISSING = range(4)
# A chunk that is arriving has one glyph; the style shows which share of it was sent.
STRIP: Glyphs = (("■", "green"), ("▣", "cyan"), ("▣", "blue"), ("□", "bright_black"))
ASCII_STRIP: Glyphs = (("#", "green"), ("=", "cyan"), ("=", "blue"), ("-", "bright_black"))


def strip_for(encoding: str) -> Glyphs:
    """Return the glyphs of a strip that an encoding has."""
    try:
        "".join(glyph for glyph, _ in STRIP).encode(encoding)
    except (UnicodeError, LookupError):
        return ASCII_STRIP
    return STRIP


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


def strip(width: int, event: UploadProgress | None, glyphs: Glyphs) -> Text:
    """Return a strip of ``width`` columns with the states of the chunks.

    A column in which several chunks lie shows that one is arriving, otherwise that one is missing.
    """
    result = Text()
    for part in _parts(width, event):
        result.append(*glyphs[part])
    return result


def _parts(width: int, event: UploadProgress | None) -> list[int]:
    if event is None or not event.chunk_states:
        return [RECEIVED if event is not None and event.finished else MISSING] * width
    # The end of a stream is unknown, so the strip ends with the last chunk that was read.
    end = event.bytes_total or event.chunk_states[-1][0].stop
    flying: list[Chunk] = []
    # Bytes of no chunk were received before this call.
    parts = [RECEIVED] * width
    for state, group in groupby(event.chunk_states, itemgetter(1)):
        if state is ChunkState.ACCEPTED:
            continue
        chunks = [chunk for chunk, _ in group]
        if state is ChunkState.IN_FLIGHT:
            flying += chunks
            continue
        for start, stop in _runs(chunks):
            first, last = _columns(start, stop, width, end)
            parts[first:last] = [MISSING] * (last - first)
    flying_bytes = sum(chunk.size for chunk in flying)
    for chunk in flying:
        first, last = _columns(chunk.start, chunk.stop, width, end)
        share = (event.bytes_sent - event.bytes_accepted) / flying_bytes
        sent = (chunk.start + share * chunk.size) * width / end
        parts[first:last] = [SENT if at < sent else ARRIVING for at in range(first, last)]
    return parts


def _runs(chunks: list[Chunk]) -> list[tuple[int, int]]:
    """Return the bytes of the chunks as ranges. Usually it is one, so that drawing is fast."""
    start, stop = chunks[0].start, chunks[-1].stop
    if stop - start == sum(chunk.size for chunk in chunks):
        return [(start, stop)]
    # Chunks that an earlier call has sent lie in between.
    return [(chunk.start, chunk.stop) for chunk in chunks]


def _columns(start: int, stop: int, width: int, end: int) -> tuple[int, int]:
    first = start * width // end
    return first, max(first + 1, -(-stop * width // end))


@define
class Row:
    """The displayed state of one upload."""

    name: str
    size: int | None
    event: UploadProgress | None = None
    stage: str = ""

    def render(self, width: int, glyphs: Glyphs) -> Text:
        """Return a line of at most ``width`` columns."""
        name_width = max(10, min(36, width // 4))
        name = shortened(self.name, name_width)
        padding = " " * (name_width - cell_len(name) + 1)
        line = Text(name + padding, no_wrap=True, overflow="crop")
        facts = self._facts(wide=width >= WIDE)
        room = width - name_width - 1 - len(facts)
        if room > MIN_BAR:
            line.append_text(strip(room - 1, self.event, glyphs)).append(" ")
        line.append(facts)
        line.truncate(width)
        return line

    def _facts(self, *, wide: bool) -> str:
        event = self.event
        if event is None:
            return f"{'starting':>40}"
        share = f"{event.fraction:4.0%}" if event.fraction is not None else "  ? "
        # All figures have a fixed width, so that the strips of several uploads stay aligned.
        size = f"{amount_text(event.bytes_accepted, event.bytes_total):>15}"
        last = f"{self.stage or f'{rate_text(event.rate):>11} {time_text(event.eta):>7}':>19}"
        if not wide:
            return f"{share} {size} {last}"
        accepted = event.chunks.get(ChunkState.ACCEPTED, 0)
        known = sum(event.chunks.values())
        chunks = f"{accepted}/{known}" if event.bytes_total is not None else f"{accepted}"
        room = max(7, 2 * len(str(known)) + 1)
        return f"{share} {size} {chunks:>{room}} chunks {last}"
