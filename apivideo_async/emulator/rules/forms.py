"""Multipart forms: parse them while they arrive, and check the files that they contain.

See service.md#multipart-bodies, service.md#thumbnails, service.md#text-tracks.
"""

import math
from collections.abc import Callable, Mapping
from typing import Protocol

from attrs import define, field, frozen
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from .problems import refuse

__all__ = [
    "JPEG",
    "PNG",
    "VTT",
    "WEBP",
    "FileRule",
    "FileSink",
    "Form",
    "FormParser",
    "FormParserError",
    "SmallFile",
    "boundary_of",
]

# The largest size of a form field in bytes. It bounds the memory for a field.
_MAX_FIELD = 64 * 1024

# Media types by file extension.
JPEG = {"jpg": "image/jpeg", "jpeg": "image/jpeg"}
PNG = {"png": "image/png"}
WEBP = {"webp": "image/webp"}
VTT = {"vtt": "text/vtt"}


class FileSink(Protocol):
    """Receives the bytes of a file."""

    def write(self, view: memoryview) -> None:
        """Process the next bytes. The view is valid only during the call."""


@define
class Form:
    """The fields by name, the number of files, and name and content type of the first file."""

    fields: dict[str, str] = field(factory=dict)
    files: int = 0
    filename: str = ""
    content_type: str = ""

    def check_one_file(self) -> None:
        """Raise a refusal if there is no file or several files (service.md#upload-errors)."""
        if self.files == 0:
            raise refuse("uploaded-file-no-file")
        if self.files > 1:
            raise refuse("uploaded-file-multiple-files")


def boundary_of(content_type: str | None) -> bytes | None:
    """Return the boundary of a ``multipart/form-data`` content type, None for any other type."""
    kind, options = parse_options_header(content_type)
    return (options.get(b"boundary") or None) if kind == b"multipart/form-data" else None


class FormParser:
    """Incremental parser of one form. ``ended`` is true after the closing boundary.

    ``open_file`` is called when the first file begins, with the form so far, and returns the sink
    for the file. Further files are counted and dropped.
    """

    def __init__(self, boundary: bytes, open_file: Callable[[Form], FileSink]) -> None:
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._part_begins,
                "on_header_field": self._header_name_data,
                "on_header_value": self._header_value_data,
                "on_header_end": self._header_ends,
                "on_headers_finished": self._headers_finished,
                "on_part_data": self._part_data,
                "on_part_end": self._part_ends,
                "on_end": self._form_ends,
            },
        )
        self._open_file = open_file
        self._sink: FileSink | None = None
        self._in_file = False
        self._headers: dict[bytes, bytes] = {}
        self._header_name = b""
        self._header_value = b""
        self._field_name = ""
        self._field_value = bytearray()
        self.form: Form = Form()
        self.ended: bool = False

    def feed(self, data: bytes) -> None:
        """Parse the next block of the body. Raises ``FormParserError`` if it is malformed."""
        self._parser.write(data)

    def _part_begins(self) -> None:
        self._headers = {}

    def _header_name_data(self, data: bytes, start: int, end: int) -> None:
        # A name or value may be split between two blocks, so its pieces are appended.
        self._header_name += data[start:end]

    def _header_value_data(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _header_ends(self) -> None:
        self._headers[self._header_name.lower()] = self._header_value
        self._header_name = b""
        self._header_value = b""

    def _headers_finished(self) -> None:
        disposition = self._headers.get(b"content-disposition", b"").decode("latin-1")
        _, options = parse_options_header(disposition)
        # A part with a file name is a file, any other part is a field.
        filename = options.get(b"filename")
        if filename is None:
            self._field_name = options.get(b"name", b"").decode("utf-8", "replace")
            self._field_value.clear()
            return
        self._in_file = True
        self.form.files += 1
        # Only the first file has a sink. Callers refuse a form with several files at its end.
        if self.form.files == 1:
            self.form.filename = filename.decode("utf-8", "replace")
            content_type = self._headers.get(b"content-type", b"").decode("latin-1")
            self.form.content_type = content_type.lower()
            self._sink = self._open_file(self.form)

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if self._in_file:
            if self._sink is not None:
                # A view avoids copying the block.
                self._sink.write(memoryview(data)[start:end])
        elif len(self._field_value) + end - start > _MAX_FIELD:
            raise FormParserError("A form field is too long.")
        else:
            self._field_value += data[start:end]

    def _part_ends(self) -> None:
        if self._in_file:
            self._in_file = False
            self._sink = None
        else:
            self.form.fields[self._field_name] = self._field_value.decode("utf-8", "replace")

    def _form_ends(self) -> None:
        self.ended = True


@frozen
class FileRule:
    """The files that an operation accepts: ``types`` by extension, and at most ``max_size`` bytes.

    ``listed_extensions`` is the list of extensions in the refusal (service.md#file-extensions).
    """

    types: Mapping[str, str]
    listed_extensions: str
    max_size: float = math.inf

    def check(self, form: Form, size: int) -> str:
        """Return the media type of the file. Raises a refusal for a wrong count, type or size."""
        form.check_one_file()
        media_type = self.types.get(form.filename.rpartition(".")[2].lower(), form.content_type)
        if media_type not in self.types.values():
            title = f"Only {self.listed_extensions} extensions are supported."
            raise refuse("uploaded-file-extension-invalid", title=title)
        if size == 0:
            raise refuse("uploaded-file-empty")
        if size > self.max_size:
            raise refuse("uploaded-file-too-large")
        return media_type


@define
class SmallFile:
    """Keeps a file in memory. Bytes above ``max_size`` are counted and dropped."""

    max_size: float
    data: bytearray = field(factory=bytearray)
    size: int = 0

    def write(self, view: memoryview) -> None:
        self.size += len(view)
        if self.size <= self.max_size:
            self.data += view
