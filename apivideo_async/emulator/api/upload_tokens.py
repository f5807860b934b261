"""``/upload-tokens``: tokens for delegated uploads.

See service.md#upload-token-operations, service.md#upload-tokens.
"""

from aiohttp import web

from ..operations import Call, answer
from ..rules.payloads import TOKEN_CREATION, validate
from ..state.items import by_creation
from ..state.records import UploadToken
from .items import Items

__all__ = ["UPLOAD_TOKENS", "create"]


class _UploadTokens(Items[UploadToken]):
    def find(self, call: Call) -> UploadToken:
        """Return the token that the path names. Raises a refusal (404) if it is not active."""
        return call.state.upload_token(call.path(self.parameter))


UPLOAD_TOKENS = _UploadTokens(
    collection=lambda state: state.upload_tokens,
    parameter="uploadToken",
    as_json=lambda call, token: token.as_json(),
    sort_keys={"createdAt": by_creation, "ttl": lambda token: (token.ttl, token.number)},
    matches=lambda call, token: token.active(call.state.expiry_date),
)


async def create(call: Call) -> web.StreamResponse:
    """Create a token. The payload may be ``{}``. The response is 200.

    See service.md#upload-token-operations.
    """
    body = validate(await call.json(), TOKEN_CREATION)
    return answer(call.state.create_upload_token(body.get("ttl", 0)).as_json())
