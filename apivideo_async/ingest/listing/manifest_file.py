"""Opens a manifest: a file, a pipe or the standard input, in the encodings of spreadsheets.

A manifest is read twice, first to check it. A pipe can be read once, so it is copied.
"""

import codecs
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import IO, Final, TextIO

from attrs import frozen

from ...errors import ManifestError
from ...uploads.sources.threads import in_thread

__all__ = ["Manifest", "given_manifest", "not_utf8", "open_manifest", "open_text"]

STDIN: Final = "-"
UTF8: Final = "utf-8-sig"
_HEAD: Final = 4096
"""Bytes from which the encoding is recognised."""
_BOMS: Final = (
    # The mark of UTF-32 starts with that of UTF-16.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SIGNATURES: Final = (
    (b"PK\x03\x04", "a workbook (.xlsx, .ods) or ZIP file: export the sheet as CSV"),
    (b"\xd0\xcf\x11\xe0", "an Excel workbook (.xls): export the sheet as CSV"),
    (b"\x1f\x8b", "compressed with gzip: unpack it first"),
    (b"%PDF", "a PDF file"),
)


@frozen(kw_only=True)
class Manifest:
    """A manifest that can be read repeatedly; made by :func:`open_manifest`."""

    path: Path
    """The file, or the copy of a pipe."""
    folder: Path
    """The folder to which paths in the manifest are relative."""
    name: str
    """The name in messages."""

    @property
    def suffix(self) -> str:
        """The extension in lower case; empty for a pipe."""
        return Path(self.name).suffix.lower()

    def error(self, reason: object) -> ManifestError:
        """Return an error that concerns the whole manifest."""
        return ManifestError(f"the manifest {self.name} {reason}")


def given_manifest(given: str | os.PathLike[str] | Manifest) -> Manifest:
    """Return the manifest at a path, which must be a file that can be read again.

    Raises ``ManifestError`` for a pipe, the standard input, or a device.
    """
    if isinstance(given, Manifest):
        return given
    path = Path(given)
    manifest = Manifest(path=path, folder=path.parent, name=str(path))
    kind = _kind(manifest)
    if _is_pipe(kind):
        raise manifest.error("is a pipe, which can be read only once: use open_manifest()")
    if not stat.S_ISREG(kind) and not stat.S_ISDIR(kind):
        raise manifest.error("is a device, not a file")
    return manifest


@asynccontextmanager
async def open_manifest(given: str | os.PathLike[str] | Manifest) -> AsyncGenerator[Manifest, None]:
    """Make a manifest that ``check_manifest`` and ``read_manifest`` can read, one after the other.

    ``-`` is the standard input. The content of a pipe is copied to a temporary file, which is
    removed at the end of the block. Paths in a manifest are relative to its folder; in the standard
    input, they are relative to the current folder. Raises ``ManifestError``.
    """
    if isinstance(given, Manifest):
        yield given
        return
    if os.fspath(given) == STDIN:
        manifest = Manifest(path=Path(STDIN), folder=Path(), name="standard input")
    else:
        path = Path(given)
        # `/dev/stdin` and the `/dev/fd/63` of a shell are in no folder of the user.
        is_device = path.is_absolute() and path.parts[1:2] in (("dev",), ("proc",))
        folder = Path() if is_device else path.parent
        manifest = Manifest(path=path, folder=folder, name=str(path))
        if not _is_pipe(_kind(manifest)):
            yield given_manifest(given)
            return
    copy = await in_thread(_copied, manifest, unwanted=_remove)
    try:
        yield Manifest(path=copy, folder=manifest.folder, name=manifest.name)
    finally:
        _remove(copy)


def _kind(manifest: Manifest) -> int:
    try:
        return manifest.path.stat().st_mode
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise manifest.error(f"cannot be read: {reason}") from None


def _is_pipe(kind: int) -> bool:
    return stat.S_ISFIFO(kind) or stat.S_ISSOCK(kind)


def _copied(manifest: Manifest) -> Path:
    path: Path | None = None
    try:
        with _opened(manifest) as source:
            # Only the owner can read the copy, as a manifest may contain signed URLs.
            descriptor, name = tempfile.mkstemp(prefix="apivideo-manifest-")
            path = Path(name)
            with open(descriptor, "wb") as copy:
                shutil.copyfileobj(source, copy)
    except (OSError, ValueError) as error:
        if path is not None:
            _remove(path)
        reason = getattr(error, "strerror", None) or error
        raise manifest.error(f"cannot be copied to a temporary file: {reason}") from None
    return path


@contextmanager
def _opened(manifest: Manifest) -> Generator[IO[bytes], None, None]:
    if str(manifest.path) != STDIN:
        with manifest.path.open("rb") as file:
            yield file
        return
    stream = getattr(sys.stdin, "buffer", None)
    if stream is None:
        raise manifest.error("is closed: pipe the manifest into it")
    if stream.isatty():
        raise manifest.error("is a terminal: pipe the manifest into it, or name a file")
    yield stream


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink()


@contextmanager
def open_text(manifest: Manifest) -> Generator[TextIO, None, None]:
    """Open the manifest as text (blocking).

    Bytes that are not UTF-8 become surrogates, so that their line can be reported
    (:func:`not_utf8`). Raises ``ManifestError`` for a file that cannot be read or is no text.
    """
    try:
        with manifest.path.open("rb") as file:
            encoding = _encoding(manifest, file.read(_HEAD))
        errors = "surrogateescape" if encoding == UTF8 else "strict"
        with manifest.path.open(encoding=encoding, errors=errors, newline="") as text:
            yield text
    except UnicodeError as error:
        raise manifest.error(f"is not valid {encoding.upper()}: {error}") from None
    except OSError as error:
        raise manifest.error(f"cannot be read: {error.strerror or error}") from None


def _encoding(manifest: Manifest, head: bytes) -> str:
    for mark, encoding in _BOMS:
        if head.startswith(mark):
            return encoding
    for signature, description in _SIGNATURES:
        if head.startswith(signature):
            raise manifest.error(f"is {description}")
    if b"\0" not in head:
        return UTF8
    # UTF-16 without a mark: manifests start with ASCII, whose other bytes are zero.
    if head[1:4:2] == b"\0\0" and b"\0" not in head[0:4:2]:
        return "utf-16-le"
    if head[0:4:2] == b"\0\0" and b"\0" not in head[1:4:2]:
        return "utf-16-be"
    raise manifest.error("is not a text file: a manifest is JSONL, a JSON array, or CSV")


def not_utf8(text: str) -> str | None:
    """Describe the first bytes of a text that are not UTF-8; None if there are none.

    ``text`` was read by :func:`open_text`.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        at = error.start
    else:
        return None
    problem = "is not UTF-8"
    start = max(text.rfind(mark, 0, at) for mark in ' \t,;"') + 1
    word = text[max(start, at - 20) : at + 20].split()[0]
    with suppress(UnicodeError):
        # The encoding of "CSV" in Excel, on most machines. An undefined byte raises an error.
        ansi = word.encode("utf-8", "surrogateescape").decode("cp1252")
        problem += f': in Windows-1252, the encoding of "CSV" in Excel, it reads {ansi!r}'
    return f'{problem}: save the sheet as "CSV UTF-8", or convert the file (iconv -f CP1252)'
