"""The streaming multipart body of an upload request.

The body consists of a head, the blocks that the file part reads, and a tail. Its length is known in
advance, one block is in memory at a time, and each attempt has a new body. ``aiohttp.FormData``
cannot be used: it either holds the whole chunk two to three times in memory or falls back to
chunked transfer encoding, which no official client sends.

With a bandwidth limit, the message is written in slices, and each slice waits for its turn.
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
from ..rate_limit.bandwidth import Bandwidth
from .sockets import TLS_SHARE, bytes_left

__all__ = ["MultipartBody"]

SMALL = 32 * 1024
"""Bytes. A file up to this size is sent in one write, which saves packets for head and tail."""


def _quoted(name: str) -> str:
    # As browsers do (WHATWG): only characters that would end the header or the value are escaped.
    return name.replace("\r", "%0D").replace("\n", "%0A").replace('"', "%22")


def _head(multipart: Multipart, boundary: str) -> bytes:
    part = f'--{boundary}\r\nContent-Disposition: form-data; name="'
    fields = [
        f'{part}{_quoted(name)}"\r\n\r\n{value}\r\n' for name, value in multipart.fields.items()
    ]
    content_type = quote(multipart.file.content_type, safe="/+.-; =")
    file = f'{part}file"; filename="{_quoted(multipart.file.filename)}"\r\n'
    head = f"{''.join(fields)}{file}Content-Type: {content_type}\r\n\r\n"
    return head.encode("utf-8", "replace")


class MultipartBody(Payload):
    """A multipart message with one file, which is written with backpressure.

    - ``failure``: the error of reading the file, because aiohttp reports it as a connection error.
    - ``on_written``: called when the last byte was passed to the connection.
    """

    _autoclose = True

    def __init__(
        self, multipart: Multipart, bandwidth: Bandwidth | None = None, flow: str = ""
    ) -> None:
        boundary = secrets.token_hex(16)
        super().__init__(None, content_type=f"multipart/form-data; boundary={boundary}")
        self.file: FilePart = multipart.file
        self.failure: BaseException | None = None
        self.on_written: Callable[[], None] | None = None
        self.reading: bool = False
        """Whether the body waits for the file; False if it waits for the connection."""
        self._bandwidth = bandwidth or Bandwidth()
        self._flow = flow
        self._waits_for_turn = False
        self._writer: AbstractStreamWriter | None = None
        self._connection: asyncio.WriteTransport | None = None
        self._head = _head(multipart, boundary)
        self._tail = f"\r\n--{boundary}--\r\n".encode()
        self._size = len(self._head) + multipart.file.size + len(self._tail)
        self._left_before: int | None = None
        """``bytes_left`` of the connection when the request began."""
        self._file_start = 0
        """Bytes of the request before the file (headers and head), once they are written."""
        self._left = 0
        """The last result of ``left_machine``."""
        self._ended = False

    @property
    def started(self) -> bool:
        """Whether any byte of the request may have left this process."""
        # aiohttp sends the headers together with the first write of the body.
        return self._writer is not None

    @property
    def throttled(self) -> bool:
        """Whether the body waits for the bandwidth limit, and everything before has been sent."""
        return self._waits_for_turn and not self._buffered()

    def _buffered(self) -> int:
        transport = self._writer.transport if self._writer is not None else None
        return transport.get_write_buffer_size() if transport is not None else 0

    def left_machine(self) -> int:
        """Return how many bytes of the request have left this machine, as far as that is known.

        Without the counters of Linux, bytes in the buffer of the kernel count too. Their number is
        limited by ``http.sockets``.
        """
        writer = self._writer
        transport = writer.transport if writer is not None else None
        # The buffers of a connection that is lost are unknown.
        if writer is None or transport is None or transport.is_closing() or self._ended:
            return self._left
        left, now = writer.output_size - self._buffered(), bytes_left(transport)
        if now is not None and self._left_before is not None:
            # A TLS transport has buffers that are not visible. The kernel counts encrypted bytes,
            # of which the content is estimated, with an error below 0.2 %.
            encrypted = transport.get_extra_info("ssl_object") is not None
            sent = (now - self._left_before) * (TLS_SHARE if encrypted else 1)
            left = min(left, int(sent))
        self._left = left
        return left

    def file_left(self) -> int:
        """Return how many bytes of the file have left this machine (see ``left_machine``)."""
        if not self._file_start:
            return 0
        return max(0, min(self.file.size, self.left_machine() - self._file_start))

    def end(self, *, answered: bool) -> None:
        """Stop counting, because another request may use the connection from now on.

        Without an answer, no other request can use it, and it is ended at once: if it were closed,
        asyncio would first send what it has buffered, for which a frozen server makes no room.
        """
        self.left_machine()
        self._ended = True
        if self._connection is not None and not answered:
            self._connection.abort()
        self._connection = None

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Raise ``TypeError``, because the body exists only as a stream."""
        raise TypeError("a streaming body has no text")

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Write the whole message."""
        # aiohttp forgets the transport of a connection when it closes it.
        self._writer, self._connection = writer, writer.transport
        self._left_before = bytes_left(writer.transport)
        if self.file.on_start is not None:
            self.file.on_start(self.file_left)
        try:
            if self.file.size <= SMALL:
                await self._write_at_once(writer)
            else:
                await self._write_file(writer)
                await self._send(writer, self._tail)
        except Exception as error:
            self.failure = self.failure or error
            raise
        if self.on_written is not None:
            self.on_written()

    async def write_with_length(
        self, writer: AbstractStreamWriter, content_length: int | None
    ) -> None:
        """Write the whole message. Its length is the announced one."""
        await self.write(writer)

    async def _send(self, writer: AbstractStreamWriter, data: Any, *, media: bool = False) -> None:
        """Write bytes: at once, or in slices if there is a bandwidth limit."""
        rest = data
        while rest:
            part = rest
            # Checked for each slice, because the limit may change at any time.
            if self._bandwidth.limit_rate is not None:
                self._waits_for_turn = True
                size = await self._bandwidth.take(len(rest), self._flow)
                self._waits_for_turn = False
                part = memoryview(rest)[:size]
            await writer.write(part)
            rest = memoryview(rest)[len(part) :] if len(part) < len(rest) else b""
            if media and self.file.on_sent is not None:
                self.file.on_sent(len(part))

    async def _write_at_once(self, writer: AbstractStreamWriter) -> None:
        message = bytearray(self._head)
        async with aclosing(self._blocks()) as blocks:
            async for block in blocks:
                message += block
        await self._send(writer, message + self._tail)
        # The request is a few packets, which are not counted one by one.
        self._file_start = writer.output_size - self.file.size - len(self._tail)
        if self.file.on_sent is not None:
            self.file.on_sent(self.file.size)

    async def _blocks(self) -> AsyncGenerator[Any, None]:
        """Yield the blocks. Raises ``SourceError`` for more or fewer bytes than announced."""
        left = self.file.size
        blocks: Any = self.file.read()
        async with aclosing(blocks):
            self.reading = True
            async for block in blocks:
                self.reading = False
                left -= len(block)
                if left < 0:
                    # Not sent: the body would no longer have the announced length.
                    break
                yield block
                self.reading = True
        self.reading = False
        if left:
            amount = "more" if left < 0 else "fewer"
            raise SourceError(f"the source returned {amount} bytes than it announced")

    async def _write_file(self, writer: AbstractStreamWriter) -> None:
        head = self._head
        async with aclosing(self._blocks()) as blocks:
            async for block in blocks:
                # The head is written after the first block was read. If the file cannot be read, or
                # may no longer be sent, no request is sent.
                if head:
                    await self._send(writer, head)
                    head = b""
                    self._file_start = writer.output_size
                await self._send(writer, block, media=True)
                # With a fast peer, write() never suspends. Without this, the event loop would be
                # blocked for tens of milliseconds.
                await asyncio.sleep(0)
