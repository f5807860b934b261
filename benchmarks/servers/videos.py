"""The state of the sink: its videos and its faults."""

import re
import threading
from typing import Any

RANGE = re.compile(r"(bytes|part) (\d+)(?:-(\d+))?/(\d+|\*)")


class Video:
    """The received chunks of one video."""

    def __init__(self, video_id: str, fields: dict[str, Any]) -> None:
        self.video_id = video_id
        self.fields = fields
        self.looks = 0
        self.sizes: dict[tuple[int, int], int] = {}
        self.mode = "whole"
        self.total: int | None = None

    def add(self, content_range: str | None, size: int) -> None:
        """Record one chunk of ``size`` bytes."""
        found = RANGE.fullmatch(content_range or "")
        if found is None:
            self.sizes[0, size - 1], self.total = size, size
            return
        self.mode, first, last, total = found[1], int(found[2]), int(found[3] or 0), found[4]
        self.sizes[first, last] = size
        self.total = self.total if total == "*" else int(total)

    @property
    def filesize(self) -> int:
        return sum(self.sizes.values())

    @property
    def complete(self) -> bool:
        return self.total is not None and self.total == (
            len(self.sizes) if self.mode == "part" else self.filesize
        )

    def shown(self) -> dict[str, object]:
        """Return the video as JSON."""
        address = f"https://cdn.example/vod/{self.video_id}"
        return {
            "videoId": self.video_id,
            "title": self.fields["title"],
            "public": True,
            "tags": [],
            "metadata": self.fields.get("metadata", []),
            "createdAt": "2024-07-14T23:36:07+00:00",
            "updatedAt": "2024-07-14T23:36:07+00:00",
            "source": {"uri": f"/videos/{self.video_id}/source"},
            "assets": {
                "player": address,
                "hls": f"{address}/manifest.m3u8",
                "mp4": f"{address}/source.mp4",
            },
        }

    def status(self) -> dict[str, object]:
        """Return the status as JSON.

        A video that the service fetches from an address is ingested at the second poll.
        """
        if "source" in self.fields:
            self.looks += 1
            ingest = {"status": "ingested" if self.looks > 1 else "ingesting"}
            return {"ingest": ingest, "encoding": {"playable": self.looks > 1, "qualities": []}}
        if not self.sizes:
            return {"ingest": None, "encoding": {"playable": False, "qualities": []}}
        ingest = {"status": "uploaded" if self.complete else "uploading"}
        if self.complete:
            ingest["filesize"] = self.filesize
        if self.mode == "part":
            ingest["receivedParts"] = {
                "parts": sorted(first for first, _ in self.sizes),
                "total": self.total,
            }
        else:
            spans = [
                {"from": first, "to": last, "total": self.total}
                for first, last in sorted(self.sizes)
            ]
            ingest["receivedBytes"] = spans
        return {"ingest": ingest, "encoding": {"playable": self.complete, "qualities": []}}


class World:
    """All videos, and the settings of the faults."""

    def __init__(self, lose: int | None = None, most: int | None = None) -> None:
        self.videos: dict[str, Video] = {}
        self.keys: dict[str, Video] = {}
        self.lock = threading.Lock()
        self.receiving = 0
        self.most = most
        self.lose = lose
        self._received = 0

    def create(self, fields: dict[str, Any]) -> Video:
        with self.lock:
            video = Video(f"vi{len(self.videos):022d}", fields)
            self.videos[video.video_id] = video
            self.keys |= {
                pair["value"]: video
                for pair in fields.get("metadata", [])
                if pair["key"] == "ingestKey"
            }
        return video

    def listed(self, key: str) -> dict[str, object]:
        """Return the page of the videos with an ``ingestKey``; there is at most one."""
        found = [self.keys[key].shown()] if key in self.keys else []
        count = len(found)
        page = {
            "currentPage": 1,
            "pageSize": 25,
            "pagesTotal": 1,
            "itemsTotal": count,
            "currentPageItems": count,
        }
        return {"data": found, "pagination": page | {"links": []}}

    def unlucky(self, got: int) -> bool:
        """Count received bytes. True means that the connection must be reset now."""
        if self.lose is None:
            return False
        with self.lock:
            before, self._received = self._received, self._received + got
            return before // self.lose != self._received // self.lose
