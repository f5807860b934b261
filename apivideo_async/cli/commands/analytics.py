"""The commands ``apivideo analytics``."""

from collections.abc import Iterable
from typing import Any

import click

from ...models import (
    AggregatedMetrics,
    Aggregation,
    Breakdown,
    BreakdownMetric,
    Interval,
    Metric,
    MetricBucket,
    MetricPoint,
    OverTimeMetric,
    PlayerSession,
    PlayerSessionEvent,
)
from ..crud.commands import call_command
from ..crud.listing import list_command, sorting
from ..crud.object_type import ObjectType
from ..examples import examples
from ..groups import Group
from ..parameters import TIME, Choice, one_of
from .options import metadata_filter

__all__ = ["command"]

DIMENSIONS = (
    "media-id",
    "media-type",
    "continent",
    "country",
    "device-type",
    "operating-system",
    "browser",
    "tag",
    "referrer",
)
SINGLE_VALUE = ("media-type", "tag")
"""Dimensions for which ``--filter`` accepts one value."""


def _noun(
    model: type, one: str, many: str, *columns: str, shrinkable: tuple[str, ...] = ()
) -> ObjectType:
    return ObjectType(
        singular=one,
        plural=many,
        model=model,
        section="analytics",
        group="analytics",
        columns=columns,
        shrinkable=shrinkable,
    )


def _by_dimension(
    ctx: click.Context, param: click.Parameter, value: Iterable[tuple[str, str]]
) -> dict[str, str | list[str]]:
    found: dict[str, list[str]] = {}
    for dimension, text in value:
        found.setdefault(dimension.replace("-", "_"), []).append(text)
    for dimension in SINGLE_VALUE:
        if len(found.get(dimension.replace("-", "_"), ())) > 1:
            raise click.BadParameter(f"{dimension} takes one value", ctx, param)
    return {name: texts if len(texts) > 1 else texts[0] for name, texts in found.items()}


QUERY: list[click.Parameter] = [
    click.Option(
        ["--from", "from_"],
        type=TIME,
        help="Start of the period. Default: one day before its end.",
    ),
    click.Option(["--to"], type=TIME, help="End of the period, exclusive. Default: now."),
    click.Option(["--unique"], is_flag=True, default=None, help="Count viewers instead of views."),
    click.Option(
        ["--view-duration"],
        type=Choice(["3s", "5s", "10s", "30s"]),
        help="Watched time from which a play counts as a view.",
    ),
    click.Option(
        ["--filter", "filter_by"],
        type=(Choice(DIMENSIONS), str),
        multiple=True,
        callback=_by_dimension,
        metavar="DIMENSION VALUE",
        help="Only views with this value of a dimension. Repeat to filter by more dimensions, or "
        f"to accept more values of one. Dimensions: {', '.join(DIMENSIONS)}.",
    ),
]


def _argument(name: str, kind: Any) -> click.Argument:
    return click.Argument([name], type=one_of(kind), metavar=name.upper())


def _values(**enums: Any) -> str:
    return "\n\n".join(
        f"{name}: {', '.join(one_of(kind).choices)}." for name, kind in enums.items()
    )


PERIOD = click.Option(
    ["--period"],
    required=True,
    metavar="2026-12|2026-W50|FROM/TO",
    help="A day, week, month or year, or a range of days.",
)
SESSION = _noun(
    PlayerSession,
    "session",
    "sessions",
    "session.session_id",
    "session.loaded_at",
    "session.ended_at",
    "location.country",
    "device.type",
    "os.name",
    "client.name",
    "referrer.url",
    shrinkable=("os.name", "referrer.url"),
)
EVENT = _noun(PlayerSessionEvent, "event", "events", "type", "emitted_at", "at", "from_", "to")
VIDEO = "vi123"
REMOVED = "api.video removed this operation from its specification in 2023."

command: click.Group = Group(
    "analytics",
    help="Numbers of views and viewers, by time, place, device and other dimensions.",
    epilog=examples(
        "apivideo analytics aggregate view count --from 2026-11-01",
        "apivideo analytics breakdown play country",
    ),
    commands=[
        call_command(
            _noun(AggregatedMetrics, "metric", "metrics"),
            "aggregate",
            [_argument("metric", Metric), _argument("aggregation", Aggregation), *QUERY],
            method="get_aggregated_metrics",
            summary="Show one number for a period. Not every metric supports every aggregation.",
            epilog=examples(
                "apivideo analytics aggregate view count --from 2026-11-01",
                f"apivideo analytics aggregate play total --filter media-id {VIDEO}",
                before=_values(METRIC=Metric, AGGREGATION=Aggregation),
            ),
        ),
        list_command(
            _noun(
                MetricBucket,
                "value",
                "values",
                "dimension_value",
                "metric_value",
                shrinkable=("dimension_value",),
            ),
            [
                _argument("metric", BreakdownMetric),
                _argument("breakdown", Breakdown),
                *QUERY,
                *sorting("metricValue", "dimensionValue"),
            ],
            method="get_metrics_breakdown",
            name="breakdown",
            summary="List a number for each value of a dimension.",
            epilog=examples(
                "apivideo analytics breakdown play country --from 2026-11-01",
                "apivideo analytics breakdown view browser --unique --output csv",
                before=_values(METRIC=BreakdownMetric, BREAKDOWN=Breakdown),
            ),
        ),
        list_command(
            _noun(MetricPoint, "interval", "intervals", "emitted_at", "metric_value"),
            [
                _argument("metric", OverTimeMetric),
                *QUERY,
                click.Option(["--interval"], type=one_of(Interval), help="Length of an interval."),
                *sorting("metricValue", "emittedAt"),
            ],
            method="get_metrics_over_time",
            name="over-time",
            summary="List a number for each interval of time.",
            epilog=examples(
                "apivideo analytics over-time play --interval hour",
                f"apivideo analytics over-time view --filter media-id {VIDEO} --output csv",
                before=_values(METRIC=OverTimeMetric),
            ),
        ),
        list_command(
            SESSION,
            [
                click.Argument(["video_id"], metavar="VIDEO_ID"),
                PERIOD,
                metadata_filter("sessions"),
            ],
            method="list_video_sessions",
            name="video-sessions",
            summary=f"List the viewer sessions of a video. {REMOVED}",
            epilog=examples(f"apivideo analytics video-sessions {VIDEO} --period 2026-W50"),
        ),
        list_command(
            SESSION,
            [click.Argument(["live_stream_id"], metavar="LIVE_STREAM_ID"), PERIOD],
            method="list_live_stream_sessions",
            name="live-stream-sessions",
            summary=f"List the viewer sessions of a live stream. {REMOVED}",
            epilog=examples("apivideo analytics live-stream-sessions li123 --period 2026-12"),
        ),
        list_command(
            EVENT,
            [click.Argument(["session_id"], metavar="SESSION_ID")],
            method="list_session_events",
            name="session-events",
            summary=f"List the events of a viewer session. {REMOVED}",
            epilog=examples("apivideo analytics session-events ps123"),
        ),
    ],
)
