"""Process a video after its source is complete: qualities, transcript and summary, with events.

The encoding pace determines when each stage is due (service.md#encoding-status). ``notice``
performs the stages that have become due. It is called when the source is complete, at each status
read, and by a timer.
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
"""The language that the emulator detects when the video has no ``language``."""


def begin(world: World, video: Video) -> None:
    """Start the encoding. Called once the source is complete."""
    video.finished_at = world.now
    notice(world, video)
    if world.settings.pace.seconds:
        world.spawn(_follow(world, video))


async def _follow(world: World, video: Video) -> None:
    """Call ``notice`` at the time of each stage."""
    for stage in encoding.STAGES:
        # Computed from the start of the encoding, so that delays do not add up.
        due = (video.finished_at or 0.0) + stage * world.settings.pace.seconds
        await asyncio.sleep(due - world.now)
        notice(world, video)


def notice(world: World, video: Video) -> None:
    """Perform all stages that are due and have not been performed before."""
    # The video was deleted while a timer was waiting.
    if video.key not in world.videos:
        return
    progress = video.progress(world.settings.pace, world.now)
    # ``video.announced`` is the number of qualities whose event was already announced.
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
    """Add a caption in the language of the video, unless that language was transcribed before.

    A changed language leads to another caption. See service.md#transcripts.
    """
    language = video.attributes.get("language") or _SPOKEN
    if video.transcript == language:
        return
    if "language" not in video.attributes:
        video.detected = language
    video.transcript = language
    text = f"WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nTranscript of {video.attributes['title']}\n"
    # The transcript replaces the text of an uploaded caption in the same language.
    video.captions.setdefault(language, TextTrack(language)).data = text.encode()
    caption = {"captionId": world.ids.opaque("caption_"), "generationMode": "transcript", "language": language}
    world.announce("video.caption.generated", video.key, {"videoId": video.key, **caption})


def summary_of(world: World, video: Video) -> Summary | None:
    """Return the summary of a video, or None. A video has at most one summary."""
    return next((summary for summary in world.summaries.values() if summary.video_id == video.key), None)


def order_summary(world: World, video: Video, parts: tuple[str, ...], *, auto: bool) -> Summary:
    """Create a summary.

    With ``auto`` it waits for the encoding of the video, otherwise for a text that the client
    writes.
    """
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
    """Create the summary that ``transcriptSummary`` in a creation or an update asks for.

    Raises a refusal (409) if the video already has a summary. See service.md#summaries.
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
