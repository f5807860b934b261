"""Chapters of a video, one WebVTT file per language (service.md#text-tracks)."""

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

__all__ = ["Chapter"]


@frozen(kw_only=True)
class Chapter:
    """The chapters of one language."""

    uri: str | None = None
    """Path of this resource."""
    src: str | None = None
    """URL of the file."""
    language: str | None = None
    """Language tag (BCP 47). ``Caption`` calls it ``srclang``."""
    extra: Mapping[str, Any] = field(factory=dict)
