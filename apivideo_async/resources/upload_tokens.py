"""Upload tokens: uploads without an API key, for browsers and devices (CONTRACT §6.3)."""

import json
from datetime import timedelta
from typing import Literal

from ..config import UNSET, Unset
from ..errors import ConfigurationError, NotFoundError
from ..models import Page, UploadToken
from ..paginator import Paginator
from ..pipeline import Pipeline
from ..protocol.request import build_request, path_for

__all__ = ["UploadTokens"]

LONGEST_TTL = 2_147_483_647


class UploadTokens:
    """``client.upload_tokens``."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline

    def list(
        self,
        *,
        sort_by: Literal["createdAt", "ttl"] | Unset = UNSET,
        sort_order: Literal["asc", "desc"] | Unset = UNSET,
        current_page: int = 1,
        page_size: int = 25,
        prefetch: int = 1,
    ) -> Paginator[UploadToken]:
        """List the tokens that are still good (``GET /upload-tokens``, reads)."""

        async def fetch(page: int) -> Page[UploadToken]:
            query = {"sortBy": sort_by, "sortOrder": sort_order, "currentPage": page, "pageSize": page_size}
            request = build_request("upload_tokens.list", "GET", "/upload-tokens", query=query)
            return await self._pipeline.page(request, UploadToken)

        return Paginator(fetch, current_page=current_page, page_size=page_size, prefetch=prefetch)

    async def create(self, *, ttl: int | timedelta = 0) -> UploadToken:
        """Create a token for any number of uploads (``POST /upload-tokens``, writes).

        ``ttl``: lifetime in seconds, 0 to 2,147,483,647, or a ``timedelta``; 0 never expires.
        """
        seconds = int(ttl.total_seconds()) if isinstance(ttl, timedelta) else ttl
        if not 0 <= seconds <= LONGEST_TTL:
            raise ConfigurationError(f"ttl is 0 (never expires) to {LONGEST_TTL:,} seconds, not {seconds:,}")
        body = json.dumps({"ttl": seconds}).encode()
        request = build_request("upload_tokens.create", "POST", "/upload-tokens", body=body)
        return await self._pipeline.call(request, UploadToken)

    async def get(self, upload_token: str) -> UploadToken:
        """Show a token (``GET /upload-tokens/{uploadToken}``, reads)."""
        path = path_for("/upload-tokens/{upload_token}", upload_token=upload_token)
        return await self._pipeline.call(build_request("upload_tokens.get", "GET", path), UploadToken)

    async def delete(self, upload_token: str, *, missing_ok: bool = False) -> None:
        """Revoke a token (``DELETE /upload-tokens/{uploadToken}``, writes)."""
        path = path_for("/upload-tokens/{upload_token}", upload_token=upload_token)
        try:
            await self._pipeline.send(build_request("upload_tokens.delete", "DELETE", path))
        except NotFoundError:
            if not missing_ok:
                raise
