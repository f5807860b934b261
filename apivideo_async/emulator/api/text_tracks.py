"""Captions and chapters: one WebVTT file per language of a video, stored and served.

See service.md#caption-operations, service.md#chapter-operations, service.md#text-tracks.
"""

from typing import Any, Literal

from aiohttp import web
from attrs import frozen

from ..operations import Call, empty_response, json_response, page_response
from ..rules.forms import VTT, FileRule
from ..rules.payloads import boolean, caption_language, validate
from ..rules.problems import not_found
from ..serving.assets import video_base, viewed_video
from ..state.items import TextTrack
from ..state.video import Video

__all__ = ["CAPTIONS", "CHAPTERS", "update_caption"]

_FILE = FileRule(VTT, "[vtt]")


@frozen
class TextTracks:
    """The handlers of one kind, which is also the name of the path segment and the resource."""

    kind: Literal["captions", "chapters"]

    def as_json(self, call: Call, video: Video, track: TextTrack) -> dict[str, Any]:
        """Return the ``chapter`` or ``caption`` schema (service.md#other-private-assets)."""
        path = f"{self.kind}/{track.language}"
        common = {
            "uri": f"/videos/{video.id}/{path}",
            "src": f"{video_base(call, video)}/{path}.vtt",
        }
        if self.kind == "chapters":
            return {**common, "language": track.language}
        return {
            **common,
            "srclang": track.language,
            "languageName": caption_language(track.language),
            "default": track.default,
        }

    def of(self, video: Video) -> dict[str, TextTrack]:
        return video.captions if self.kind == "captions" else video.chapters

    def language(self, call: Call) -> str:
        """Return the language that the path names.

        Captions, also those that are only read, must have one of the 672 caption languages: raises
        a refusal (service.md#caption-languages). Chapters accept any language.
        """
        language = call.parameter("language")
        if self.kind == "captions":
            caption_language(language)
        return language

    def find(self, call: Call) -> tuple[Video, TextTrack]:
        """Return the video and the track that the path names. Raises a refusal if there is none."""
        video, language = call.video(), self.language(call)
        if language not in self.of(video):
            raise not_found("language")
        return video, self.of(video)[language]

    async def list_tracks(self, call: Call) -> web.StreamResponse:
        """List the tracks in the order of their first upload. There are no sort keys."""
        video = call.video()
        tracks = list(self.of(video).values())
        return page_response(call, tracks, lambda track: self.as_json(call, video, track))

    async def upload(self, call: Call) -> web.StreamResponse:
        """Store a file, whose content is not checked (service.md#caption-operations)."""
        video, language = call.video(), self.language(call)
        file, _ = await call.body.read_file(_FILE)
        # A new file for the same language keeps the track, and with it the caption's ``default``.
        track = self.of(video).setdefault(language, TextTrack(language))
        track.data = file.data
        return json_response(self.as_json(call, video, track))

    async def get(self, call: Call) -> web.StreamResponse:
        return json_response(self.as_json(call, *self.find(call)))

    async def delete(self, call: Call) -> web.StreamResponse:
        video, track = self.find(call)
        del self.of(video)[track.language]
        return empty_response()

    async def serve(self, call: Call) -> web.StreamResponse:
        video, _ = viewed_video(call)
        track = self.of(video).get(call.parameter("language"))
        if track is None:
            raise not_found("language")
        return web.Response(body=track.data, content_type="text/vtt", charset="utf-8")


CAPTIONS = TextTracks("captions")
CHAPTERS = TextTracks("chapters")


async def update_caption(call: Call) -> web.StreamResponse:
    """Set ``default``. Only one caption can be the default (service.md#text-tracks)."""
    video, track = CAPTIONS.find(call)
    default = validate(await call.json(), {"default": boolean}).get("default", track.default)
    if default:
        for other in video.captions.values():
            other.default = False
    track.default = default
    return json_response(CAPTIONS.as_json(call, video, track))
