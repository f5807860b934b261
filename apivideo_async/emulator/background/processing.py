"""Process a video after its source is complete: qualities, transcript and summary, with events.

The encoding pace determines when each stage is due (service.md#encoding-status). ``perform_due`` is
called when the source is complete, at each status read, after changes of the video, and by a timer.
"""

import asyncio
from typing import Any

from ..rules import encoding
from ..rules.problems import summary_exists
from ..state.items import TextTrack
from ..state.records import SUMMARY_PARTS, Summary
from ..state.state import State
from ..state.video import Video

__all__ = ["create_summary", "perform_due", "request_summary", "start"]

_DETECTED_LANGUAGE = "en"


def start(state: State, video: Video) -> None:
    """Start the encoding. Called once the source is complete."""
    video.finished_at = state.now
    perform_due(state, video)
    if state.settings.encoding_pace.seconds:
        state.spawn(_perform_at_due_times(state, video, video.finished_at))


async def _perform_at_due_times(state: State, video: Video, started: float) -> None:
    for stage in encoding.STAGES:
        # Counted from the start of the encoding, so that delays do not add up.
        due = started + stage * state.settings.encoding_pace.seconds
        await asyncio.sleep(due - state.now)
        perform_due(state, video)


def perform_due(state: State, video: Video) -> None:
    """Perform the stages that have become due since the last call."""
    # The video was deleted while the timer was waiting.
    if video.id not in state.videos:
        return
    progress = video.progress(state.settings.encoding_pace, state.now)
    live = {} if video.live_stream_id is None else {"liveStreamId": video.live_stream_id}
    for kind, quality in encoding.encoded_qualities(progress)[video.announced_qualities :]:
        video.announced_qualities += 1
        fields = {"videoId": video.id, "encoding": kind, "quality": quality, **live}
        state.announce("video.encoding.quality.completed", video.id, fields)
    if progress >= encoding.TRANSCRIPT_FINISHED and video.attributes.get("transcript"):
        _transcribe(state, video)
    if progress >= encoding.SUMMARY_FINISHED:
        _write_summary(state, video)


def _transcribe(state: State, video: Video) -> None:
    """Add a caption if the language was not transcribed before (service.md#transcripts)."""
    language = video.attributes.get("language") or _DETECTED_LANGUAGE
    if video.transcript_language == language:
        return
    if "language" not in video.attributes:
        video.detected_language = language
    video.transcript_language = language
    text = f"WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nTranscript of {video.attributes['title']}\n"
    # The transcript replaces the text of an uploaded caption in the same language.
    video.captions.setdefault(language, TextTrack(language)).data = text.encode()
    fields = {
        "videoId": video.id,
        "captionId": state.ids.opaque("caption_"),
        "generationMode": "transcript",
        "language": language,
    }
    state.announce("video.caption.generated", video.id, fields)


def create_summary(state: State, video: Video, parts: tuple[str, ...], *, auto: bool) -> Summary:
    """Create a summary. It waits for the encoding (``auto``), or for a text of the client."""
    summary = Summary(
        **state.item_fields("summary_"),
        video_id=video.id,
        origin="auto" if auto else "api",
        status="waiting" if auto else "missing",
        parts=parts,
    )
    return state.summaries.add(summary)


def request_summary(state: State, video: Video, attributes: dict[str, Any]) -> None:
    """Create the summary if asked for (service.md#summaries). A second one is refused (409)."""
    if not attributes.get("transcriptSummary"):
        return
    if state.summary_of(video) is not None:
        raise summary_exists("transcriptSummary")
    parts = tuple(attributes.get("transcriptSummaryAttributes") or SUMMARY_PARTS)
    create_summary(state, video, parts, auto=True)


def _write_summary(state: State, video: Video) -> None:
    summary = state.summary_of(video)
    if summary is None or summary.status != "waiting":
        return
    title = video.attributes["title"]
    texts: dict[str, Any] = {
        "abstract": f"A video about {title}.",
        "takeaways": [f"It is about {title}."],
    }
    summary.source = {part: texts[part] for part in summary.parts}
    summary.status = "completed"
    summary.touch(state.utc_now)
    fields = {"videoId": video.id, "summaryId": summary.id}
    state.announce("video.summary.generated", video.id, fields)
