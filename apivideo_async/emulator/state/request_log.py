"""The request log, which tests inspect. It contains no secrets."""

import time
from urllib.parse import parse_qsl, urlencode

from attrs import define, evolve, field

__all__ = ["RequestLog", "RequestRecord"]

# Query parameters whose values are masked: upload token or private token, and session.
_SECRETS = frozenset({"token", "avh"})


def _masked(query: str) -> str:
    pairs = parse_qsl(query, keep_blank_values=True)
    # ``safe`` keeps the mask and array parameters such as ``tags[]`` readable.
    return urlencode(
        [(name, "***" if name in _SECRETS else value) for name, value in pairs], safe="*[]"
    )


@define
class RequestRecord:
    """One request. ``started`` is a Unix timestamp.

    ``status`` stays None if the connection was dropped. ``body_bytes`` is the number of body bytes
    read. ``token_id`` names the accepted credentials. Secrets in ``query`` are masked. ``quirk``
    names the quirk that lost, refused or repeated the request, or replaced its response.
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
    quirk: str | None = None
    started: float = field(factory=time.time)


@define(eq=False)
class RequestLog:
    """The records in order of arrival. Numbers start at 1 and continue after ``clear``."""

    records: list[RequestRecord] = field(factory=list, init=False)
    _count: int = field(default=0, init=False)

    def open(
        self, method: str, path: str, query: str, operation: str | None, content_range: str | None
    ) -> RequestRecord:
        self._count += 1
        record = RequestRecord(self._count, method, path, _masked(query), operation, content_range)
        self.records.append(record)
        return record

    def open_again(self, record: RequestRecord) -> RequestRecord:
        """Open a record for a request that arrives a second time."""
        self._count += 1
        again = evolve(record, number=self._count, status=None, started=time.time())
        self.records.append(again)
        return again

    def clear(self) -> None:
        self.records.clear()
