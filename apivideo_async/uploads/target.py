"""Where chunks go: into a container, with the API key, or through an upload token.

See service.md#uploads, service.md#token-uploads.
"""

from attrs import define, field

from ..protocol.content_range import ContentRange
from ..protocol.request import FilePart, Multipart, Request, build_request, check_text, path_for, query_string

__all__ = ["Container", "Delegated", "Target"]


@define
class Target:
    """An address for chunks."""

    video_id: str | None = None

    can_ask = False
    """Whether the server can be asked what it holds."""

    def request(self, part: FilePart, content_range: ContentRange | None) -> Request:
        """Build the request of one chunk."""
        raise NotImplementedError


def _headers(content_range: ContentRange | None) -> dict[str, str]:
    return {} if content_range is None else {"Content-Range": content_range.header}


@define
class Container(Target):
    """A video created before; the API key can ask for its status."""

    can_ask = True

    def request(self, part: FilePart, content_range: ContentRange | None) -> Request:
        """``POST /videos/{videoId}/source``."""
        return build_request(
            "videos.upload",
            "POST",
            path_for("/videos/{video_id}/source", video_id=self.video_id or ""),
            multipart=Multipart(part),
            headers=_headers(content_range),
            limit_class="uploads",
            flow=self.video_id or "",
        )


@define
class Delegated(Target):
    """An upload token. The first answer gives the video id, which every later chunk must repeat.

    Without it each chunk would silently create a video of its own (service.md#token-uploads).
    """

    token: str = field(default="", repr=False)

    def __attrs_post_init__(self) -> None:
        """Refuse an empty token or id before anything is sent."""
        check_text("token", self.token)
        if self.video_id is not None:
            check_text("video_id", self.video_id)

    def request(self, part: FilePart, content_range: ContentRange | None) -> Request:
        """``POST /upload?token=…``, without authorization; ``videoId`` stands before the file."""
        fields = {} if self.video_id is None else {"videoId": self.video_id}
        return Request(
            operation="videos.upload_with_token",
            method="POST",
            path="/upload",
            query=query_string({"token": self.token}),
            headers={"Accept": "application/json", **_headers(content_range)},
            multipart=Multipart(part, fields),
            limit_class="uploads",
            flow=self.video_id or self.token,
            authenticated=False,
        )
