"""Reading request bodies: streamed into a form, or dropped."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from .rules.file_rules import FileRule, SmallFile, StoredFile
from .rules.form_parser import FileSink, Form, FormParser, MalformedFormError, boundary_of
from .rules.upload_problems import upload_problem
from .state.request_log import RequestRecord


class TruncatedBodyError(ConnectionError):
    """The client went away in the middle of its body."""


class Body:
    """The body of one request, read once; faults put another kind in its place."""

    def __init__(self, request: web.Request, record: RequestRecord) -> None:
        self.request = request
        self.record = record

    async def block(self) -> bytes:
        """Return what has come, at least one byte, or nothing at the end."""
        try:
            block = await self.request.content.readany()
        except (ConnectionError, web.RequestPayloadError) as error:
            raise TruncatedBodyError from error
        except RuntimeError as error:
            # What aiohttp raises when reading begins after the connection is gone.
            if self.request.transport is None:
                raise TruncatedBodyError from error
            raise
        self.record.body_bytes += len(block)
        return block

    async def drain(self, limit: int | None = None) -> None:
        """Read and drop the rest, or no more than about `limit` bytes of it."""
        seen = 0
        while limit is None or seen < limit:
            block = await self.block()
            if not block:
                return
            seen += len(block)

    async def form(self, open_file: Callable[[Form], FileSink]) -> Form:
        """Stream a multipart body; a request that is no form has no file (service.md#upload-errors)."""
        boundary = boundary_of(self.request.headers.get("Content-Type"))
        if boundary is None:
            await self.drain()
            raise upload_problem("uploaded-file-no-file")
        try:
            parser = FormParser(boundary, open_file)
            while block := await self.block():
                parser.feed(block)
        except MalformedFormError as error:
            await self.drain()
            raise upload_problem("uploaded-file-invalid-file", str(error)) from error
        if not parser.ended:
            raise upload_problem("uploaded-file-invalid-file", "The multipart body has no end.")
        return parser.form

    async def file(self, rule: FileRule) -> tuple[StoredFile, Form]:
        """Read the one small file of a form, or refuse; the form has the other fields."""
        sink = SmallFile(rule.max_size)
        form = await self.form(lambda _: sink)
        check_one_file(form)
        content_type = rule.type_of(form)
        sink.check()
        return StoredFile(bytes(sink.data), content_type), form


def check_one_file(form: Form) -> None:
    """Refuse a form without a file or with several (service.md#upload-errors)."""
    if form.files == 0:
        raise upload_problem("uploaded-file-no-file")
    if form.files > 1:
        raise upload_problem("uploaded-file-multiple-files")
