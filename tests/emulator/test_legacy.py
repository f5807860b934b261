"""Operations that left the specification are served as well (service.md#legacy-operations)."""

from datetime import UTC, datetime

import pytest

from apivideo_async.emulator import Play
from apivideo_async.emulator.analytics.query import read_period
from apivideo_async.emulator.rules.problems import RefusedError

AT = datetime(2019, 6, 24, 11, 45, 1, 109_000, UTC)


async def test_the_account(start):
    api = await start()
    await api.create()
    account = (await api.send("GET", "/account")).json
    assert account["quota"] == {"quotaUsed": 1, "quotaRemaining": 999, "quotaTotal": 1000}
    assert account["environment"] == "production"
    assert "player.white_label" in account["features"]
    sandbox = await start(rate_limits="sandbox")
    assert (await sandbox.send("GET", "/account")).json["environment"] == "sandbox"


async def test_sessions_of_a_video(api):
    """By period and by the metadata of the session; milliseconds and Z (service.md#timestamps)."""
    video_id = await api.create()
    first, second = api.emu.add_plays(
        Play(
            media_id=video_id,
            at=AT,
            watched=258.134,
            metadata={"user": "7"},
            referrer="https://a.test",
        ),
        Play(media_id=video_id, at=AT.replace(month=7), city=None),
    )

    async def sessions(query: str) -> list[str]:
        reply = await api.send("GET", f"/analytics/videos/{video_id}?{query}")
        return [item["session"]["sessionId"] for item in reply.json["data"]]

    data = (await api.send("GET", f"/analytics/videos/{video_id}?period=2019-06")).json["data"]
    assert data == [
        {
            "session": {
                "sessionId": first,
                "loadedAt": "2019-06-24T11:45:01.109Z",
                "endedAt": "2019-06-24T11:49:19.243Z",
                "metadata": [{"key": "user", "value": "7"}],
            },
            "location": {"country": "FR", "city": "Paris"},
            "referrer": {
                "url": "https://a.test",
                "medium": "unknown",
                "source": "unknown",
                "searchTerm": "unknown",
            },
            "device": {"type": "computer", "vendor": "unknown", "model": "unknown"},
            "os": {"name": "windows", "shortname": "unknown", "version": "unknown"},
            "client": {"type": "browser", "name": "firefox", "version": "unknown"},
        }
    ]
    assert await sessions("period=2019") == [first, second]
    assert await sessions("period=2019&metadata[user]=7") == [first]
    assert await sessions("period=2019&metadata[user]=8") == []
    assert await sessions("period=2019&pageSize=1&currentPage=2") == [second]
    assert await sessions("period=2018") == []
    for query in ("", "?period=last-week"):
        reply = await api.send("GET", f"/analytics/videos/{video_id}{query}")
        assert (reply.status, reply.json["name"]) == (400, "period")
    assert (await api.send("GET", "/analytics/videos/vi0?period=2019")).json["name"] == "videoId"


async def test_sessions_of_a_live_stream(api):
    """There is no filter by metadata (service.md#legacy-operations)."""
    live_id = (await api.send("POST", "/live-streams", json={"name": "x"})).json["liveStreamId"]
    made = api.emu.add_plays(Play(media_id=live_id, at=AT, media_type="live-stream"))
    reply = await api.send(
        "GET", f"/analytics/live-streams/{live_id}?period=2019-W26&metadata[a]=b"
    )
    assert [item["session"]["sessionId"] for item in reply.json["data"]] == made
    assert "metadata" not in reply.json["data"][0]["session"]
    assert (await api.send("GET", "/analytics/live-streams/li0?period=2019")).json[
        "name"
    ] == "liveStreamId"


async def test_events_of_a_session(api):
    ended, left, seen = api.emu.add_plays(
        Play(media_id="vi1", at=AT, watched=7.5, ended=True),
        Play(media_id="vi1", at=AT, watched=7.5),
        Play(media_id="vi1", at=AT, played=False),
    )

    async def events(session: str) -> list[tuple[str, int]]:
        data = (await api.send("GET", f"/analytics/sessions/{session}/events")).json["data"]
        return [(event["type"], event["at"]) for event in data]

    assert await events(ended) == [("ready", 0), ("play", 0), ("end", 7)]
    assert await events(left) == [("ready", 0), ("play", 0), ("pause", 7)]
    assert await events(seen) == [("ready", 0)]
    unknown = await api.send("GET", "/analytics/sessions/ps0/events")
    assert (unknown.status, unknown.json["name"]) == (404, "videoId"), "as in the documents"


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2018-01-01", "2018-01-01", "2018-01-01"),
        ("2018-W01", "2018-01-01", "2018-01-07"),
        ("2018-02", "2018-02-01", "2018-02-28"),
        ("2020-12", "2020-12-01", "2020-12-31"),
        ("2018", "2018-01-01", "2018-12-31"),
        ("2018-01-01/2018-01-15", "2018-01-01", "2018-01-15"),
    ],
)
def test_periods(text, first, last):
    """A period includes its last day (service.md#legacy-periods)."""
    span = read_period(text)
    assert span.start == datetime.fromisoformat(f"{first}T00:00:00+00:00")
    assert (span.stop - span.start).total_seconds() % 86400 == 0
    assert datetime.fromisoformat(f"{last}T23:59:59+00:00") in span
    assert span.stop not in span


@pytest.mark.parametrize(
    "text", [None, "", "2018-W54", "2018-13", "18", "2018-1-1", "2018/2019", "9999", "yesterday"]
)
def test_refused_periods(text):
    with pytest.raises(RefusedError) as refused:
        read_period(text)
    assert refused.value.body["name"] == "period"
