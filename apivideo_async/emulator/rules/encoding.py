"""How far a finished upload is encoded: an arithmetic of progress, no encoder (service.md#encoding-status).

Progress 1.0 is the moment the first quality is finished and the video becomes playable; each further
quality takes a quarter of that time more.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

QUALITIES: tuple[tuple[str, str], ...] = (
    ("hls", "240p"),
    ("mp4", "720p"),
    ("hls", "360p"),
    ("hls", "480p"),
    ("hls", "720p"),
)
_STEP = 0.25
TRANSCRIBED = 1 + len(QUALITIES) * _STEP
SUMMARISED = TRANSCRIBED + _STEP
STAGES = tuple(1 + place * _STEP for place in range(len(QUALITIES) + 2))
"""The progress at which something happens: each quality, the transcript, the summary."""

_BIT_RATE = 802.5


@dataclass(frozen=True, slots=True)
class EncodingPace:
    """How the emulator encodes: at once, by the clock, or by the number of status reads."""

    seconds: float = 0.0
    polls: int = 0

    def progress(self, elapsed: float, reads: int) -> float:
        """Progress of a video `elapsed` seconds after its upload and after `reads` answered status reads."""
        if self.polls:
            return reads / self.polls
        return elapsed / self.seconds if self.seconds else math.inf


def parse_pace(setting: str | float) -> EncodingPace:
    """Read the setting: "immediate", a number of seconds, or "polls:N"."""
    if setting == "immediate":
        return EncodingPace()
    try:
        if isinstance(setting, str) and setting.startswith("polls:"):
            return EncodingPace(polls=max(0, int(setting.removeprefix("polls:"))))
        seconds = float(setting)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise ValueError(f'encoding is "immediate", seconds or "polls:N", not {setting!r}')
    return EncodingPace(seconds=seconds)


def playable(progress: float) -> bool:
    """Whether the first quality is finished (service.md#encoding-status)."""
    return progress >= 1


def finished(progress: float) -> list[tuple[str, str]]:
    """Return the qualities that are encoded, in the order in which they were finished."""
    return [each for place, each in enumerate(QUALITIES) if _quality_status(place, progress) == "encoded"]


def stream_metadata(size: int | None) -> dict[str, Any]:
    """Return what the API says of the streams of a source of `size` bytes, null while it is not known.

    Nothing is looked into: the duration is what fits a usual bit rate in kbit/s (service.md#encoding-status).
    """
    known = size is not None
    duration = max(1, round((size or 0) * 8 / 1000 / _BIT_RATE))
    said = {
        "width": 1280,
        "height": 720,
        "bitrate": _BIT_RATE,
        "duration": duration,
        "framerate": 25,
        "samplerate": 48000,
        "videoCodec": "h264",
        "audioCodec": "aac",
        "aspectRatio": "16/9",
    }
    return said if known else dict.fromkeys(said)


def qualities(progress: float) -> list[dict[str, str]]:
    """Return the status of each quality: waiting, encoding, encoded (service.md#encoding-status)."""
    return [
        {"type": kind, "quality": quality, "status": _quality_status(place, progress)}
        for place, (kind, quality) in enumerate(QUALITIES)
    ]


def _quality_status(place: int, progress: float) -> str:
    finished = 1 + place * _STEP
    if progress >= finished:
        return "encoded"
    return "encoding" if progress >= finished - _STEP else "waiting"
