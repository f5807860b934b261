"""One file of captions or chapters."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True, eq=False)
class TextTrack:
    """A WebVTT file in one language. ``default`` is used for captions only."""

    language: str
    data: bytes = b""
    default: bool = False
