"""The commands ``apivideo analytics``."""

from collections.abc import Iterable
from typing import Any

import click

from ...models import Aggregation, Breakdown, BreakdownMetric, Interval, Metric, OverTimeMetric
from ..crud.answers import AS_JSON, chosen, tell
from ..crud.listing import list_command, sorting
from ..crud.noun import Noun
from ..parameters import MetadataPair, Moment, as_dict, one_of
from ..session import Session

__all__ = ["command"]

DIMENSIONS = (
    *(
        "media-id",
        "media-type",
        "continent",
        "country",
        "device-type",
        "operating-system",
        "browser",
    ),
    *("tag", "referrer"),
)
SINGLE = ("media-type", "tag")


def noun(one: str, many: str, *columns: str, cut: tuple[str, ...] = ()) -> Noun:
    """Describe one kind of analytics object."""
    return Noun(one=one, many=many, resource="analytics", columns=columns, cut=cut)


def by_dimension(
    ctx: click.Context, param: click.Parameter, value: Iterable[tuple[str, str]]
) -> dict[str, str | list[str]]:
    """Group the values of ``--filter`` by dimension; a callback.

    A view matches if it has one of the given values of every dimension. Raises ``BadParameter``
    for a second value of a dimension in ``SINGLE``.
    """
    found: dict[str, list[str]] = {}
    for dimension, text in value:
        found.setdefault(dimension.replace("-", "_"), []).append(text)
    for dimension in SINGLE:
        if len(found.get(dimension.replace("-", "_"), ())) > 1:
            raise click.BadParameter(f"{dimension} takes one value", ctx, param)
    return {name: texts if len(texts) > 1 else texts[0] for name, texts in found.items()}


PERIOD: list[click.Parameter] = [
    click.Option(
        ["--from", "from_"], type=Moment(), help="Beginning; a day before the end unless given."
    ),
    click.Option(["--to"], type=Moment(), help="End, exclusive; now unless given."),
    click.Option(["--unique"], is_flag=True, default=None, help="Count viewers, not views."),
    click.Option(
        ["--view-duration"],
        type=click.Choice(["3s", "5s", "10s", "30s"]),
        help="What counts as a view.",
    ),
    click.Option(
        ["--filter", "filter_by"],
        type=(click.Choice(DIMENSIONS), str),
        multiple=True,
        callback=by_dimension,
        metavar="DIMENSION VALUE",
        help=f"Every dimension given must fit: {', '.join(DIMENSIONS)}. Repeat for more, or for other values.",
    ),
]


def argument(name: str, kind: Any) -> click.Argument:
    """Make an argument that accepts the values of an open enum."""
    return click.Argument([name], type=one_of(kind), metavar=name.upper())


def values(**enums: Any) -> str:
    """List the accepted values of arguments, for the end of a help text."""
    return "\n\n".join(
        f"{name}: {', '.join(one_of(kind).choices)}." for name, kind in enums.items()
    )


def _aggregate() -> click.Command:
    def command(
        session: Session, /, metric: str, aggregation: str, as_document: bool, **given: Any
    ) -> int:
        options = chosen(given)
        return tell(
            session,
            noun("metric", "metrics"),
            lambda client: client.analytics.get_aggregated_metrics(metric, aggregation, **options),
            as_document=as_document,
        )

    return click.Command(
        "aggregate",
        callback=click.pass_obj(command),
        params=[argument("metric", Metric), argument("aggregation", Aggregation), *PERIOD, AS_JSON],
        help="Give one number for a period; not every metric has every aggregation.",
        epilog=values(METRIC=Metric, AGGREGATION=Aggregation),
    )


VIDEO_SESSIONS = [
    click.Argument(["video_id"], metavar="VIDEO_ID"),
    click.Option(
        ["--period"],
        required=True,
        metavar="2026-12|2026-W50|FROM/TO",
        help="A day, week, month or year.",
    ),
    click.Option(
        ["--metadata"], multiple=True, type=MetadataPair(), callback=as_dict, help="Of the session."
    ),
]
SESSION = noun(
    "session",
    "sessions",
    *(
        "session.session_id",
        "session.loaded_at",
        "session.ended_at",
        "location.country",
        "device.type",
    ),
    *("os.name", "client.name", "referrer.url"),
    cut=("os.name", "referrer.url"),
)
EVENT = noun("event", "events", "type", "emitted_at", "at", "from_", "to")
OLD = " (an operation that the service dropped in 2023)"

command: click.Group = click.Group(
    "analytics",
    help="Who watched what, when and where.",
    commands=[
        _aggregate(),
        list_command(
            noun("value", "values", "dimension_value", "metric_value", cut=("dimension_value",)),
            [
                *(argument("metric", BreakdownMetric), argument("breakdown", Breakdown), *PERIOD),
                *sorting("metricValue", "dimensionValue"),
            ],
            method="get_metrics_breakdown",
            name="breakdown",
            summary="Give a number for each value of a dimension",
            epilog=values(METRIC=BreakdownMetric, BREAKDOWN=Breakdown),
        ),
        list_command(
            noun("interval", "intervals", "emitted_at", "metric_value"),
            [
                *(
                    argument("metric", OverTimeMetric),
                    *PERIOD,
                    click.Option(["--interval"], type=one_of(Interval)),
                ),
                *sorting("metricValue", "emittedAt"),
            ],
            method="get_metrics_over_time",
            name="over-time",
            summary="Give a number for each interval",
            epilog=values(METRIC=OverTimeMetric),
        ),
        list_command(
            SESSION,
            VIDEO_SESSIONS,
            method="list_video_sessions",
            name="video-sessions",
            summary=f"List who watched a video{OLD}",
        ),
        list_command(
            SESSION,
            [click.Argument(["live_stream_id"], metavar="LIVE_STREAM_ID"), VIDEO_SESSIONS[1]],
            method="list_live_stream_sessions",
            name="live-stream-sessions",
            summary=f"List who watched a live stream{OLD}",
        ),
        list_command(
            EVENT,
            [click.Argument(["session_id"], metavar="SESSION_ID")],
            method="list_session_events",
            name="session-events",
            summary=f"List what a viewer did{OLD}",
        ),
    ],
)
