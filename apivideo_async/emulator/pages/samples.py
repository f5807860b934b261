"""Sample content for the dashboard: videos, a live stream and plays, without an upload."""

from datetime import timedelta
from importlib.resources import files

from ..background import processing
from ..state.items import TextTrack
from ..state.media import ExtentWriter
from ..state.play import Play
from ..state.records import LiveStream
from ..state.state import State

__all__ = ["add"]

_TITLES = ("Opening keynote", "Product tour", "Interview", "Tutorial: first upload", "Outtakes")
_CHAPTERS = (
    b"WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nBeginning\n\n00:00:01.000 --> 00:00:02.000\nEnd\n"
)
_CAPTION = b"WEBVTT\n\n00:00:00.000 --> 00:00:02.000\nA sample video.\n"
_PLAYS = 12
"""Plays of each video, one an hour."""


def add(state: State) -> None:
    """Add the sample content once more."""
    media = files(__package__).joinpath("static", "sample.mp4").read_bytes()
    for number, title in enumerate(_TITLES):
        attributes = {"title": title, "tags": ["sample"], "public": number != len(_TITLES) - 1}
        video = state.create_video(attributes)
        writer = ExtentWriter(state.spool_of(video), len(media))
        writer.write(memoryview(media))
        position = video.ledger.accept(None, len(media))
        video.media.add(position, writer.keep())
        writer.close()
        video.note_chunk(position, state.now)
        video.captions["en"] = TextTrack("en", _CAPTION)
        video.chapters["en"] = TextTrack("en", _CHAPTERS)
        processing.start(state, video)
        for hour in range(_PLAYS):
            at = state.utc_now - timedelta(hours=hour)
            state.add_play(Play(media_id=video.id, at=at, watched=1.0 + hour % 2))
    fields = {**state.item_fields("li"), "attributes": {"name": "Sample stream"}}
    state.live_streams.add(LiveStream(**fields, stream_key=state.ids.uuid("stream-key")))
