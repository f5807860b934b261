"""Deliveries of webhooks: signed by api.video, and worth nothing unless the signature fits (CONTRACT §12).

The signature is the hex HMAC-SHA256 of the body *as received*, keyed with the whole secret, ``sig_sec_`` included.
JSON that was parsed and written again differs in spaces, so only raw bytes are taken.
"""

import hmac
import json
from collections.abc import Iterable, Mapping

from ..errors import ApiVideoError, ConfigurationError, WebhookSignatureError
from ..models import WebhookEvent, event_from

__all__ = ["SIGNATURE_HEADER", "WEBHOOK_ID_HEADER", "sign", "unwrap", "verify"]

SIGNATURE_HEADER = "X-Api-Video-Signature"
WEBHOOK_ID_HEADER = "X-Api-Video-WebhookID"


def sign(body: bytes, secret: str) -> str:
    """Return the signature that api.video sends along with ``body``; also useful to test a receiver."""
    return hmac.new(secret.encode(), body, "sha256").hexdigest()


def verify(body: bytes, headers: Mapping[str, str], secret: str | Iterable[str]) -> None:
    """Check that api.video sent ``body``.

    ``body``: as received. ``headers``: of the delivery, names in any case. ``secret``: the subscription's
    ``signature_secret``, or several: those of several subscriptions, or the old and the new one while they change.
    Raises ``WebhookSignatureError`` when none of them fits, ``ConfigurationError`` for arguments that cannot work.
    """
    secrets = [secret] if isinstance(secret, str) else list(secret)
    if not secrets or not all(secrets):
        raise ConfigurationError("no webhook secret: pass the signature_secret of the webhook (or of several)")
    if not isinstance(body, bytes | bytearray | memoryview):
        raise ConfigurationError(f"body must be the bytes as received, not {type(body).__name__}: unparsed")
    given = next((value for name, value in headers.items() if name.lower() == SIGNATURE_HEADER.lower()), None)
    if given is None:
        raise WebhookSignatureError(f"the delivery has no header {SIGNATURE_HEADER}: api.video did not send it")
    # All are compared, each in constant time: neither a digit nor the number of the secret shows in the duration.
    fits = [hmac.compare_digest(sign(body, one).encode(), given.strip().lower().encode()) for one in secrets]
    if not any(fits):
        raise WebhookSignatureError("the signature does not fit: a wrong secret, a changed body, or a forged delivery")


def unwrap(body: bytes, headers: Mapping[str, str], secret: str | Iterable[str]) -> WebhookEvent:
    """Check a delivery as :func:`verify` does, and read it; an event of an unknown type is an ``UnknownEvent``.

    Deliveries may come twice and in any order; ``event.key`` is the same for each of the same event.
    """
    verify(body, headers, secret)
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, Mapping):
        raise ApiVideoError("the delivery is signed, but its body is no JSON object")
    return event_from(content)
