"""Records the files that an interrupted ``apivideo upload`` has already uploaded.

The journal deletes the entry of a completed upload. Without these records, the same command
would continue the interrupted file and upload the completed ones again.
"""

from typing import Any, TypeAlias

from ....client import ApiVideoClient
from ....errors import NotFoundError
from ....models import Video
from ....private_files import state_folder
from ....uploads.journal import Journal, JournalEntry

__all__ = ["Fingerprint", "FinishedUploads"]

Fingerprint: TypeAlias = dict[str, Any]


class FinishedUploads:
    """The records of one command, which are deleted when all its files are uploaded."""

    def __init__(self, base_url: str) -> None:
        folder = state_folder("finished")
        self._journal = None if folder is None else Journal(folder, base_url)
        self._fingerprints: list[Fingerprint] = []

    async def find(
        self, client: ApiVideoClient, fingerprint: Fingerprint, video_id: str | None
    ) -> Video | None:
        """Return the video of a file that an earlier run uploaded, if it still exists."""
        if self._journal is None:
            return None
        entry = await self._journal.find(fingerprint)
        if entry is None or video_id not in (None, entry.video_id):
            return None
        self._fingerprints.append(fingerprint)
        if client.config.api_key is None:
            return Video(video_id=entry.video_id)
        try:
            ingest = (await client.videos.get_status(entry.video_id)).ingest
            # The id alone does not identify the video: a restarted emulator may use it again.
            if ingest is None or ingest.filesize not in (None, fingerprint["size"]):
                return None
            return await client.videos.get(entry.video_id)
        except NotFoundError:
            return None

    async def add(self, fingerprint: Fingerprint, video: Video) -> None:
        """Record that a file is uploaded. The journal logs a record that cannot be written."""
        if self._journal is None:
            return
        self._fingerprints.append(fingerprint)
        entry = JournalEntry(
            fingerprint=fingerprint,
            base_url=self._journal.base_url,
            video_id=video.video_id,
            mode="whole",
            chunk_size=fingerprint["size"],
        )
        await self._journal.save(entry)

    async def clear(self) -> None:
        """Delete the records of this command."""
        if self._journal is not None:
            for fingerprint in self._fingerprints:
                self._journal.forget(fingerprint)
