"""The encoding progress of a complete upload, computed without an encoder.

At progress 1.0 the first quality is finished and the video becomes playable. Each further quality
takes 0.25 more. See service.md#encoding-status.
"""

import math
from typing import Any

from attrs import frozen

__all__ = [
    "STAGES",
    "SUMMARY_FINISHED",
    "TRANSCRIPT_FINISHED",
    "EncodingPace",
    "encoded_qualities",
    "parse_pace",
    "playable",
    "qualities",
    "stream_metadata",
]

_QUALITIES = (("hls", "240p"), ("mp4", "720p"), ("hls", "360p"), ("hls", "480p"), ("hls", "720p"))
# The progress between two stages.
_STEP = 0.25
# The transcript follows the last quality, and the summary follows the transcript.
TRANSCRIPT_FINISHED = 1 + len(_QUALITIES) * _STEP
SUMMARY_FINISHED = TRANSCRIPT_FINISHED + _STEP
STAGES = tuple(1 + index * _STEP for index in range(len(_QUALITIES) + 2))
"""The progress values at which a stage is finished: each quality, the transcript, the summary."""
_QUALITY_STAGES = tuple(zip(_QUALITIES, STAGES, strict=False))
# The assumed bit rate of a source in kbit/s.
_BIT_RATE = 802.5


@frozen
class EncodingPace:
    """The seconds, or the number of status reads, until the first quality. Both 0: at once."""

    seconds: float = 0.0
    polls: int = 0

    def progress(self, elapsed: float, reads: int) -> float:
        if self.polls:
            return reads / self.polls
        return elapsed / self.seconds if self.seconds else math.inf


def parse_pace(setting: str | float) -> EncodingPace:
    """Parse ``"immediate"``, a number of seconds, or ``"polls:N"``, else raise ``ValueError``."""
    if setting == "immediate":
        return EncodingPace()
    try:
        if isinstance(setting, str) and setting.startswith("polls:"):
            return EncodingPace(polls=max(0, int(setting.removeprefix("polls:"))))
        seconds = float(setting)
    except ValueError:
        seconds = math.nan
    # NaN stands for a parse error, and fails this comparison.
    if not 0 <= seconds < math.inf:
        raise ValueError(f'encoding is "immediate", seconds or "polls:N", not {setting!r}')
    return EncodingPace(seconds=seconds)


def playable(progress: float) -> bool:
    """Return whether the first quality is finished."""
    return progress >= 1


def qualities(progress: float) -> list[dict[str, str]]:
    """Return the status of each quality: waiting, encoding or encoded."""
    return [
        {"type": kind, "quality": quality, "status": _status(finished, progress)}
        for (kind, quality), finished in _QUALITY_STAGES
    ]


def _status(finished: float, progress: float) -> str:
    if progress >= finished:
        return "encoded"
    # A quality is being encoded during the step before it is finished.
    return "encoding" if progress >= finished - _STEP else "waiting"


def encoded_qualities(progress: float) -> list[tuple[str, str]]:
    """Return type and name of the encoded qualities, the first one first."""
    return [quality for quality, finished in _QUALITY_STAGES if progress >= finished]


def stream_metadata(size: int | None) -> dict[str, Any]:
    """Return ``metadata`` for ``size`` bytes at a usual bit rate. Without a size, all are None."""
    metadata = {
        "width": 1280,
        "height": 720,
        "bitrate": _BIT_RATE,
        "duration": max(1, round((size or 0) * 8 / 1000 / _BIT_RATE)),
        "framerate": 25,
        "samplerate": 48000,
        "videoCodec": "h264",
        "audioCodec": "aac",
        "aspectRatio": "16/9",
    }
    return dict.fromkeys(metadata) if size is None else metadata
