"""Buffers the chunks of a stream on disk instead of in memory, for as long as they may have to be sent again."""

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
"""Bytes gathered before a thread writes them."""


class SpooledPiece:
    """One chunk in a temporary file that has no name where the platform allows it, so that a crash leaves nothing."""

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
        """Add bytes to the end. Raises ``SourceError`` when they cannot be written."""
        self._gathered += block
        self.size += len(block)
        if len(self._gathered) >= WRITE:
            await self._flush()

    async def _flush(self) -> None:
        gathered, self._gathered = self._gathered, bytearray()
        self._writing = asyncio.ensure_future(asyncio.to_thread(self._write, gathered))
        try:
            # Shielded: a cancelled future is done at once, the thread behind it is not.
            await asyncio.shield(self._writing)
        except OSError as error:
            where = self._spool.folder
            raise SourceError(f"the stream cannot be spooled to {where}: {error.strerror or error}") from error

    def _write(self, gathered: bytearray) -> None:
        if self._fd < 0:
            self._fd, name = tempfile.mkstemp(prefix="apivideo-", suffix=".chunk", dir=self._spool.folder)
            self._path = Path(name)
            if os.name == "posix":
                self._path.unlink()
        data = memoryview(gathered)
        while data:
            data = data[os.write(self._fd, data) :]

    async def read(self, block: int) -> AsyncIterator[bytes | bytearray | memoryview]:
        """Give the bytes, as often as asked, in pieces of at most ``block``."""
        if self._file is None:
            await self._flush()
            self._file = OpenFile(self._fd, self._path)
        async for piece in self._file.read(0, self.size, block):
            yield piece

    def close(self) -> None:
        """Remove the file, now or when the thread that writes is done. Nothing is awaited: nothing can cut it short."""
        self._spool.pieces.discard(self)
        if self._writing is None or self._writing.done():
            self._remove(self._writing)
        else:
            self._writing.add_done_callback(self._remove)

    def _remove(self, writing: "asyncio.Future[None] | None") -> None:
        if writing is not None and not writing.cancelled():
            writing.exception()  # Whoever waited for it was told.
        if self._file is not None:
            self._file.close()
        elif self._fd >= 0:
            os.close(self._fd)
        self._fd = -1
        if os.name != "posix" and self._path.name:
            with contextlib.suppress(OSError):
                self._path.unlink()


class Spool:
    """Makes pieces, and removes at the end those that nobody removed."""

    def __init__(self, folder: Path | None) -> None:
        """``folder``: where the files are; None is the system's folder for temporary files."""
        self.folder: Path = folder or Path(tempfile.gettempdir())
        self.pieces: set[SpooledPiece] = set()

    def piece(self) -> SpooledPiece:
        """Start a chunk."""
        piece = SpooledPiece(self)
        self.pieces.add(piece)
        return piece

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for piece in list(self.pieces):
            piece.close()
