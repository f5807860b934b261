"""Captions and chapters (service.md#caption-operations, service.md#chapter-operations)."""

from typing import Unpack

from ..models import Caption, Chapter
from ..paginator import Paginator
from ..protocol.request import path_for
from ..protocol.writes import ExtraParameters, extra_only
from ..uploads.sources.types import SourceLike
from ._resource import FileKind, PageQuery, Resource

__all__ = ["Captions", "Chapters"]

ALL_CAPTIONS = "/videos/{video_id}/captions"
ONE_CAPTION = "/videos/{video_id}/captions/{language}"
CAPTIONS_FILE = FileKind("captions.vtt")

ALL_CHAPTERS = "/videos/{video_id}/chapters"
ONE_CHAPTER = "/videos/{video_id}/chapters/{language}"
CHAPTERS_FILE = FileKind("chapters.vtt")


class Captions(Resource):
    """``client.captions``.

    ``language`` is a tag with dashes, such as ``fr`` or ``fr-BE``. Every method raises
    ``NotFoundError`` if the video, or its captions in that language, do not exist, and
    ``BadRequestError`` for an invalid tag.
    """

    def list(self, video_id: str, **page: Unpack[PageQuery]) -> Paginator[Caption]:
        """List the captions of a video (``GET /videos/{videoId}/captions``, reads)."""
        path = path_for(ALL_CAPTIONS, video_id=video_id)
        return self._list("captions.list", path, Caption, page)

    async def upload(
        self,
        video_id: str,
        language: str,
        source: SourceLike,
        *,
        filename: str | None = None,
        **extra: Unpack[ExtraParameters],
    ) -> Caption:
        """Add captions (``POST /videos/{videoId}/captions/{language}``, writes).

        ``source`` is a WebVTT file in UTF-8; SRT is not accepted. The service does not check the
        content: it accepts invalid WebVTT and then does not show it. ``filename`` must end in
        ``.vtt``.
        """
        path = path_for(ONE_CAPTION, video_id=video_id, language=language)
        return await self._upload_file(
            "captions.upload", path, Caption, source, filename, CAPTIONS_FILE, extra_only(extra)
        )

    async def get(self, video_id: str, language: str) -> Caption:
        """Return the captions (``GET /videos/{videoId}/captions/{language}``, reads)."""
        path = path_for(ONE_CAPTION, video_id=video_id, language=language)
        return await self._call("captions.get", "GET", path, Caption)

    async def update(
        self, video_id: str, language: str, *, default: bool, **extra: Unpack[ExtraParameters]
    ) -> Caption:
        """Set the default (``PATCH /videos/{videoId}/captions/{language}``, writes).

        ``default`` is True if players show these captions without a choice of the viewer. The
        effect on the captions in other languages is not documented.
        """
        path = path_for(ONE_CAPTION, video_id=video_id, language=language)
        fields = {"default": default, **extra_only(extra)}
        return await self._write("captions.update", "PATCH", path, Caption, fields)

    async def delete(self, video_id: str, language: str, *, missing_ok: bool = False) -> None:
        """Delete captions (``DELETE /videos/{videoId}/captions/{language}``, writes)."""
        path = path_for(ONE_CAPTION, video_id=video_id, language=language)
        await self._delete("captions.delete", path, missing_ok=missing_ok)


class Chapters(Resource):
    """``client.chapters``. Chapters cannot be updated: upload them again.

    ``language`` is any BCP 47 tag, such as ``fr``. Every method raises ``NotFoundError`` if the
    video, or its chapters in that language, do not exist.
    """

    def list(self, video_id: str, **page: Unpack[PageQuery]) -> Paginator[Chapter]:
        """List the chapters of a video (``GET /videos/{videoId}/chapters``, reads)."""
        path = path_for(ALL_CHAPTERS, video_id=video_id)
        return self._list("chapters.list", path, Chapter, page)

    async def upload(
        self,
        video_id: str,
        language: str,
        source: SourceLike,
        *,
        filename: str | None = None,
        **extra: Unpack[ExtraParameters],
    ) -> Chapter:
        """Add chapters (``POST /videos/{videoId}/chapters/{language}``, writes).

        ``source`` is a WebVTT file in UTF-8. The service does not check its content. ``filename``
        must end in ``.vtt``, otherwise ``BadRequestError`` is raised.
        """
        path = path_for(ONE_CHAPTER, video_id=video_id, language=language)
        return await self._upload_file(
            "chapters.upload", path, Chapter, source, filename, CHAPTERS_FILE, extra_only(extra)
        )

    async def get(self, video_id: str, language: str) -> Chapter:
        """Return the chapters (``GET /videos/{videoId}/chapters/{language}``, reads)."""
        path = path_for(ONE_CHAPTER, video_id=video_id, language=language)
        return await self._call("chapters.get", "GET", path, Chapter)

    async def delete(self, video_id: str, language: str, *, missing_ok: bool = False) -> None:
        """Delete chapters (``DELETE /videos/{videoId}/chapters/{language}``, writes)."""
        path = path_for(ONE_CHAPTER, video_id=video_id, language=language)
        await self._delete("chapters.delete", path, missing_ok=missing_ok)
