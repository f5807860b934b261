"""Request bodies: stream a multipart body into a form, or read a body and drop it."""

from collections.abc import Awaitable, Callable

from aiohttp import web
from attrs import define

from .rules.forms import (
    FileRule,
    FileSink,
    Form,
    FormParser,
    FormParserError,
    SmallFile,
    boundary_of,
)
from .rules.problems import refuse
from .state.items import StoredFile
from .state.request_log import RequestRecord

__all__ = ["Body"]


@define(eq=False)
class Body:
    """The body of one request, to be read once. Faults replace it with a subclass."""

    request: web.Request
    record: RequestRecord

    async def read_block(self) -> bytes:
        """Return the next bytes, ``b""`` at the end. Raises ``ConnectionError`` if cut off."""
        try:
            block = await self.request.content.readany()
        except web.RequestPayloadError as error:
            raise ConnectionError("the request body is incomplete") from error
        except RuntimeError as error:
            # aiohttp raises RuntimeError if the first read happens after the connection was lost.
            if self.request.transport is None:
                raise ConnectionError("the connection was lost") from error
            raise
        self.record.body_bytes += len(block)
        return block

    async def drain(self, limit: int | None = None) -> None:
        """Drop the rest of the body, or ``limit`` bytes of it and the rest of their last block."""
        seen = 0
        while limit is None or seen < limit:
            block = await self.read_block()
            if not block:
                return
            seen += len(block)

    async def read_form(
        self,
        open_file: Callable[[Form], FileSink],
        file_began: Callable[[Form], Awaitable[None]] | None = None,
    ) -> Form:
        """Stream a multipart body through ``FormParser`` and return the form.

        ``open_file`` is called when the first file begins, and ``file_began`` after the block in
        which it begins. Raises the refusals of
        service.md#upload-errors if the body is no form, malformed or incomplete.
        """
        boundary = boundary_of(self.request.headers.get("Content-Type"))
        if boundary is None:
            await self.drain()
            raise refuse("uploaded-file-no-file")
        try:
            parser = FormParser(boundary, open_file)
            # Only one block is in memory at a time.
            while block := await self.read_block():
                parser.feed(block)
                if file_began is not None and parser.form.files:
                    await file_began(parser.form)
                    file_began = None
        except FormParserError as error:
            await self.drain()
            raise refuse("uploaded-file-invalid-file", str(error)) from error
        if not parser.ended:
            raise refuse("uploaded-file-invalid-file", "The multipart body has no end.")
        return parser.form

    async def read_file(self, rule: FileRule) -> tuple[StoredFile, Form]:
        """Return the one file of a form, and the form. Raises a refusal if it breaks ``rule``."""
        sink = SmallFile(rule.max_size)
        form = await self.read_form(lambda _: sink)
        return StoredFile(bytes(sink.data), rule.check(form, sink.size)), form
