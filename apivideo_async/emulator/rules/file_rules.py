"""Rules for small files (pictures and text tracks), and how such files are kept. No I/O.

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
    """The content of a file and its media type."""

    data: bytes
    content_type: str


@dataclass(frozen=True, slots=True)
class FileRule:
    """The files that an operation accepts: ``types`` by extension, at most ``max_size`` bytes.

    ``types`` maps extensions to media types. ``listed`` is the list of extensions in the refusal.
    It differs between operations and from the accepted extensions (service.md#file-extensions).
    """

    types: Mapping[str, str]
    listed: str
    max_size: float = math.inf

    def type_of(self, form: Form) -> str:
        """Return the media type, from the extension or else from the content type of the part.

        Raises a refusal if neither is accepted.
        """
        by_extension = self.types.get(form.filename.rpartition(".")[2].lower())
        if by_extension is not None:
            return by_extension
        if form.content_type in self.types.values():
            return form.content_type
        title = f"Only {self.listed} extensions are supported."
        raise refuse(400, "uploaded-file-extension-invalid", title, name="file")


@dataclass(slots=True)
class SmallFile:
    """Keeps a file in memory. Bytes above ``max_size`` are counted and dropped."""

    max_size: float
    data: bytearray = field(default_factory=bytearray)
    size: int = 0

    def write(self, view: memoryview) -> None:
        """Append the next bytes."""
        self.size += len(view)
        if self.size <= self.max_size:
            self.data += view

    def check(self) -> None:
        """Raise a refusal if the file is empty or too large."""
        if self.size == 0:
            raise upload_problem("uploaded-file-empty")
        if self.size > self.max_size:
            raise upload_problem("uploaded-file-too-large")
