"""Opens the standard input as a source."""

import asyncio
import os
import stat
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ....errors import SourceError
from ....uploads.sources.types import SourceLike

__all__ = ["open_stdin"]

BUFFER = 4 * 1024 * 1024


@asynccontextmanager
async def open_stdin() -> AsyncIterator[SourceLike]:
    """Open the standard input as a source for the block.

    The event loop reads a pipe or socket. A thread that reads from it could not be cancelled, and
    Ctrl-C would wait for the next input. Raises ``SourceError`` if there is nothing to read.
    """
    stream = getattr(sys.stdin, "buffer", None)
    if stream is None:
        raise SourceError("the standard input is closed: pipe a file into it")
    if stream.isatty():
        raise SourceError("the standard input is a terminal: pipe a file into it, or name a file")
    kind = os.fstat(stream.fileno()).st_mode
    if os.name == "nt" or not (stat.S_ISFIFO(kind) or stat.S_ISSOCK(kind)):
        yield stream
        return
    reader = asyncio.StreamReader(limit=BUFFER)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), stream
    )
    try:
        yield reader
    finally:
        transport.close()
