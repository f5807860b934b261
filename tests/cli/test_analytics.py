"""``apivideo analytics``, with plays added to the emulator."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from apivideo_async.emulator import Emulator
from apivideo_async.emulator.state.play import Play

from .conftest import Cli


@pytest.fixture
def watched(online: Cli, emu: Emulator) -> str:
    """A video with two plays in France and one in Italy, an hour ago."""
    video_id = str(
        online("videos", "create", "--title", "One", "--tag", "red", "--json").json["videoId"]
    )
    at = datetime.now(UTC) - timedelta(hours=1)
    emu.add_plays(
        *(
            Play(media_id=video_id, at=at, country=country, browser="edge")
            for country in ("FR", "FR", "IT")
        )
    )
    return video_id


def test_one_number(online: Cli, watched: str) -> None:
    number = online("analytics", "aggregate", "play", "count", "--json").json
    assert number["data"] == 3
    assert number["context"]["metric"] == "play"
    text = online("analytics", "aggregate", "play", "count", "--filter", "country", "FR").out
    assert text.splitlines()[-1] == "data         2"


def test_filters_of_one_dimension_are_alternatives(online: Cli, watched: str) -> None:
    for countries, count in ((["FR", "IT"], 3), (["IT"], 1), (["DE"], 0)):
        options = [text for country in countries for text in ("--filter", "country", country)]
        found = online(
            "analytics",
            "aggregate",
            "play",
            "count",
            *options,
            "--filter",
            "media-id",
            watched,
            "--json",
        )
        assert found.json["data"] == count


def test_a_breakdown_is_lines_with_tabs(online: Cli, watched: str) -> None:
    found = online(
        "analytics",
        "breakdown",
        "play",
        "country",
        "--sort-by",
        "metricValue",
        "--sort-order",
        "desc",
    )
    assert found.out == "FR\t2\nIT\t1\n"


@pytest.mark.slow
def test_a_period_is_local_time_unless_it_says_otherwise(online: Cli, watched: str) -> None:
    """The local time zone of the command is nine hours ahead of UTC."""
    online.env["TZ"] = "JST-9"
    hour_ago = datetime.now(timezone(timedelta(hours=9))) - timedelta(hours=1)
    early, late = hour_ago - timedelta(minutes=5), hour_ago + timedelta(minutes=5)
    for form in ("%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M%z"):
        period = ("--from", early.strftime(form), "--to", late.strftime(form))
        assert (
            online.process("analytics", "aggregate", "play", "count", *period, "--json").json[
                "data"
            ]
            == 3
        )


def test_over_time(online: Cli, watched: str) -> None:
    points = online("analytics", "over-time", "play", "--interval", "hour", "--json").json
    assert sum(point["metricValue"] for point in points) == 3


def test_sessions_and_their_events(online: Cli, watched: str) -> None:
    period = f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%d}/{datetime.now(UTC):%Y-%m-%d}"
    rows = online("analytics", "video-sessions", watched, "--period", period).out.splitlines()
    assert len(rows) == 3
    session_id = rows[0].split("\t")[0]
    events = online("analytics", "session-events", session_id).out.splitlines()
    assert "play" in {event.split("\t")[0] for event in events}
    assert online("analytics", "live-stream-sessions", "liNone", "--period", period).code == 1
