"""Bar charts in SVG, without a script or a library; the page's style sets the colours."""

import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from html import escape

__all__ = ["draw_bars"]

# Size of a chart, its margins for the labels, and steps between the lines of the grid, in units of
# the SVG.
WIDTH = 760
HEIGHT = 190
LEFT = 64
RIGHT = 8
TOP = 10
BOTTOM = 24
GRID = 4

_FORMATS = ((600, "%H:%M:%S"), (86_400, "%H:%M"), (math.inf, "%d %b %H:%M"))
"""Formats of times, each with the seconds of the time axis up to which it is used."""


def draw_bars(
    title: str,
    values: Sequence[tuple[float, float]],
    *,
    width: float,
    text: Callable[[float], str],
    top: float | None = None,
    kind: str = "items",
    unit: int = 1000,
) -> str:
    """Return a figure of values over time. A bar begins at its time and has ``width`` seconds.

    ``text`` formats a value. ``top`` is the upper end of the scale; by default it is derived from
    the values. ``kind`` is the CSS class, which sets the colour. ``unit`` is 1024 for bytes.
    """
    if not values:
        return '<p class="none">Nothing yet.</p>'
    title = escape(title)
    begin, end = values[0][0], values[-1][0] + width
    span = end - begin
    scale = top or _round_up(max(value for _, value in values), unit)
    x_factor, y_factor = (WIDTH - LEFT - RIGHT) / span, (HEIGHT - TOP - BOTTOM) / scale
    parts = [_grid(scale, y_factor, text), _time_axis(begin, span)]
    # One unit of space between bars, and a visible width for very narrow ones.
    bar_width = max(0.5, width * x_factor - 1)
    for at, value in values:
        if value > 0:
            height = min(value, scale) * y_factor
            x, y = LEFT + (at - begin) * x_factor, HEIGHT - BOTTOM - height
            tip = escape(f"{_format_time(at, span)} UTC: {text(value)}")
            parts.append(
                f'<rect x="{x:.1f}" y="{y:.1f}" width="{bar_width:.1f}" height="{height:.1f}">'
                f"<title>{tip}</title></rect>"
            )
    return (
        f'<figure><svg class="{kind}" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{title}">{"".join(parts)}</svg><figcaption>{title}</figcaption></figure>'
    )


def _format_time(at: float, span: float) -> str:
    """Format a time; ``span`` (seconds) determines the precision."""
    form = next(form for limit, form in _FORMATS if span < limit)
    return datetime.fromtimestamp(at, UTC).strftime(form)


def _round_up(value: float, unit: int) -> float:
    """Round up to 1, 2, 4, 6 or 8 times a power of ten, so that the grid has round numbers.

    ``unit`` is the factor between units of the value. With 1024, the result is round in KiB, MiB
    and so on.
    """
    if value <= 0:
        return 1.0
    whole = float(unit) ** math.floor(math.log(value, unit)) if value >= 1 else 1.0
    power = whole * 10.0 ** math.floor(math.log10(value / whole))
    return next(step * power for step in (1, 2, 4, 6, 8, 10) if step * power >= value)


def _grid(scale: float, y_factor: float, text: Callable[[float], str]) -> str:
    lines = []
    for step in range(GRID + 1):
        value = scale * step / GRID
        y = HEIGHT - BOTTOM - value * y_factor
        lines.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{escape(text(value))}</text>'
        )
    return "".join(lines)


def _time_axis(begin: float, span: float) -> str:
    labels = []
    for share, anchor in ((0.0, "start"), (0.5, "middle"), (1.0, "end")):
        x = LEFT + share * (WIDTH - LEFT - RIGHT)
        time = _format_time(begin + share * span, span)
        labels.append(f'<text x="{x:.1f}" y="{HEIGHT - 6}" text-anchor="{anchor}">{time}</text>')
    return "".join(labels)
