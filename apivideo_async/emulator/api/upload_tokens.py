"""``/upload-tokens``: tokens for delegated uploads.

See service.md#upload-token-operations, service.md#upload-tokens.
"""

from __future__ import annotations

from aiohttp import web

from ..operations import Call, Operation, answer, answer_page, api, no_content
from ..rules.payloads import TOKEN_CREATION, validate
from ..state.items import by_creation, sort_items
from ..state.records import UploadToken


def _ttl(token: UploadToken) -> tuple[int, int]:
    return token.ttl, token.number


async def list_tokens(call: Call) -> web.StreamResponse:
    """List the active tokens, newest first."""
    today = call.state.expiry_date
    active = [token for token in call.state.upload_tokens.values() if token.active(today)]
    ordered = sort_items(active, call.query, {"createdAt": by_creation, "ttl": _ttl})
    return answer_page(call, ordered, UploadToken.as_json)


async def create_token(call: Call) -> web.StreamResponse:
    """Create a token. The payload may be ``{}``. The response is 200.

    See service.md#upload-token-operations.
    """
    body = validate(await call.json(), TOKEN_CREATION)
    return answer(call.state.create_upload_token(body.get("ttl", 0)).as_json())


async def get_token(call: Call) -> web.StreamResponse:
    """Return one active token."""
    return answer(call.state.upload_token(call.path("uploadToken")).as_json())


async def delete_token(call: Call) -> web.StreamResponse:
    """Delete a token. It stops working at once."""
    del call.state.upload_tokens[call.state.upload_token(call.path("uploadToken")).key]
    return no_content()


OPERATIONS: tuple[Operation, ...] = (
    api("upload_tokens.list", "GET", "/upload-tokens", list_tokens),
    api("upload_tokens.create", "POST", "/upload-tokens", create_token),
    api("upload_tokens.get", "GET", "/upload-tokens/{uploadToken}", get_token),
    api("upload_tokens.delete", "DELETE", "/upload-tokens/{uploadToken}", delete_token),
)
