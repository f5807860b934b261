"""Targets: a container, or an upload token (service.md#uploads, service.md#token-uploads)."""

from typing import ClassVar

from attrs import define, field

from ..protocol.content_range import ContentRange
from ..protocol.request import (
    FilePart,
    Multipart,
    Request,
    build_request,
    check_text,
    path_for,
    query_string,
)

__all__ = ["Container", "Delegated", "Target"]


@define
class Target:
    """The destination of the chunks of one upload."""

    video_id: str | None = None

    can_read_status: ClassVar[bool] = False
    """True if the API key can read the upload status of the video."""
    operation: ClassVar[str]

    def request(self, part: FilePart, content_range: ContentRange | None) -> Request:
        """Build the request for one chunk."""
        raise NotImplementedError


def _headers(content_range: ContentRange | None) -> dict[str, str]:
    return {} if content_range is None else {"Content-Range": content_range.header}


@define
class Container(Target):
    """An existing video. The API key can read its status."""

    can_read_status = True
    operation = "videos.upload"

    def request(self, part: FilePart, content_range: ContentRange | None) -> Request:
        """Build ``POST /videos/{videoId}/source``."""
        return build_request(
            self.operation,
            "POST",
            path_for("/videos/{video_id}/source", video_id=self.video_id or ""),
            multipart=Multipart(part),
            headers=_headers(content_range),
            limit_class="uploads",
            flow=self.video_id or "",
        )


@define
class Delegated(Target):
    """An upload with an upload token.

    The first response gives the video id, which every later chunk must repeat. Without the id, each
    chunk would create a separate video and no error would be reported (service.md#token-uploads).
    """

    token: str = field(default="", repr=False)

    operation = "videos.upload_with_token"

    def __attrs_post_init__(self) -> None:
        """Raise ``ConfigurationError`` for an empty token or video id, before anything is sent."""
        check_text("token", self.token)
        if self.video_id is not None:
            check_text("video_id", self.video_id)

    def request(self, part: FilePart, content_range: ContentRange | None) -> Request:
        """Build ``POST /upload?token=…`` without authorization."""
        fields = {} if self.video_id is None else {"videoId": self.video_id}
        return Request(
            operation=self.operation,
            method="POST",
            path="/upload",
            query=query_string({"token": self.token}),
            headers={"Accept": "application/json", **_headers(content_range)},
            multipart=Multipart(part, fields),
            limit_class="uploads",
            # The first chunk of a token upload has no video id, so the token identifies the flow.
            flow=self.video_id or self.token,
            authenticated=False,
        )
