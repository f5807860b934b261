"""The two types of sources, and the checks of the blocks that they yield.

Concurrent chunks cannot share one handle with ``seek`` and ``read``, so there are two types:

- a :class:`Source` is read by position, by several chunks at once, and again for a retry;
- a :class:`Stream` is read once, in order. The engine buffers the bytes that it may send again.

A transport may keep a reference to a block until it is sent, so a block must not change while any
object holds it. Otherwise a request would contain the bytes of another block.
"""

import mimetypes
import os
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable
from typing import IO, Any, Protocol, TypeAlias, runtime_checkable

from ...errors import ApiVideoError, SourceError

__all__ = [
    "BLOCK",
    "DEFAULT_NAME",
    "AsyncReadable",
    "Block",
    "Source",
    "SourceLike",
    "Stream",
    "content_type",
    "guarded_blocks",
    "not_bytes",
    "valid_name",
]

BLOCK = 256 * 1024
"""Bytes read and written at once."""
DEFAULT_NAME = "video"
"""File name of a source without a name."""

Block: TypeAlias = bytes | bytearray | memoryview

CONTENT_TYPES = {
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".mov": "video/quicktime",
    ".mkv": "video/x-matroska",
    ".webm": "video/webm",
    ".avi": "video/x-msvideo",
    ".mpg": "video/mpeg",
    ".ts": "video/mp2t",
}
"""Types of common videos. The system's table differs between machines and is slow to load."""


@runtime_checkable
class AsyncReadable(Protocol):
    """An object with ``async read(n)``, such as an upload object of a web framework."""

    def read(self, size: int, /) -> Awaitable[bytes]:
        """Return up to ``size`` bytes, or no bytes at the end."""
        ...


class Source(ABC):
    """Bytes of known size, read by position. Subclass it for your own storage.

    Several chunks may call ``read`` at the same time. A retry reads the same range again.
    """

    name: str = DEFAULT_NAME
    """File name that is sent to the server."""
    size: int = 0
    """Total size in bytes."""

    @property
    def stuck(self) -> bool:
        """True while reads do not return: other uploads then use the capacity of this one."""
        return False

    @abstractmethod
    def read(self, start: int, size: int) -> AsyncIterator[bytes | bytearray | memoryview]:
        """Yield exactly ``size`` bytes from offset ``start`` in blocks, each a new object."""

    async def fingerprint(self) -> dict[str, Any] | None:
        """Return a description that identifies the content later, or None to use no journal."""
        return None

    async def aclose(self) -> None:
        """Release the resources of the source."""


class Stream(ABC):
    """Bytes that can be read once, in order, and whose total size is normally unknown."""

    name: str = DEFAULT_NAME
    size: int | None = None
    """Number of bytes, if it is known. The upload fails if the stream has another number."""

    @abstractmethod
    def blocks(self) -> AsyncIterator[bytes | bytearray | memoryview]:
        """Yield all bytes. Called once."""

    async def aclose(self) -> None:
        """Release the resources of the stream."""


SourceLike: TypeAlias = (
    str
    | os.PathLike[str]
    | bytes
    | bytearray
    | memoryview
    | IO[bytes]
    | AsyncIterable[bytes]
    | AsyncReadable
    | Source
    | Stream
)
"""Types that can be uploaded (docs/design.md §4 rule 4)."""


async def guarded_blocks(blocks: AsyncIterator[Any], name: str) -> AsyncGenerator[Any, None]:
    """Yield the blocks. Other types than bytes and foreign exceptions raise ``SourceError``."""
    if not hasattr(blocks, "__aiter__"):
        close = getattr(blocks, "close", None)
        if close is not None:
            close()  # A coroutine that is never awaited would cause a warning.
        raise SourceError(
            "Source.read(start, size) must return an async iterator of blocks: "
            "write it as an async generator with yield"
        )
    try:
        try:
            async for block in blocks:
                if not isinstance(block, bytes | bytearray | memoryview):
                    raise not_bytes(block)
                yield block
        finally:
            aclose = getattr(blocks, "aclose", None)
            if aclose is not None:
                await aclose()
    except ApiVideoError:
        raise
    except Exception as error:
        raise SourceError(f"{name}: reading the source failed: {error!r}") from error


def not_bytes(block: object) -> SourceError:
    """Return the error for a block of another type."""
    return SourceError(
        f"the source returned {type(block).__name__} instead of bytes: open it in binary mode"
    )


def valid_name(name: str) -> str:
    """Return a file name in a form that can be sent and found.

    macOS stores decomposed letters (NFD), which no search for the typed name would find, so the
    name is composed (NFC). Surrogates, which neither JSON nor a header can carry, are replaced.
    """
    name = name.encode("utf-8", "replace").decode()
    return unicodedata.normalize("NFC", name) or DEFAULT_NAME


def content_type(name: str) -> str:
    """Guess the content type from the file name, as the official clients do."""
    known = CONTENT_TYPES.get(os.path.splitext(name)[1].lower())  # noqa: PTH122
    return known or mimetypes.guess_type(name)[0] or "application/octet-stream"
