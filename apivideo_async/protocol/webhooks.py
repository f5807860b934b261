"""Deliveries of webhooks: accepted only with the signature of api.video (service.md#webhook-signatures).

The signature is the hex HMAC-SHA256 of the body *as received*, keyed with the whole secret, ``sig_sec_`` included.
JSON that was parsed and written again differs in spaces, so only raw bytes are taken.

Anyone can send to the address of a receiver. Invalid input of any kind ends in ``WebhookSignatureError``, which a
receiver answers with 400. Any other error would be answered with 500 and be reported as a defect of the receiver.
"""

import hmac
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NoReturn, TypeAlias

from ..errors import ConfigurationError, WebhookSignatureError
from ..models import WebhookEvent, event_from

__all__ = ["SIGNATURE_HEADER", "WEBHOOK_ID_HEADER", "Body", "Headers", "secrets_from", "sign", "unwrap", "verify"]

SIGNATURE_HEADER = "X-Api-Video-Signature"
WEBHOOK_ID_HEADER = "X-Api-Video-WebhookID"

Body: TypeAlias = bytes | bytearray | memoryview
Headers: TypeAlias = Mapping[str, Any] | Iterable[tuple[str | bytes, str | bytes]]
"""The headers of a delivery as web frameworks give them: a mapping, the pairs of ASGI, or the ``environ`` of WSGI."""

_DEEPEST = 100
"""How deeply the JSON of an event may be nested. Deeper values exhaust the stack of whoever walks them."""


def sign(body: Body, secret: str) -> str:
    """Return the signature that api.video sends along with ``body``; also useful to test a receiver.

    Raises ``ConfigurationError`` for a body or a secret that :func:`verify` does not take.
    """
    return _signature(_raw(body), secrets_from([secret])[0])


def _signature(body: bytes, secret: str) -> str:
    return hmac.new(secret.encode(), body, "sha256").hexdigest()


def verify(body: Body, headers: Headers, secret: str | Iterable[str]) -> None:
    """Check that api.video sent ``body``.

    ``body``: as received. ``headers``: of the delivery, in any form (:data:`Headers`), names in any case. ``secret``:
    the subscription's ``signature_secret``, or several: those of several subscriptions, or the old and the new one
    while they change. White space around a secret, such as the end of the line in a file, is left out.

    Raises ``WebhookSignatureError`` when no signature fits, ``ConfigurationError`` for arguments that cannot work.
    """
    secrets, raw, given = secrets_from(secret), _raw(body), list(_signatures(headers))
    if not given:
        raise WebhookSignatureError(f"the delivery has no header {SIGNATURE_HEADER}: api.video did not send it")
    # All are compared, each in constant time: neither a digit nor the number of the secret shows in the duration.
    # Bytes, because compare_digest refuses text that is not ASCII.
    expected = [_signature(raw, one).encode() for one in secrets]
    fits = [hmac.compare_digest(one, signature) for one in expected for signature in given]
    if not any(fits):
        raise WebhookSignatureError("the signature does not fit: a wrong secret, a changed body, or a forged delivery")


def unwrap(body: Body, headers: Headers, secret: str | Iterable[str]) -> WebhookEvent:
    """Check a delivery as :func:`verify` does, and read it; an event of an unknown type is an ``UnknownEvent``.

    Deliveries may come twice and in any order; ``event.key`` is the same for each of the same event. Raises as
    :func:`verify`, and ``WebhookSignatureError`` also for a signed body that is no JSON object.
    """
    verify(body, headers, secret)
    try:
        content = json.loads(_raw(body), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict) or _nested_deeper(content, _DEEPEST):
        raise WebhookSignatureError("the delivery is signed, but its body is no JSON object as api.video sends them")
    return event_from(content)


def secrets_from(secret: str | Iterable[str]) -> list[str]:
    """Return the secrets without white space around them. Raises ``ConfigurationError`` for what can be none."""
    try:
        given = [secret] if isinstance(secret, str) else list(secret)
        secrets = [one.strip() for one in given]
        for one in secrets:
            one.encode()
    except (TypeError, AttributeError, UnicodeEncodeError):
        raise ConfigurationError("a webhook secret must be a text, or several in a list") from None
    if not secrets or not all(secrets):
        raise ConfigurationError("no webhook secret: pass the signature_secret of the webhook (or of several)")
    return secrets


def _raw(body: Any) -> bytes:
    if not isinstance(body, bytes | bytearray | memoryview):
        raise ConfigurationError(f"body must be the bytes as received, not {type(body).__name__}: unparsed")
    return bytes(body)


def _signatures(headers: Any) -> Iterator[bytes]:
    """Return every signature in the headers. A proxy may have doubled the header, so each of them is tried."""
    try:
        pairs = [(name, value) for name, value in (headers.items() if hasattr(headers, "items") else headers)]
    except (TypeError, ValueError):
        raise ConfigurationError(
            f"headers must be a mapping or pairs of names and values, not {type(headers).__name__}"
        ) from None
    for name, value in pairs:
        if _plain(name).lower().replace(b"_", b"-").removeprefix(b"http-") == SIGNATURE_HEADER.lower().encode():
            # Several values of one name are a list in some forms, such as the events of AWS Lambda.
            for one in value if isinstance(value, list | tuple) else (value,):
                yield _plain(one).strip().lower()


def _plain(text: Any) -> bytes:
    """Return the bytes of a name or value of a header; what is neither text nor bytes is like an empty one."""
    if isinstance(text, str):
        return text.encode(errors="surrogatepass")
    return bytes(text) if isinstance(text, bytes | bytearray | memoryview) else b""


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _nested_deeper(content: Any, depth: int) -> bool:
    """Whether a JSON value is nested deeper than this; level by level, because recursion is what it protects from."""
    level = [content]
    for _ in range(depth):
        level = [
            inner
            for value in level
            if isinstance(value, dict | list)
            for inner in (value.values() if isinstance(value, dict) else value)
        ]
    return bool(level)
