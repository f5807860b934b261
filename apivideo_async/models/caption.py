"""Captions of a video, one WebVTT file per language (service.md#text-tracks)."""

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

__all__ = ["Caption"]


@frozen(kw_only=True)
class Caption:
    """The captions of one language."""

    uri: str | None = None
    """Path of this resource."""
    src: str | None = None
    """Address of the file."""
    srclang: str | None = None
    """Language tag, such as ``fr`` or ``fr-BE``; a chapter calls it ``language``."""
    language_name: str | None = None
    """The language's own name for itself."""
    default: bool | None = None
    """Whether players show it unasked."""
    extra: Mapping[str, Any] = field(factory=dict)
