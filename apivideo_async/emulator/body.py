"""Reading request bodies: streamed into a form, or dropped."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from .form_parser import FileSink, Form, FormParser, MalformedFormError, boundary_of
from .request_log import RequestRecord
from .upload_problems import upload_problem


class TruncatedBodyError(ConnectionError):
    """The client went away in the middle of its body."""


async def drain(request: web.Request, record: RequestRecord, limit: int | None = None) -> None:
    """Read and drop the body, or no more than about `limit` bytes of it."""
    seen = 0
    while limit is None or seen < limit:
        block = await _next_block(request)
        if not block:
            return
        seen += len(block)
        record.body_bytes += len(block)


async def receive_form(request: web.Request, record: RequestRecord, open_file: Callable[[Form], FileSink]) -> Form:
    """Stream a multipart body; a request that is no form has no file (CONTRACT §10.5)."""
    boundary = boundary_of(request.headers.get("Content-Type"))
    if boundary is None:
        await drain(request, record)
        raise upload_problem("uploaded-file-no-file")
    try:
        parser = FormParser(boundary, open_file)
        while block := await _next_block(request):
            record.body_bytes += len(block)
            parser.feed(block)
    except MalformedFormError as error:
        await drain(request, record)
        raise upload_problem("uploaded-file-invalid-file", str(error)) from error
    if not parser.ended:
        raise upload_problem("uploaded-file-invalid-file", "The multipart body has no end.")
    return parser.form


async def _next_block(request: web.Request) -> bytes:
    try:
        return await request.content.readany()
    except (ConnectionError, web.RequestPayloadError) as error:
        raise TruncatedBodyError from error


def check_one_file(form: Form) -> None:
    """Refuse a form without a file or with several (CONTRACT §10.5)."""
    if form.files == 0:
        raise upload_problem("uploaded-file-no-file")
    if form.files > 1:
        raise upload_problem("uploaded-file-multiple-files")
