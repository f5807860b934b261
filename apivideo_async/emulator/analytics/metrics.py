"""The metrics as pure functions of plays and a time span (service.md#analytics-metrics)."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, TypeAlias

from attrs import frozen

from ..state.play import Play

__all__ = ["AGGREGATIONS", "BUCKETS", "METRICS", "SERIES", "Span", "View"]


class Span(NamedTuple):
    """A time span. ``stop`` is exclusive."""

    start: datetime
    stop: datetime

    @property
    def seconds(self) -> float:
        return (self.stop - self.start).total_seconds()

    def __contains__(self, moment: object) -> bool:
        # Comparisons need a time zone on both sides; ``Play.at`` always has one.
        return isinstance(moment, datetime) and self.start <= moment < self.stop


@frozen
class View:
    """The seconds that a view must last, and whether a viewer counts once a day."""

    seconds: int = 5
    unique: bool = False


Metric: TypeAlias = Callable[[Sequence[Play], Span, View], float]


def _count(counts: Callable[[Play], bool]) -> Metric:
    return lambda plays, span, view: sum(1 for play in plays if play.at in span and counts(play))


def _sum(amount: Callable[[Play], float]) -> Metric:
    return lambda plays, span, view: sum(
        amount(play) for play in plays if play.at in span and play.played
    )


def _average(total: Metric, count: Metric) -> Metric:
    def average(plays: Sequence[Play], span: Span, view: View) -> float:
        number = count(plays, span, view)
        return total(plays, span, view) / number if number else 0

    return average


def _views(plays: Sequence[Play], span: Span, view: View) -> int:
    """Count the plays that lasted long enough. A unique viewer counts once for each day."""
    viewed = [
        play for play in plays if play.at in span and play.played and play.watched >= view.seconds
    ]
    if view.unique:
        return len({(play.viewer_key, play.at.date()) for play in viewed})
    return len(viewed)


def _presences(plays: Iterable[Play], span: Span, view: View) -> list[tuple[datetime, datetime]]:
    """Return the periods of presence in the span. A unique viewer has no overlapping periods."""
    by_viewer: dict[object, list[tuple[datetime, datetime]]] = {}
    for play in sorted(plays, key=lambda play: play.at):
        begin, end = max(play.at, span.start), min(play.until, span.stop)
        if begin >= end:
            continue
        # Without ``unique`` every play is its own viewer, so nothing is merged.
        periods = by_viewer.setdefault(play.viewer_key if view.unique else id(play), [])
        # The plays are sorted by start, so only the last period of a viewer can overlap this one.
        if periods and begin <= periods[-1][1]:
            begin, end = periods[-1][0], max(end, periods.pop()[1])
        periods.append((begin, end))
    return [period for periods in by_viewer.values() for period in periods]


def _ccv_peak(plays: Sequence[Play], span: Span, view: View) -> int:
    periods = _presences(plays, span, view)
    # At the same moment -1 sorts before +1: a viewer who leaves then is not counted together with
    # one who arrives.
    changes = sorted([(begin, 1) for begin, _ in periods] + [(end, -1) for _, end in periods])
    viewers = peak = 0
    for _, change in changes:
        viewers += change
        peak = max(peak, viewers)
    return peak


def _ccv_average(plays: Sequence[Play], span: Span, view: View) -> float:
    # The average is the total presence in seconds divided by the length of the span.
    present = sum((end - begin).total_seconds() for begin, end in _presences(plays, span, view))
    return round(present / span.seconds, 4) if span.seconds else 0


def _ccv_live(plays: Sequence[Play], span: Span, view: View) -> int:
    """Return the peak of the last 20 seconds of the span (service.md#analytics-metrics)."""
    return _ccv_peak(plays, Span(span.stop - timedelta(seconds=20), span.stop), view)


_plays = _count(lambda play: play.played)
_impressions = _count(lambda play: True)
_loading = _sum(lambda play: play.loading)
_watched = _sum(lambda play: play.watched)

METRICS: dict[str, Metric] = {
    "play": _plays,
    "play-rate": _average(_plays, _impressions),
    "play-total": _plays,
    "start": _count(lambda play: play.played and play.watched > 0),
    "end": _count(lambda play: play.played and play.ended),
    "impression": _impressions,
    "impression-time-average": _average(_loading, _plays),
    "impression-time-sum": _loading,
    "watch-time-average": _average(_watched, _plays),
    "watch-time-sum": _watched,
    "ccv-peak": _ccv_peak,
    "ccv-average": _ccv_average,
    "ccv-live": _ccv_live,
    "view": _views,
}
AGGREGATIONS: dict[tuple[str, str], str] = {
    ("play", "rate"): "play-rate",
    ("play", "total"): "play-total",
    **{(name, "count"): name for name in ("play", "start", "end", "impression", "view")},
    **{
        (name, how): f"{name}-{how}"
        for name in ("impression-time", "watch-time")
        for how in ("average", "sum")
    },
    **{("ccv", how): f"ccv-{how}" for how in ("peak", "average", "live")},
}
"""The metric for each legal pair in ``/data/metrics/{metric}/{aggregation}``."""
SERIES = ("play", "play-rate", "start", "end", "impression", "ccv-peak", "ccv-average", "view")
BUCKETS = (*SERIES, "play-total")
