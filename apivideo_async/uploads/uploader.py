"""Start of an upload: open and check the source, then find or create the container."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from ..config import UploadOptions
from ..errors import NotFoundError, UploadError
from ..http.pipeline import Pipeline
from ..models import Video
from ..private_files import state_folder
from .capacity import Capacity
from .engine import UploadJob
from .journal import Journal, Notes
from .plan import make_plan
from .reporter import OnProgress
from .sources.opening import Source, SourceLike, Stream, open_source
from .target import Container, Delegated, Target

__all__ = ["Uploader"]

log: logging.Logger = logging.getLogger("apivideo_async.upload")

Create = Callable[[str], Awaitable[Video]]
"""Creates a container. The argument is the name of the source."""


class Uploader:
    """Uploads with one set of options.

    All methods raise ``SourceError`` if the source cannot be used, and ``UploadError`` if the
    upload ends early. ``filename`` overrides the name of the source.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        options: UploadOptions | None,
        on_progress: OnProgress | None,
        slots: Capacity | None = None,
    ) -> None:
        """Prepare uploads. ``options`` default to those of the client.

        ``slots`` is the capacity that several uploads share.
        """
        self._pipeline = pipeline
        self._slots = slots
        self._options = options or pipeline.config.upload
        self._on_progress = on_progress

    async def into_new(
        self, given: SourceLike, create: Create, filename: str | None = None, *, fresh: bool = True
    ) -> Video:
        """Upload into the container of an interrupted upload, or into one that ``create`` returns.

        ``fresh`` is True if a created container is certainly empty, so its status need not be read.
        """
        async with self._opened(given, filename) as source:
            notes = await self._notes(source)
            found = notes.found if notes is not None else None
            if found is not None:
                try:
                    return await self._run(Container(found.video_id), source, notes=notes)
                except NotFoundError:
                    if self._options.resume == "required":
                        raise
                    log.warning("%s is gone from the server: uploading anew", found.video_id)
            if notes is not None:
                notes.found = None
            video = await create(source.name)
            return await self._run(Container(video.video_id), source, notes=notes, fresh=fresh)

    async def into_container(
        self, video_id: str, given: SourceLike, filename: str | None = None, *, fresh: bool = False
    ) -> Video:
        """Upload the chunks that the container does not hold yet.

        ``fresh`` is True if the container was just created and is certainly empty.
        """
        async with self._opened(given, filename) as source:
            notes = await self._notes(source)
            if notes is not None and notes.found is not None and notes.found.video_id != video_id:
                # The entry belongs to another container.
                notes.found = None
            return await self._run(Container(video_id), source, notes=notes, fresh=fresh)

    async def with_token(
        self,
        token: str,
        given: SourceLike,
        video_id: str | None = None,
        filename: str | None = None,
    ) -> Video:
        """Upload with an upload token, which creates the video unless ``video_id`` is given."""
        async with self._opened(given, filename) as source:
            notes = await self._notes(source)
            found = notes.found if notes is not None else None
            # An entry for another video must not be continued.
            if notes is not None and found is not None and video_id not in (None, found.video_id):
                notes.found = found = None
            if found is not None:
                try:
                    return await self._run(
                        Delegated(found.video_id, token=token), source, notes=notes
                    )
                except UploadError as error:
                    if (
                        error.status != 404
                        or video_id is not None
                        or self._options.resume == "required"
                    ):
                        raise
                    log.warning("%s is gone from the server: uploading anew", found.video_id)
            if notes is not None:
                notes.found = None
            return await self._run(Delegated(video_id, token=token), source, notes=notes)

    async def _run(
        self, target: Target, source: Source | Stream, *, notes: Notes | None, fresh: bool = False
    ) -> Video:
        job = UploadJob(
            self._pipeline,
            target,
            self._options,
            on_progress=self._on_progress,
            fresh=fresh,
            notes=notes,
            slots=self._slots,
        )
        return await job.run(source)

    @asynccontextmanager
    async def _opened(
        self, given: SourceLike, filename: str | None
    ) -> AsyncIterator[Source | Stream]:
        """Open the source, check its size before anything is sent, and close it at the end."""
        source = await open_source(given, filename)
        try:
            if isinstance(source, Source):
                # The plan is discarded. This call only raises errors about the size before a
                # container is created.
                make_plan(source.size, self._options)
                if source.size > self._options.limits.documented_total:
                    log.warning(
                        "%s is larger than the 30 GiB that api.video documents", source.name
                    )
            yield source
        finally:
            # The caller closes a ``Source`` or ``Stream`` that it passed in.
            if source is not given:
                await source.aclose()

    async def _notes(self, source: Source | Stream) -> Notes | None:
        """Open the journal, and load the entry of an earlier upload if it may be continued.

        Return None if there is no journal: resume and journal are off, the source has no
        fingerprint, or no state folder exists. Raises ``UploadError`` if ``resume="required"`` and
        no entry was found.
        """
        options = self._options
        if options.resume == "off" and options.journal is None:
            return None
        fingerprint = await source.fingerprint() if isinstance(source, Source) else None
        notes = None
        folder = (
            None
            if fingerprint is None
            else options.journal or await asyncio.to_thread(state_folder, "uploads")
        )
        if fingerprint is not None and folder is not None:
            notes = Notes(Journal(folder), fingerprint, self._pipeline.config.base_url)
            if options.resume != "off":
                await notes.look()
        if options.resume == "required" and (notes is None or notes.found is None):
            raise UploadError(
                f"no interrupted upload of {source.name} is known here: start it without resume"
            )
        return notes
