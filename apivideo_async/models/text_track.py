"""Captions and chapters of a video, one WebVTT file per language (service.md#text-tracks)."""

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from ._model import Model

__all__ = [
    "Caption",
    "Chapter",
]


@frozen(kw_only=True)
class Caption(Model):
    """The captions of one language."""

    uri: str | None = None
    """Path of this resource."""
    src: str | None = None
    """URL of the file."""
    srclang: str | None = None
    """Language tag, such as ``fr`` or ``fr-BE``. ``Chapter`` calls it ``language``."""
    language_name: str | None = None
    """Name of the language in that language."""
    default: bool | None = None
    """Whether players show these captions by default."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class Chapter(Model):
    """The chapters of one language."""

    uri: str | None = None
    """Path of this resource."""
    src: str | None = None
    """URL of the file."""
    language: str | None = None
    """Language tag (BCP 47). ``Caption`` calls it ``srclang``."""
    extra: Mapping[str, Any] = field(factory=dict)
