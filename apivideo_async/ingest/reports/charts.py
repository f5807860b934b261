"""Bar charts in SVG, without a script or a library; the page's style sets the colours."""

import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from html import escape

__all__ = ["bars", "clock"]

WIDTH, HEIGHT = 760, 190
"""Size of a chart, in units of the SVG."""
LEFT, RIGHT, TOP, BOTTOM = 64, 8, 10, 24
"""Margins of a chart, for the labels."""
GRID = 4
"""Number of steps between the lines of the grid."""


def clock(at: float, span: float) -> str:
    """Format a time; ``span`` (seconds) determines the precision."""
    form = "%H:%M:%S" if span < 600 else "%H:%M" if span < 86_400 else "%d %b %H:%M"
    return datetime.fromtimestamp(at, UTC).strftime(form)


def _ceiling(value: float, unit: int) -> float:
    """Round up to 1, 2, 4, 6 or 8 times a power of ten, so that the grid has round numbers.

    ``unit`` is the factor between units of the value. With 1024, the result is round in KiB, MiB
    and so on.
    """
    if value <= 0:
        return 1.0
    whole = float(unit) ** math.floor(math.log(value, unit)) if value >= 1 else 1.0
    power = whole * 10.0 ** math.floor(math.log10(value / whole))
    return next(step * power for step in (1, 2, 4, 6, 8, 10) if step * power >= value)


def bars(
    values: Sequence[tuple[float, float]],
    *,
    width: float,
    title: str,
    text: Callable[[float], str],
    top: float | None = None,
    kind: str = "items",
    unit: int = 1000,
) -> str:
    """Draw values over time. Each bar starts at its time and is ``width`` seconds wide.

    ``text`` formats a value. ``top`` is the upper end of the scale; by default it is derived from
    the values. ``kind`` is the CSS class, which sets the colour. ``unit`` is 1024 for bytes.
    """
    if not values:
        return '<p class="none">Nothing yet.</p>'
    begin, end = values[0][0], values[-1][0] + width
    span = end - begin
    scale = top or _ceiling(max(value for _, value in values), unit)
    across, up = (WIDTH - LEFT - RIGHT) / span, (HEIGHT - TOP - BOTTOM) / scale
    drawn = [_grid(scale, up, text), _moments(begin, span, across)]
    # One unit of space between bars, and a visible width for very narrow ones.
    wide = max(0.5, width * across - 1)
    for at, value in values:
        if value > 0:
            high = min(value, scale) * up
            place = f'x="{LEFT + (at - begin) * across:.1f}" y="{HEIGHT - BOTTOM - high:.1f}"'
            shown = escape(f"{clock(at, span)} UTC: {text(value)}")
            drawn.append(
                f'<rect {place} width="{wide:.1f}" height="{high:.1f}"><title>{shown}</title></rect>'
            )
    return (
        f'<svg class="{kind}" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">'
        f"{''.join(drawn)}</svg>"
    )


def _grid(scale: float, up: float, text: Callable[[float], str]) -> str:
    """Draw the horizontal lines and their labels."""
    lines = []
    for step in range(GRID + 1):
        value = scale * step / GRID
        y = HEIGHT - BOTTOM - value * up
        lines.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{escape(text(value))}</text>'
        )
    return "".join(lines)


def _moments(begin: float, span: float, across: float) -> str:
    """Draw the labels of the time axis: start, middle and end."""
    anchors = ((0.0, "start"), (0.5, "middle"), (1.0, "end"))
    return "".join(
        f'<text x="{LEFT + share * span * across:.1f}" y="{HEIGHT - 6}" text-anchor="{anchor}">'
        f"{escape(clock(begin + share * span, span))}</text>"
        for share, anchor in anchors
    )
