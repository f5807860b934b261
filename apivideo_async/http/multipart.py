"""The streaming multipart body of an upload request.

Known length, a fresh one for every attempt, one block in memory at a time: head, the blocks that the file part
reads, tail. ``aiohttp.FormData`` would either hold the whole chunk two to three times or fall back to chunked
transfer encoding, which no client of the vendor sends.
"""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any
from urllib.parse import quote

from aiohttp.abc import AbstractStreamWriter
from aiohttp.payload import Payload

from ..errors import SourceError
from ..protocol.request import FilePart, Multipart

__all__ = ["MultipartBody"]

SMALL = 32 * 1024
"""A file up to here goes in one write with its head and tail, which is one packet less and one wait less each."""


def _quoted(name: str) -> str:
    # What browsers do (WHATWG): only the characters that would end the header or the value are escaped.
    return name.replace("\r", "%0D").replace("\n", "%0A").replace('"', "%22")


def _head(multipart: Multipart, boundary: str) -> bytes:
    lines = []
    for name, value in multipart.fields.items():
        lines += [f"--{boundary}", f'Content-Disposition: form-data; name="{_quoted(name)}"', "", value]
    file = multipart.file
    lines += [
        f"--{boundary}",
        f'Content-Disposition: form-data; name="file"; filename="{_quoted(file.filename)}"',
        f"Content-Type: {quote(file.content_type, safe='/+.-; =')}",
        "",
        "",
    ]
    return "\r\n".join(lines).encode("utf-8", "replace")


class MultipartBody(Payload):
    """One multipart message with one file, written with backpressure.

    ``failure`` keeps what reading the file raised, because aiohttp reports it as a connection error;
    ``on_written`` is called when the last byte was handed over.
    """

    _autoclose = True

    def __init__(self, multipart: Multipart) -> None:
        boundary = secrets.token_hex(16)
        super().__init__(None, content_type=f"multipart/form-data; boundary={boundary}")
        self.file: FilePart = multipart.file
        self.failure: BaseException | None = None
        self.on_written: Callable[[], None] | None = None
        self.reading: bool = False
        """Whether it waits for the file, and not for the connection."""
        self._writer: AbstractStreamWriter | None = None
        self._head = _head(multipart, boundary)
        self._tail = f"\r\n--{boundary}--\r\n".encode()
        self._size = len(self._head) + multipart.file.size + len(self._tail)

    @property
    def started(self) -> bool:
        """Whether any of it may have left: aiohttp sends the headers together with the first write."""
        return self._writer is not None

    def left_process(self) -> int:
        """Bytes that are no longer in this process: written, less what waits in the transport's buffer."""
        if self._writer is None:
            return 0
        transport = self._writer.transport
        return self._writer.output_size - (transport.get_write_buffer_size() if transport is not None else 0)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Refuse: the body exists only as a stream."""
        raise TypeError("a streaming body has no text")

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Send the whole message."""
        self._writer = writer
        try:
            if self.file.size <= SMALL:
                await self._write_at_once(writer)
            else:
                await self._write_file(writer)
                await writer.write(self._tail)
        except Exception as error:
            self.failure = self.failure or error
            raise
        if self.on_written is not None:
            self.on_written()

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        """Send the whole message; its length is the one announced."""
        await self.write(writer)

    async def _write_at_once(self, writer: AbstractStreamWriter) -> None:
        message = bytearray(self._head)
        async with aclosing(self._blocks()) as blocks:
            async for block in blocks:
                message += block
        await writer.write(message + self._tail)
        if self.file.on_sent is not None:
            self.file.on_sent(self.file.size)

    async def _blocks(self) -> AsyncGenerator[Any, None]:
        """Give what the file gives. Raises ``SourceError`` unless that is as much as was announced."""
        left = self.file.size
        blocks: Any = self.file.read()
        async with aclosing(blocks):
            self.reading = True
            async for block in blocks:
                self.reading = False
                left -= len(block)
                if left < 0:
                    break
                yield block
                self.reading = True
        self.reading = False
        if left:
            raise SourceError(f"the source gave {'more' if left < 0 else 'fewer'} bytes than it announced")

    async def _write_file(self, writer: AbstractStreamWriter) -> None:
        head = self._head
        async with aclosing(self._blocks()) as blocks:
            async for block in blocks:
                # Only now: a file that cannot be read, or may not be sent any more, costs no request.
                if head:
                    await writer.write(head)
                    head = b""
                await writer.write(block)
                if self.file.on_sent is not None:
                    self.file.on_sent(len(block))
                # A fast peer never makes write() suspend; without this the loop stands still for tens of ms.
                await asyncio.sleep(0)
