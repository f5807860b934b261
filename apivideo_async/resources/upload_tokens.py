"""Upload tokens: uploads without an API key (service.md#upload-token-operations)."""

from datetime import timedelta
from typing import Literal, Unpack

from ..config import UNSET, Unset
from ..errors import ConfigurationError
from ..models import UploadToken
from ..paginator import Paginator
from ..protocol.request import path_for
from ..protocol.writes import ExtraParameters, extra_only
from ._resource import PageQuery, Resource, SortOrder

__all__ = ["UploadTokens"]

LONGEST_TTL = 2_147_483_647
"""In seconds (service.md#upload-tokens)."""


class UploadTokens(Resource):
    """``client.upload_tokens``."""

    def list(
        self,
        *,
        sort_by: Literal["createdAt", "ttl"] | Unset = UNSET,
        sort_order: SortOrder | Unset = UNSET,
        **page: Unpack[PageQuery],
    ) -> Paginator[UploadToken]:
        """List the tokens that have not expired (``GET /upload-tokens``, reads)."""
        query = {"sortBy": sort_by, "sortOrder": sort_order}
        return self._list("upload_tokens.list", "/upload-tokens", UploadToken, page, query)

    async def create(
        self, *, ttl: int | timedelta = 0, **extra: Unpack[ExtraParameters]
    ) -> UploadToken:
        """Create a token for any number of uploads (``POST /upload-tokens``, writes).

        ``ttl`` is the lifetime in seconds, 0 to 2,147,483,647, or a ``timedelta``. A token with 0
        never expires. Raises ``ConfigurationError`` for another value.
        """
        seconds = int(ttl.total_seconds()) if isinstance(ttl, timedelta) else ttl
        if type(seconds) is not int or not 0 <= seconds <= LONGEST_TTL:
            text = f"ttl must be 0 (never expires) to {LONGEST_TTL:,} seconds, not {seconds!r}"
            raise ConfigurationError(text, option="ttl")
        fields = {"ttl": seconds, **extra_only(extra)}
        return await self._write(
            "upload_tokens.create", "POST", "/upload-tokens", UploadToken, fields
        )

    async def get(self, upload_token: str) -> UploadToken:
        """Return a token (``GET /upload-tokens/{uploadToken}``, reads)."""
        path = path_for("/upload-tokens/{upload_token}", upload_token=upload_token)
        return await self._call("upload_tokens.get", "GET", path, UploadToken)

    async def delete(self, upload_token: str, *, missing_ok: bool = False) -> None:
        """Revoke a token (``DELETE /upload-tokens/{uploadToken}``, writes)."""
        path = path_for("/upload-tokens/{upload_token}", upload_token=upload_token)
        await self._delete("upload_tokens.delete", path, missing_ok=missing_ok)
