"""What happens to a video once its source is there: qualities, a transcript, a summary, each with its event.

The pace of the encoding decides when (service.md#encoding-status). `notice` looks how far a video is and does what has
become due; it is called when the source is complete, at each status read, and by the clock.
"""

from __future__ import annotations

import asyncio
from typing import Any

from ..rules import encoding
from ..rules.problems import summary_exists
from ..rules.text_track import TextTrack
from ..state.state import World
from ..state.summary import PARTS, Summary
from ..state.video import Video

_SPOKEN = "en"
"""The language that is detected where none is given."""


def begin(world: World, video: Video) -> None:
    """The source is complete: from now on it is encoded."""
    video.finished_at = world.now
    notice(world, video)
    if world.settings.pace.seconds:
        world.spawn(_follow(world, video))


async def _follow(world: World, video: Video) -> None:
    """Notice every stage at its time."""
    for stage in encoding.STAGES:
        due = (video.finished_at or 0.0) + stage * world.settings.pace.seconds
        await asyncio.sleep(due - world.now)
        notice(world, video)


def notice(world: World, video: Video) -> None:
    """Do what is due; what was done is not done again."""
    if video.key not in world.videos:
        return
    progress = video.progress(world.settings.pace, world.now)
    for kind, quality in encoding.finished(progress)[video.announced :]:
        video.announced += 1
        fields = {"videoId": video.key, "encoding": kind, "quality": quality}
        world.announce("video.encoding.quality.completed", video.key, fields | _live_stream(video))
    if progress >= encoding.TRANSCRIBED and video.attributes.get("transcript"):
        _transcribe(world, video)
    if progress >= encoding.SUMMARISED:
        _summarise(world, video)


def _live_stream(video: Video) -> dict[str, str]:
    return {} if video.live_stream_id is None else {"liveStreamId": video.live_stream_id}


def _transcribe(world: World, video: Video) -> None:
    """Add a caption in the language of the video; a change of that language makes another one.

    See service.md#transcripts.
    """
    language = video.attributes.get("language") or _SPOKEN
    if video.transcript == language:
        return
    if "language" not in video.attributes:
        video.detected = language
    video.transcript = language
    text = f"WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nTranscript of {video.attributes['title']}\n"
    video.captions.setdefault(language, TextTrack(language)).data = text.encode()
    caption = {"captionId": world.ids.opaque("caption_"), "generationMode": "transcript", "language": language}
    world.announce("video.caption.generated", video.key, {"videoId": video.key, **caption})


def summary_of(world: World, video: Video) -> Summary | None:
    """Return the summary of a video; there is one at most."""
    return next((summary for summary in world.summaries.values() if summary.video_id == video.key), None)


def order_summary(world: World, video: Video, parts: tuple[str, ...], *, auto: bool) -> Summary:
    """Make a summary that waits for the video, or for a text written by hand."""
    return world.summaries.add(
        Summary(
            **world.birth("summary_"),
            video_id=video.key,
            origin="auto" if auto else "api",
            status="waiting" if auto else "missing",
            parts=parts,
        )
    )


def order_from_attributes(world: World, video: Video, attributes: dict[str, Any]) -> None:
    """Do what `transcriptSummary` asks for in a creation or an update; a second summary is a 409.

    See service.md#summaries.
    """
    if attributes.get("transcriptSummary"):
        if summary_of(world, video) is not None:
            raise summary_exists("transcriptSummary")
        order_summary(world, video, tuple(attributes.get("transcriptSummaryAttributes") or PARTS), auto=True)


def _summarise(world: World, video: Video) -> None:
    summary = summary_of(world, video)
    if summary is None or summary.status != "waiting":
        return
    title = video.attributes["title"]
    written: dict[str, Any] = {"abstract": f"A video about {title}.", "takeaways": [f"It is about {title}."]}
    summary.source = {part: written[part] for part in summary.parts}
    summary.status = "completed"
    summary.touch(world.today)
    world.announce("video.summary.generated", video.key, {"videoId": video.key, "summaryId": summary.key})
