"""The log of requests that tests read: what came, what it did, how it was answered; never a secret."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode

_SECRETS = frozenset({"token", "avh"})


@dataclass(slots=True)
class RequestRecord:
    """One request. `status` is None until it was answered, and stays None when the answer was dropped.

    `body_bytes` counts what was read of the body. `token_id` names the credentials that were accepted, it is
    not the token. Secret values in `query` are masked.
    """

    number: int
    method: str
    path: str
    query: str
    operation: str | None
    content_range: str | None
    status: int | None = None
    body_bytes: int = 0
    video_id: str | None = None
    token_id: str | None = None
    fault: str | None = None
    started: float = field(default_factory=time.time)


def masked_query(query: str) -> str:
    """Replace the values of secret parameters by `***`."""
    pairs = parse_qsl(query, keep_blank_values=True)
    return urlencode([(name, "***" if name in _SECRETS else value) for name, value in pairs], safe="*[]")


class RequestLog:
    """The records in order of arrival; numbers start at 1 and go on after `clear`."""

    def __init__(self) -> None:
        self.records: list[RequestRecord] = []
        self._count = 0

    def open(
        self, method: str, path: str, query: str, operation: str | None, content_range: str | None
    ) -> RequestRecord:
        """Add the record of a request that arrives now."""
        self._count += 1
        record = RequestRecord(self._count, method, path, masked_query(query), operation, content_range=content_range)
        self.records.append(record)
        return record

    def clear(self) -> None:
        """Forget the records."""
        self.records.clear()
