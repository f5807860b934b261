"""Which small files are taken, pictures and text tracks, and how they are kept. No I/O.

See service.md#thumbnails, service.md#text-tracks.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from .form_parser import Form
from .problems import refuse
from .upload_problems import upload_problem

JPEG = {"jpg": "image/jpeg", "jpeg": "image/jpeg"}
PNG = {"png": "image/png"}
WEBP = {"webp": "image/webp"}
VTT = {"vtt": "text/vtt"}


class StoredFile(NamedTuple):
    """The bytes of a file and its media type."""

    data: bytes
    content_type: str


@dataclass(frozen=True, slots=True)
class FileRule:
    """Which files an operation takes: `types` by extension, at most `max_size` bytes.

    `listed` is how the refusal spells the extensions, which differs from operation to operation and from what
    is accepted (service.md#file-extensions).
    """

    types: Mapping[str, str]
    listed: str
    max_size: float = math.inf

    def type_of(self, form: Form) -> str:
        """Return the media type, told by the extension or by the part's type; refuse others."""
        by_extension = self.types.get(form.filename.rpartition(".")[2].lower())
        if by_extension is not None:
            return by_extension
        if form.content_type in self.types.values():
            return form.content_type
        title = f"Only {self.listed} extensions are supported."
        raise refuse(400, "uploaded-file-extension-invalid", title, name="file")


@dataclass(slots=True)
class SmallFile:
    """Keeps a file in memory, and only counts what is over the limit."""

    max_size: float
    data: bytearray = field(default_factory=bytearray)
    size: int = 0

    def write(self, view: memoryview) -> None:
        """Take the next bytes."""
        self.size += len(view)
        if self.size <= self.max_size:
            self.data += view

    def check(self) -> None:
        """Refuse an empty or too large file."""
        if self.size == 0:
            raise upload_problem("uploaded-file-empty")
        if self.size > self.max_size:
            raise upload_problem("uploaded-file-too-large")
