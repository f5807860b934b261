"""Which files of a command are uploaded already, when the command as a whole was interrupted.

The journal forgets an upload that is complete. Without this record the same command with ``--resume`` would
continue the interrupted file and upload the finished ones a second time.
"""

from typing import Any

from ....client import ApiVideoClient
from ....errors import NotFoundError, SourceError
from ....models import Video
from ....private_files import state_folder
from ....uploads.journal import Journal, JournalEntry

__all__ = ["Finished"]

Fingerprint = dict[str, Any]


class Finished:
    """Records beside the journal; removed when the command has done all of its work."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url
        folder = state_folder("finished")
        self._journal = None if folder is None else Journal(folder)
        self._fingerprints: list[Fingerprint] = []

    async def find(self, client: ApiVideoClient, fingerprint: Fingerprint, video_id: str | None) -> Video | None:
        """Return the video of a file that an earlier run finished, if it still exists and is the one wanted."""
        if self._journal is None:
            return None
        try:
            entry = await self._journal.find(fingerprint, self._base_url)
        except SourceError:
            return None  # The file is another one by now.
        if entry is None or video_id not in (None, entry.video_id):
            return None
        self._fingerprints.append(fingerprint)
        if client.config.api_key is None:
            return Video(video_id=entry.video_id)
        try:
            ingest = (await client.videos.get_status(entry.video_id)).ingest
            # An id alone proves little: an emulator that was started anew gives it to another video.
            if ingest is None or ingest.filesize not in (None, fingerprint["size"]):
                return None
            return await client.videos.get(entry.video_id)
        except NotFoundError:
            return None

    async def add(self, fingerprint: Fingerprint, video: Video) -> None:
        """Note that a file is uploaded; what cannot be noted is logged."""
        if self._journal is None:
            return
        self._fingerprints.append(fingerprint)
        entry = JournalEntry(
            fingerprint=fingerprint,
            base_url=self._base_url,
            video_id=video.video_id,
            mode="whole",
            chunk_size=fingerprint["size"],
        )
        await self._journal.save(entry)

    async def clear(self) -> None:
        """Forget the records of this command."""
        if self._journal is not None:
            for fingerprint in self._fingerprints:
                self._journal.forget(fingerprint, self._base_url)
