"""Start of an upload: open and check the source, then find or create the container."""

import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TypeAlias

from attrs import frozen

from ..config import UploadOptions, check_callable, check_type
from ..errors import ApiVideoError, ConfigurationError, NotFoundError, SourceError, UploadError
from ..http.pipeline import Pipeline
from ..models import Video
from ..private_files import state_folder
from .capacity import Capacity
from .engine import run_upload
from .interrupted import check_source, forget_source, remember_source
from .journal import Fingerprint, Journal, UploadJournal
from .ledger import LedgerSnapshot
from .plan import make_plan
from .progress import OnProgress
from .sources.begun import BegunStream, begin
from .sources.opening import open_source
from .sources.threads import in_thread
from .sources.types import Source, SourceLike
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
    the name of the source, ``size`` is the number of bytes that it must have (None: any), and
    ``empty`` is True if the container is certainly empty, so its status need not be read. All
    methods raise ``SourceError`` if the source cannot be used, and ``UploadError`` if the upload
    ends early.
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
        self._pipeline = pipeline = pipeline.patient()
        self._options = options = options or pipeline.config.upload
        self._context = UploadContext(
            pipeline=pipeline,
            options=options,
            capacity=capacity
            or Capacity.of(options, limit_rate=lambda: pipeline.bandwidth.limit_rate),
            on_progress=on_progress,
        )

    async def into_new(
        self,
        given: SourceLike,
        create: Create,
        filename: str | None = None,
        size: int | None = None,
    ) -> Video:
        """Upload into an interrupted upload's container, or into one that ``create`` returns."""
        async with self._opened(given, filename, size) as (source, journal):
            if journal.earlier is not None:
                target = Container(journal.earlier.video_id)
                try:
                    async with self._own_bytes(target, source) as context:
                        return await run_upload(context, target, source, journal)
                except NotFoundError:
                    if self._options.resume == "required":
                        raise
                    _start_again(journal, target)
            new = await create(source.name)
            target = Container(new.video_id)
            async with self._own_bytes(target, source) as context:
                return await run_upload(context, target, source, journal, empty=new.empty)

    async def into_container(
        self,
        video_id: str,
        given: SourceLike,
        filename: str | None = None,
        size: int | None = None,
        *,
        empty: bool = False,
    ) -> Video:
        """Upload the chunks that the container does not have yet."""
        target = Container(video_id)
        async with (
            self._opened(given, filename, size, video_id) as (source, journal),
            self._own_bytes(target, source) as context,
        ):
            return await run_upload(context, target, source, journal, empty=empty)

    async def with_token(
        self,
        token: str,
        given: SourceLike,
        video_id: str | None = None,
        filename: str | None = None,
        ledger: LedgerSnapshot | None = None,
        size: int | None = None,
    ) -> Video:
        """Upload with an upload token, which creates the video unless ``video_id`` is given.

        ``ledger`` is that of an interrupted upload of the same source into ``video_id``.
        """
        if ledger is not None and video_id is None:
            raise ConfigurationError(
                "ledger continues the upload into a video: pass error.video_id as video_id, too",
                option="video_id",
            )
        async with self._opened(given, filename, size, video_id) as (source, journal):
            if journal.earlier is not None and ledger is None:
                target = Delegated(journal.earlier.video_id, token=token)
                try:
                    async with self._own_bytes(target, source) as context:
                        return await run_upload(context, target, source, journal)
                except UploadError as error:
                    required = video_id is not None or self._options.resume == "required"
                    if error.status != 404 or required:
                        raise
                    _start_again(journal, target)
            target = Delegated(video_id, token=token)
            async with self._own_bytes(target, source) as context:
                return await run_upload(context, target, source, journal, earlier=ledger)

    @asynccontextmanager
    async def _own_bytes(
        self, target: Target, source: Source | BegunStream
    ) -> AsyncIterator[UploadContext]:
        """Make sure that the container never gets bytes of two files."""
        base_url = self._pipeline.config.base_url
        await check_source(base_url, target.video_id, source)
        try:
            yield self._context
        except ApiVideoError:
            await remember_source(base_url, target.video_id, source)
            raise
        forget_source(base_url, target.video_id)

    @asynccontextmanager
    async def _opened(
        self,
        given: SourceLike,
        filename: str | None,
        size: int | None,
        video_id: str | None = None,
    ) -> AsyncIterator[tuple[Source | BegunStream, UploadJournal]]:
        """Open source and journal. Only an upload of ``video_id`` is continued; None: of any."""
        _check_expected(size)
        opened = await open_source(given, filename)
        async with AsyncExitStack() as stack:
            # The caller closes a ``Source`` or ``Stream`` that it passed in.
            if opened is not given:
                stack.push_async_callback(opened.aclose)
            source: Source | BegunStream
            if isinstance(opened, Source):
                source = opened
                self._check_size(source, size)
            else:
                # Before a container is created: an empty stream would leave it behind.
                try:
                    source = await begin(opened, size)
                except SourceError as error:
                    raise error.evolve(video_id=video_id) from error.__cause__
                stack.push_async_callback(source.aclose)
            journal = await self._make_journal(source)
            stack.callback(journal.close)
            await journal.lock(wait=self._options.resume != "off")
            await self._find_earlier(source, journal, video_id)
            yield source, journal

    def _check_size(self, source: Source, expected: int | None) -> None:
        # For the errors about the size, before a container is created. The plan is discarded.
        make_plan(source.size, self._options)
        if expected not in (None, source.size):
            raise SourceError(
                f"{source.name} has {source.size:,} bytes instead of the expected {expected:,}"
            )
        if source.size > self._options.limits.documented_total:
            log.warning(
                "%s is larger than the 30 GiB that api.video documents",
                source.name,
                extra={"event": "large_source"},
            )

    async def _make_journal(self, source: Source | BegunStream) -> UploadJournal:
        options = self._options
        wanted = options.resume != "off" or options.journal is not None
        fingerprint = await _fingerprint(source) if wanted and isinstance(source, Source) else None
        if fingerprint is None:
            return UploadJournal(None, {})
        folder = options.journal or await in_thread(state_folder, "uploads")
        base_url = self._pipeline.config.base_url
        return UploadJournal(None if folder is None else Journal(folder, base_url), fingerprint)

    async def _find_earlier(
        self, source: Source | BegunStream, journal: UploadJournal, video_id: str | None
    ) -> None:
        """Find the entry of an earlier upload if resume is on."""
        if self._options.resume == "off":
            return
        reason = await journal.find(video_id)
        if reason and self._options.resume == "required":
            raise UploadError(
                f"no interrupted upload of {source.name} was found ({reason}): "
                "start the upload without resume"
            )


def _check_expected(size: object) -> None:
    if size is not None and (type(size) is not int or size < 1):
        raise ConfigurationError(
            f"size must be a number of bytes above 0, not {size!r}", option="size"
        )


async def _fingerprint(source: Source) -> Fingerprint | None:
    """Return the fingerprint in the form in which the journal stores it."""
    given = await source.fingerprint()
    if given is None:
        return None
    try:
        stored: Fingerprint = json.loads(json.dumps({**given, "size": source.size}))
    except (TypeError, ValueError) as error:
        raise SourceError(
            f"the fingerprint of {source.name} is not a dict of JSON values: {error}"
        ) from error
    return stored


def _start_again(journal: UploadJournal, target: Target) -> None:
    log.warning(
        "%s does not exist on the server anymore: uploading from the start",
        target.video_id,
        extra={"event": "container_gone", "video_id": target.video_id},
    )
    journal.earlier = None
