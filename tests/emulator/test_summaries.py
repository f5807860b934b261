"""Summaries, transcripts and events during the encoding.

See service.md#summary-operations, service.md#encoding-status, service.md#webhook-events,
service.md#summaries.
"""

import asyncio
from types import SimpleNamespace

from apivideo_async.emulator.background import processing
from apivideo_async.emulator.state.state import State


async def uploaded(api, content, **attributes):
    video_id = await api.create(**attributes)
    await api.chunk(video_id, content(100))
    return video_id


async def one(api, video_id):
    (summary,) = (await api.send("GET", f"/summaries?videoId={video_id}")).json["data"]
    return summary


async def test_a_summary_waits_for_its_video(api, content):
    """A summary waits until its video is encoded. Then its source can be read.

    See service.md#summaries.
    """
    video_id = await api.create("Maths")
    reply = await api.send("POST", "/summaries", json={"videoId": video_id, "origin": "auto"})
    summary = reply.json
    assert reply.status == 201
    assert summary["summaryId"].startswith("summary_")
    assert (summary["videoId"], summary["origin"], summary["sourceStatus"]) == (
        video_id,
        "auto",
        "waiting",
    )
    path = f"/summaries/{summary['summaryId']}/source"
    assert (await api.send("GET", path)).json["name"] == "summaryId"
    busy = await api.send("PATCH", path, json={"abstract": "x"})
    assert (busy.status, busy.slug) == (409, "summary-already-exists")
    assert "name" not in busy.json
    await api.chunk(video_id, content(100))
    assert (await one(api, video_id))["sourceStatus"] == "completed"
    source = (await api.send("GET", path)).json
    assert set(source) == {"abstract", "takeaways"}
    assert len(source["takeaways"]) <= 3


async def test_nothing_is_written_without_an_origin(api, content):
    """The status is "missing" until a client writes the source, which is answered with 201.

    See service.md#summary-operations.
    """
    video_id = await uploaded(api, content)
    summary = (await api.send("POST", "/summaries", json={"videoId": video_id})).json
    assert (summary["origin"], summary["sourceStatus"]) == ("api", "missing")
    path = f"/summaries/{summary['summaryId']}/source"
    assert (await api.send("GET", path)).status == 404
    reply = await api.send(
        "PATCH", path, json={"abstract": "By hand", "takeaways": ["a", "b", "c"]}
    )
    assert (reply.status, reply.json) == (
        201,
        {"abstract": "By hand", "takeaways": ["a", "b", "c"]},
    )
    assert (await one(api, video_id))["sourceStatus"] == "completed"
    assert (await api.send("PATCH", path, json={"takeaways": []})).json == {
        "abstract": "By hand",
        "takeaways": [],
    }
    wrong = await api.send("PATCH", path, json={"takeaways": ["a"] * 4})
    assert (wrong.status, wrong.json["detail"]) == (
        400,
        "This collection should contain 3 elements or less.",
    )


async def test_one_summary_per_video(api, content):
    """A second summary is refused with 409, by creation and by update, until the first is deleted.

    See service.md#summaries.
    """
    video_id = await uploaded(
        api, content, transcriptSummary=True, transcriptSummaryAttributes=["abstract"]
    )
    summary = await one(api, video_id)
    assert (summary["origin"], summary["sourceStatus"]) == ("auto", "completed")
    assert set((await api.send("GET", f"/summaries/{summary['summaryId']}/source")).json) == {
        "abstract"
    }
    again = await api.send("POST", "/summaries", json={"videoId": video_id})
    assert (again.status, again.json["name"]) == (409, "videoId")
    assert again.json["detail"] == "You can delete the existing summary and generate a new one."
    again = await api.send(
        "PATCH", f"/videos/{video_id}", json={"title": "new", "transcriptSummary": True}
    )
    assert (again.status, again.json["name"]) == (409, "transcriptSummary")
    assert (await api.send("GET", f"/videos/{video_id}")).json["title"] != "new"
    assert (await api.send("DELETE", f"/summaries/{summary['summaryId']}/source")).status == 405
    assert (await api.send("DELETE", f"/summaries/{summary['summaryId']}")).status == 204
    assert (await api.send("DELETE", f"/summaries/{summary['summaryId']}")).status == 404
    assert (
        await api.send("PATCH", f"/videos/{video_id}", json={"transcriptSummary": True})
    ).status == 200
    assert (await one(api, video_id))["sourceStatus"] == "completed"
    await api.send("DELETE", f"/videos/{video_id}")
    assert (await api.send("GET", "/summaries")).json["data"] == []


async def test_summaries_are_filtered_and_sorted(api, content):
    first, second = await uploaded(api, content), await uploaded(api, content)
    for video_id, more in ((first, {}), (second, {"origin": "auto"})):
        await api.send("POST", "/summaries", json={"videoId": video_id, **more})

    async def videos(query: str) -> list[str]:
        return [
            item["videoId"] for item in (await api.send("GET", f"/summaries?{query}")).json["data"]
        ]

    assert await videos("") == [second, first]
    assert await videos("origin=api") == [first]
    assert await videos("sourceStatus=completed") == [second]
    assert await videos("sourceStatus=completed&origin=api") == []
    for wrong in ("origin=hand", "sourceStatus=done"):
        assert (
            await api.send("GET", f"/summaries?{wrong}")
        ).slug == "request-invalid-query-parameter"
    assert await videos("sortBy=videoId") == sorted([first, second])
    assert await videos("sortBy=createdAt&sortOrder=asc") == [first, second]
    assert await videos("sortBy=updatedAt&sortOrder=desc") == [second, first]


async def test_refused_summaries(api):
    video_id = await api.create()
    assert (await api.send("POST", "/summaries", json={})).slug == "attribute-required"
    assert (await api.send("POST", "/summaries", json={"videoId": "vi0"})).json["name"] == "videoId"
    for wrong in ({"origin": "api"}, {"attributes": ["title"]}):
        reply = await api.send("POST", "/summaries", json={"videoId": video_id, **wrong})
        assert (reply.status, reply.slug) == (400, "invalid-attribute")


async def test_a_transcript_becomes_a_caption(api, content):
    """Its language is the one that was set or detected. Another language adds another caption.

    See service.md#transcripts.
    """
    video_id = await uploaded(api, content, title="Été", transcript=True)

    async def languages() -> list[str]:
        data = (await api.send("GET", f"/videos/{video_id}/captions")).json["data"]
        return [caption["srclang"] for caption in data]

    video = (await api.send("GET", f"/videos/{video_id}")).json
    assert (video["language"], video["languageOrigin"]) == ("en", "auto")
    assert await languages() == ["en"]
    assert (
        "Été".encode()
        in (await api.send("GET", f"/vod/{video_id}/captions/en.vtt", auth=False)).body
    )
    video = (await api.send("PATCH", f"/videos/{video_id}", json={"language": "fr"})).json
    assert (video["language"], video["languageOrigin"]) == ("fr", "api")
    assert await languages() == ["en", "fr"]
    assert [event["type"] for event in api.emu.events].count("video.caption.generated") == 2


async def test_events_follow_the_encoding(start, content):
    """Each quality, the transcript and the summary are announced once, in this order.

    See service.md#webhook-events.
    """
    api = await start(encoding="polls:4")
    video_id = await uploaded(api, content, transcript=True, transcriptSummary=True, language="fr")
    counts = []
    for _ in range(14):
        await api.status(video_id)
        counts.append(len(api.emu.events))
    assert counts == [0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 7, 7, 7, 7]
    events = api.emu.events
    assert {event["videoId"] for event in events} == {video_id}
    assert [(event["encoding"], event["quality"]) for event in events[:5]] == [
        ("hls", "240p"),
        ("mp4", "720p"),
        ("hls", "360p"),
        ("hls", "480p"),
        ("hls", "720p"),
    ]
    caption, summary = events[5:]
    assert (caption["type"], caption["generationMode"], caption["language"]) == (
        "video.caption.generated",
        "transcript",
        "fr",
    )
    assert caption["captionId"].startswith("caption_")
    assert (summary["type"], summary["summaryId"]) == (
        "video.summary.generated",
        (await one(api, video_id))["summaryId"],
    )


class Clock:
    """A clock that only the test sets forward, and that wakes tasks that sleep until then."""

    def __init__(self) -> None:
        self.time = 0.0
        self.changed = asyncio.Condition()

    async def sleep(self, seconds: float) -> None:
        due = self.time + seconds
        async with self.changed:
            await self.changed.wait_for(lambda: self.time >= due)

    async def set(self, seconds: float) -> None:
        async with self.changed:
            self.time = seconds
            self.changed.notify_all()


async def test_events_follow_the_clock(start, content, monkeypatch):
    """With a pace in seconds events need no status read. A deleted video has no events."""
    clock = Clock()
    monkeypatch.setattr(State, "now", property(lambda state: clock.time))
    monkeypatch.setattr(processing, "asyncio", SimpleNamespace(sleep=clock.sleep))
    api = await start(encoding=8)
    video_id = await uploaded(api, content, transcript=True)
    deleted = await uploaded(api, content)
    await clock.set(7.9)
    await api.send("DELETE", f"/videos/{deleted}")
    assert api.emu.events == []
    for seconds, count in ((8, 1), (10, 2), (16, 5), (18, 6)):
        await clock.set(seconds)
        async with asyncio.timeout(60):
            while len(api.emu.events) < count:
                await asyncio.sleep(0.001)
        assert len(api.emu.events) == count
    await clock.set(20)
    await asyncio.wait_for(api.emu.settled(), 60)
    assert len(api.emu.events) == 6
    assert {event["videoId"] for event in api.emu.events} == {video_id}
