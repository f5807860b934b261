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
from ..state.state import State
from ..state.summary import PARTS, Summary
from ..state.video import Video

_SPOKEN = "en"
"""The language that the emulator detects when the video has no ``language``."""


def begin(state: State, video: Video) -> None:
    """Start the encoding. Called once the source is complete."""
    video.finished_at = state.now
    notice(state, video)
    if state.settings.pace.seconds:
        state.spawn(_follow(state, video))


async def _follow(state: State, video: Video) -> None:
    """Call ``notice`` at the time of each stage."""
    for stage in encoding.STAGES:
        # Computed from the start of the encoding, so that delays do not add up.
        due = (video.finished_at or 0.0) + stage * state.settings.pace.seconds
        await asyncio.sleep(due - state.now)
        notice(state, video)


def notice(state: State, video: Video) -> None:
    """Perform all stages that are due and have not been performed before."""
    # The video was deleted while a timer was waiting.
    if video.key not in state.videos:
        return
    progress = video.progress(state.settings.pace, state.now)
    # ``video.announced`` is the number of qualities whose event was already announced.
    for kind, quality in encoding.finished(progress)[video.announced :]:
        video.announced += 1
        fields = {"videoId": video.key, "encoding": kind, "quality": quality}
        state.announce("video.encoding.quality.completed", video.key, fields | _live_stream(video))
    if progress >= encoding.TRANSCRIBED and video.attributes.get("transcript"):
        _transcribe(state, video)
    if progress >= encoding.SUMMARISED:
        _summarise(state, video)


def _live_stream(video: Video) -> dict[str, str]:
    return {} if video.live_stream_id is None else {"liveStreamId": video.live_stream_id}


def _transcribe(state: State, video: Video) -> None:
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
    caption = {
        "captionId": state.ids.opaque("caption_"),
        "generationMode": "transcript",
        "language": language,
    }
    state.announce("video.caption.generated", video.key, {"videoId": video.key, **caption})


def summary_of(state: State, video: Video) -> Summary | None:
    """Return the summary of a video, or None. A video has at most one summary."""
    return next(
        (summary for summary in state.summaries.values() if summary.video_id == video.key), None
    )


def order_summary(state: State, video: Video, parts: tuple[str, ...], *, auto: bool) -> Summary:
    """Create a summary.

    With ``auto`` it waits for the encoding of the video, otherwise for a text that the client
    writes.
    """
    return state.summaries.add(
        Summary(
            **state.birth("summary_"),
            video_id=video.key,
            origin="auto" if auto else "api",
            status="waiting" if auto else "missing",
            parts=parts,
        )
    )


def order_from_attributes(state: State, video: Video, attributes: dict[str, Any]) -> None:
    """Create the summary that ``transcriptSummary`` in a creation or an update asks for.

    Raises a refusal (409) if the video already has a summary. See service.md#summaries.
    """
    if attributes.get("transcriptSummary"):
        if summary_of(state, video) is not None:
            raise summary_exists("transcriptSummary")
        order_summary(
            state, video, tuple(attributes.get("transcriptSummaryAttributes") or PARTS), auto=True
        )


def _summarise(state: State, video: Video) -> None:
    summary = summary_of(state, video)
    if summary is None or summary.status != "waiting":
        return
    title = video.attributes["title"]
    written: dict[str, Any] = {
        "abstract": f"A video about {title}.",
        "takeaways": [f"It is about {title}."],
    }
    summary.source = {part: written[part] for part in summary.parts}
    summary.status = "completed"
    summary.touch(state.today)
    state.announce(
        "video.summary.generated", video.key, {"videoId": video.key, "summaryId": summary.key}
    )
