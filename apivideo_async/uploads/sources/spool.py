"""Buffer the chunks of a stream on disk instead of in memory, until they are accepted."""

import asyncio
import contextlib
import os
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Self

from ...errors import SourceError
from .files import OpenFile

__all__ = ["Spool", "SpooledPiece"]

WRITE = 1024 * 1024
"""Bytes to collect before a thread writes them to the file."""


class SpooledPiece:
    """One chunk in a temporary file.

    On POSIX the file is unlinked directly after its creation, so that a crash leaves no file
    behind.
    """

    def __init__(self, spool: "Spool") -> None:
        self.size: int = 0
        self.last: bool = False
        self._spool = spool
        self._gathered = bytearray()
        self._fd = -1
        self._path = Path()
        self._writing: asyncio.Future[None] | None = None
        self._file: OpenFile | None = None

    async def append(self, block: memoryview) -> None:
        """Add bytes to the end. Raises ``SourceError`` if the file cannot be written."""
        self._gathered += block
        self.size += len(block)
        if len(self._gathered) >= WRITE:
            await self._flush()

    async def _flush(self) -> None:
        gathered, self._gathered = self._gathered, bytearray()
        self._writing = asyncio.ensure_future(asyncio.to_thread(self._write, gathered))
        try:
            # A cancelled future is done at once, while its thread continues. Shield it, so that
            # ``close`` can wait for the thread.
            await asyncio.shield(self._writing)
        except OSError as error:
            where = self._spool.folder
            raise SourceError(
                f"the stream cannot be spooled to {where}: {error.strerror or error}"
            ) from error

    def _write(self, gathered: bytearray) -> None:
        if self._fd < 0:
            self._fd, name = tempfile.mkstemp(
                prefix="apivideo-", suffix=".chunk", dir=self._spool.folder
            )
            self._path = Path(name)
            if os.name == "posix":
                self._path.unlink()
        data = memoryview(gathered)
        while data:
            # ``write`` may store fewer bytes than it was given.
            data = data[os.write(self._fd, data) :]

    async def read(self, block: int) -> AsyncIterator[bytes | bytearray | memoryview]:
        """Yield the bytes in pieces of at most ``block`` bytes. May be called repeatedly."""
        if self._file is None:
            await self._flush()
            self._file = OpenFile(self._fd, self._path)
        async for piece in self._file.read(0, self.size, block):
            yield piece

    def close(self) -> None:
        """Remove the file, at once or when the writing thread has finished.

        This is synchronous, so that a cancellation cannot interrupt it.
        """
        self._spool.pieces.discard(self)
        if self._writing is None or self._writing.done():
            self._remove(self._writing)
        else:
            self._writing.add_done_callback(self._remove)

    def _remove(self, writing: "asyncio.Future[None] | None") -> None:
        if writing is not None and not writing.cancelled():
            # Retrieve the exception, so that asyncio does not log it. ``_flush`` has raised it to
            # its caller.
            writing.exception()
        if self._file is not None:
            self._file.close()
        elif self._fd >= 0:
            os.close(self._fd)
        self._fd = -1
        if os.name != "posix" and self._path.name:
            with contextlib.suppress(OSError):
                self._path.unlink()


class Spool:
    """Creates spooled chunks, and removes the remaining ones on exit."""

    def __init__(self, folder: Path | None) -> None:
        """Store the files in ``folder``. None means the system's folder for temporary files."""
        self.folder: Path = folder or Path(tempfile.gettempdir())
        self.pieces: set[SpooledPiece] = set()

    def piece(self) -> SpooledPiece:
        """Create an empty chunk."""
        piece = SpooledPiece(self)
        self.pieces.add(piece)
        return piece

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for piece in list(self.pieces):
            piece.close()
