"""Start of an upload: open and check the source, then find or create the container."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeAlias

from attrs import frozen

from ..config import UploadOptions, check_callable, check_type
from ..errors import ConfigurationError, NotFoundError, UploadError
from ..http.pipeline import Pipeline
from ..models import Video
from ..private_files import state_folder
from .capacity import Capacity
from .engine import run_upload
from .journal import Journal, UploadJournal
from .ledger import LedgerSnapshot
from .plan import make_plan
from .progress import OnProgress
from .sources.opening import open_source
from .sources.threads import in_thread
from .sources.types import Source, SourceLike, Stream
from .target import Container, Delegated, Target
from .upload import UploadContext

__all__ = ["Create", "NewContainer", "Uploader"]

log: logging.Logger = logging.getLogger("apivideo_async.upload")


@frozen
class NewContainer:
    """A container that was created or found for an upload."""

    video_id: str
    empty: bool
    """True if it is certainly empty, so its status need not be read."""


Create: TypeAlias = Callable[[str], Awaitable[NewContainer]]
"""Creates a container. The argument is the name of the source."""


class Uploader:
    """Uploads with one set of options, by default those of the client.

    ``capacity`` is the capacity that several uploads share. In all methods, ``filename`` overrides
    the name of the source, and ``empty`` is True if the container is certainly empty, so its status
    need not be read. All methods raise ``SourceError`` if the source cannot be used, and
    ``UploadError`` if the upload ends early.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        options: UploadOptions | None = None,
        on_progress: OnProgress | None = None,
        capacity: Capacity | None = None,
    ) -> None:
        check_type("options", options, UploadOptions)
        check_callable("on_progress", on_progress)
        self._pipeline = pipeline
        self._options = options = options or pipeline.config.upload
        self._context = UploadContext(
            pipeline=pipeline,
            options=options,
            capacity=capacity or Capacity.of(options),
            on_progress=on_progress,
        )

    async def into_new(
        self, given: SourceLike, create: Create, filename: str | None = None
    ) -> Video:
        """Upload into an interrupted upload's container, or into one that ``create`` returns."""
        async with self._opened(given, filename) as (source, journal):
            if journal.earlier is not None:
                target = Container(journal.earlier.video_id)
                try:
                    return await run_upload(self._context, target, source, journal)
                except NotFoundError:
                    if self._options.resume == "required":
                        raise
                    _start_again(journal, target)
            new = await create(source.name)
            target = Container(new.video_id)
            return await run_upload(self._context, target, source, journal, empty=new.empty)

    async def into_container(
        self, video_id: str, given: SourceLike, filename: str | None = None, *, empty: bool = False
    ) -> Video:
        """Upload the chunks that the container does not have yet."""
        target = Container(video_id)
        async with self._opened(given, filename, video_id) as (source, journal):
            return await run_upload(self._context, target, source, journal, empty=empty)

    async def with_token(
        self,
        token: str,
        given: SourceLike,
        video_id: str | None = None,
        filename: str | None = None,
        ledger: LedgerSnapshot | None = None,
    ) -> Video:
        """Upload with an upload token, which creates the video unless ``video_id`` is given.

        ``ledger`` is that of an interrupted upload of the same source into ``video_id``.
        """
        if ledger is not None and video_id is None:
            raise ConfigurationError(
                "ledger continues the upload into a video: pass error.video_id as video_id, too",
                option="video_id",
            )
        async with self._opened(given, filename, video_id) as (source, journal):
            if journal.earlier is not None and ledger is None:
                target = Delegated(journal.earlier.video_id, token=token)
                try:
                    return await run_upload(self._context, target, source, journal)
                except UploadError as error:
                    required = video_id is not None or self._options.resume == "required"
                    if error.status != 404 or required:
                        raise
                    _start_again(journal, target)
            target = Delegated(video_id, token=token)
            return await run_upload(self._context, target, source, journal, earlier=ledger)

    @asynccontextmanager
    async def _opened(
        self, given: SourceLike, filename: str | None, video_id: str | None = None
    ) -> AsyncIterator[tuple[Source | Stream, UploadJournal]]:
        """Open source and journal. Only an upload of ``video_id`` is continued; None: of any."""
        source = await open_source(given, filename)
        try:
            if isinstance(source, Source):
                self._check_size(source)
            yield source, await self._open_journal(source, video_id)
        finally:
            # The caller closes a ``Source`` or ``Stream`` that it passed in.
            if source is not given:
                await source.aclose()

    def _check_size(self, source: Source) -> None:
        # For the errors about the size, before a container is created. The plan is discarded.
        make_plan(source.size, self._options)
        if source.size > self._options.limits.documented_total:
            log.warning(
                "%s is larger than the 30 GiB that api.video documents",
                source.name,
                extra={"event": "large_source"},
            )

    async def _open_journal(self, source: Source | Stream, video_id: str | None) -> UploadJournal:
        """Open the journal, and find the entry of an earlier upload if resume is on."""
        options = self._options
        folder = fingerprint = None
        wanted = options.resume != "off" or options.journal is not None
        if wanted and isinstance(source, Source):
            fingerprint = await source.fingerprint()
        if fingerprint is not None:
            folder = options.journal or await in_thread(state_folder, "uploads")
        base_url = self._pipeline.config.base_url
        journal = UploadJournal(
            None if folder is None else Journal(folder, base_url), fingerprint or {}
        )
        found = None if options.resume == "off" else await journal.find(video_id)
        if options.resume == "required" and found is None:
            raise UploadError(
                f"no interrupted upload of {source.name} was found: start the upload without resume"
            )
        return journal


def _start_again(journal: UploadJournal, target: Target) -> None:
    log.warning(
        "%s does not exist on the server anymore: uploading from the start",
        target.video_id,
        extra={"event": "container_gone", "video_id": target.video_id},
    )
    journal.earlier = None
