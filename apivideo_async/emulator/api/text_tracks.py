"""Captions and chapters: one WebVTT file per language of a video, stored and served.

See service.md#caption-operations, service.md#chapter-operations, service.md#text-tracks.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from ..operations import Call, Operation, answer, answer_page, api, asset, no_content
from ..rules.forms import VTT, FileRule
from ..rules.payloads import boolean, caption_language, validate
from ..rules.problems import not_found
from ..serving.assets import from_path, video_base
from ..state.items import TextTrack
from ..state.video import Video

_FILE = FileRule(VTT, "[vtt]")


class _Tracks:
    """The operations that captions and chapters share. The class itself implements chapters."""

    kind = "chapters"
    """The name of the resource, of its path segment, and of the field of ``Video``."""

    def check_language(self, language: str) -> None:
        """Raise a refusal if the language is illegal. Chapters accept any language."""

    def show(self, call: Call, video: Video, track: TextTrack) -> dict[str, Any]:
        """Return the ``chapter`` schema. ``src`` contains a token if the video is private.

        See service.md#other-private-assets.
        """
        path = f"{self.kind}/{track.language}"
        return {
            "uri": f"/videos/{video.key}/{path}",
            "src": f"{video_base(call, video)}/{path}.vtt",
            "language": track.language,
        }

    def of(self, video: Video) -> dict[str, TextTrack]:
        """Return the tracks of a video by language."""
        tracks: dict[str, TextTrack] = getattr(video, self.kind)
        return tracks

    def video(self, call: Call) -> Video:
        """Return the video that the path names. Raises a refusal (404) if there is none."""
        video = call.state.videos.find(call.path("videoId"))
        call.record.video_id = video.key
        return video

    def named(self, call: Call) -> tuple[Video, TextTrack]:
        """Return the video and the track that the path names.

        Raises a refusal (404) if there is none.
        """
        video, language = self.video(call), call.path("language")
        self.check_language(language)
        if language not in self.of(video):
            raise not_found("language")
        return video, self.of(video)[language]

    async def list(self, call: Call) -> web.StreamResponse:
        """List the tracks in the order of their first upload. There are no sort keys."""
        video = self.video(call)
        return answer_page(
            call, list(self.of(video).values()), lambda track: self.show(call, video, track)
        )

    async def upload(self, call: Call) -> web.StreamResponse:
        """Store a file. Its content is not checked. The response is 200.

        See service.md#caption-operations.
        """
        video, language = self.video(call), call.path("language")
        self.check_language(language)
        file, _ = await call.body.file(_FILE)
        # A new file for the same language keeps the track, and with it the caption's ``default``.
        track = self.of(video).setdefault(language, TextTrack(language))
        track.data = file.data
        return answer(self.show(call, video, track))

    async def get(self, call: Call) -> web.StreamResponse:
        """Return one track."""
        return answer(self.show(call, *self.named(call)))

    async def delete(self, call: Call) -> web.StreamResponse:
        """Delete one track."""
        video, track = self.named(call)
        del self.of(video)[track.language]
        return no_content()

    async def serve(self, call: Call) -> web.StreamResponse:
        """Send the file, as the delivery hosts do."""
        video, _ = from_path(call)
        track = self.of(video).get(call.path("language"))
        if track is None:
            raise not_found("language")
        return web.Response(body=track.data, content_type="text/vtt", charset="utf-8")

    def operations(self) -> tuple[Operation, ...]:
        """Return the operations, and the public and private URL of the file."""
        many, one = (
            f"/videos/{{videoId}}/{self.kind}",
            f"/videos/{{videoId}}/{self.kind}/{{language}}",
        )
        return (
            api(f"{self.kind}.list", "GET", many, self.list),
            api(f"{self.kind}.upload", "POST", one, self.upload),
            api(f"{self.kind}.get", "GET", one, self.get),
            api(f"{self.kind}.delete", "DELETE", one, self.delete),
            *asset(
                f"assets.{self.kind}", "/vod/{videoId}", f"{self.kind}/{{language}}.vtt", self.serve
            ),
        )


class _Captions(_Tracks):
    kind = "captions"

    def check_language(self, language: str) -> None:
        """Raise a refusal if the language is not one of the 672 caption languages.

        Operations that only read check it too (service.md#caption-languages).
        """
        caption_language(language)

    def show(self, call: Call, video: Video, track: TextTrack) -> dict[str, Any]:
        """Return the ``caption`` schema, in which the language is called ``srclang``."""
        shown = super().show(call, video, track)
        shown["srclang"] = shown.pop("language")
        return {**shown, "languageName": caption_language(track.language), "default": track.default}

    async def update(self, call: Call) -> web.StreamResponse:
        """Set ``default``. Only one caption can be the default (service.md#text-tracks)."""
        video, track = self.named(call)
        default = validate(await call.json(), {"default": boolean}).get("default", track.default)
        if default:
            for other in video.captions.values():
                other.default = False
        track.default = default
        return answer(self.show(call, video, track))

    def operations(self) -> tuple[Operation, ...]:
        """Return the operations, with ``update``, which chapters do not have."""
        update = api(
            "captions.update", "PATCH", "/videos/{videoId}/captions/{language}", self.update
        )
        return (*super().operations(), update)


OPERATIONS: tuple[Operation, ...] = (*_Captions().operations(), *_Tracks().operations())
