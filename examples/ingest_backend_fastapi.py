"""A web backend that passes sources to workers and shows their progress.

The backend itself transfers no media. ``POST /ingestions`` takes a list of addresses and titles,
stores them in the PostgreSQL that all workers share, and answers at once. Each source becomes one
video, even if it is posted several times, and even if workers, the network or this process fail.
``GET /ingestions/KEY`` returns the state of one source, ``GET /ingestions`` the totals of all. The
page at ``/`` shows the totals.

The workers fetch the sources from their own network, so without a check a caller could make them
read internal services. ``INGEST_FROM`` lists the servers, buckets and folders that sources may
come from, separated by spaces; if it is empty, every source is refused. A server whose name
resolves to a private, loopback or link-local address is refused. A private server can only be
listed by its numeric address. The workers follow redirects only within a server. This example does
not check who may post: add your own login.

Install: ``pip install '.[cli,distributed,objects]' fastapi uvicorn`` in a clone. Run::

    export APIVIDEO_API_KEY=... APIVIDEO_DATABASE_URL=postgresql://user:password@host/name
    apivideo distributed init      # once
    apivideo distributed worker    # in other terminals, on any number of machines
    export INGEST_FROM='https://media.example.com/ s3://films/'
    uvicorn ingest_backend_fastapi:app --app-dir examples
    curl http://127.0.0.1:8000/ingestions --json '[
        {"uri": "https://media.example.com/a.mp4", "title": "A"}]'

Instead of uvicorn, ``python examples/ingest_backend_fastapi.py`` works too. To run it against a
local api.video, start ``apivideo emulator`` in another terminal and enter the two ``export`` lines
that it prints.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path
from socket import SOCK_STREAM
from typing import Annotated, Any, NamedTuple
from urllib.parse import unquote, urlsplit

import uvicorn
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import FileResponse, JSONResponse
from pydantic import BaseModel, Field

from apivideo_async import ApiVideoError, LedgerError
from apivideo_async.distributed import Distributed
from apivideo_async.ingest import make_item

PAGE = Path(__file__).with_suffix(".html")
PORTS = {"http": 80, "https": 443}
NAT64 = ip_network("64:ff9b::/96")


class Place(NamedTuple):
    """The parts of an address, so that different spellings of one address compare equal."""

    scheme: str
    host: str
    port: int | None
    path: str

    @classmethod
    def of(cls, uri: str) -> "Place":
        """Parse an address. Raises ``ValueError`` for local files and for ambiguous addresses."""
        scheme, found, rest = uri.partition("://")
        host, _, path = rest.partition("/")
        # Refuse characters that URL parsers treat differently.
        if (
            not found
            or not host
            or not uri.isprintable()
            or any(sign in host for sign in "@\\?# %")
        ):
            raise ValueError
        if scheme.lower() not in PORTS:
            return cls(scheme.lower(), host, None, path)
        parts = urlsplit(uri)
        # Refuse `..`, also when percent-encoded, because it could lead out of an allowed folder.
        steps = unquote(parts.path).replace("\\", "/").split("/")
        if not parts.hostname or ".." in steps or "." in steps:
            raise ValueError
        return cls(
            parts.scheme,
            parts.hostname.rstrip("."),
            parts.port or PORTS[parts.scheme],
            parts.path.lstrip("/"),
        )

    def holds(self, other: "Place") -> bool:
        """Return True if ``other`` is this place or is below it."""
        folder = self.path if self.path.endswith("/") or not self.path else f"{self.path}/"
        return self[:3] == other[:3] and (other.path.startswith(folder) or other.path == self.path)


ALLOWED = [Place.of(uri) for uri in os.environ.get("INGEST_FROM", "").split()]


def is_public(address: str) -> bool:
    """Return True for a numeric address that is reachable on the public internet."""
    found = ip_address(address.partition("%")[0])
    if isinstance(found, IPv6Address):
        # An IPv6 address may embed an IPv4 address, which is what a connection reaches.
        within = (
            IPv4Address(int(found) & 0xFFFFFFFF)
            if found in NAT64
            else found.ipv4_mapped or found.sixtofour
        )
        found = within or found
    return found.is_global and not found.is_multicast


def is_number(host: str) -> bool:
    """Return True if a host is given as a numeric address and not by name."""
    try:
        return bool(ip_address(host))
    except ValueError:
        return False


async def check(uri: str) -> None:
    """Refuse a source with 403.

    A source is refused if it is not below ``INGEST_FROM``, or if the name of its server resolves
    to an address that is not public.
    """
    try:
        place = Place.of(uri)
    except ValueError:
        place = None
    if place is None or not any(allowed.holds(place) for allowed in ALLOWED):
        raise HTTPException(
            403,
            f"URIs must begin with {os.environ.get('INGEST_FROM') or '(INGEST_FROM is empty)'}",
        )
    if place.port is None or is_number(place.host):
        return  # A bucket, or a numeric address that INGEST_FROM itself lists.
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            place.host, place.port, type=SOCK_STREAM
        )
    except OSError:
        raise HTTPException(403, f"{place.host} is not known") from None
    if not all(is_public(str(sockaddr[0])) for *_, sockaddr in found):
        raise HTTPException(403, f"{place.host} has a private address")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Keep connections to the database. A request waits five seconds for a lost connection."""
    async with Distributed(os.environ["APIVIDEO_DATABASE_URL"], outage_timeout=5) as shared:
        app.state.shared = shared
        yield


app = FastAPI(title="Ingestion into api.video", lifespan=lifespan)


async def the_shared(request: Request) -> Distributed:
    """Return the ledger and the queue that the workers share."""
    shared: Distributed = request.app.state.shared
    return shared


Shared = Annotated[Distributed, Depends(the_shared)]


class Source(BaseModel):
    """A source to be made into a video."""

    uri: str
    title: str | None = None


class Ingestion(BaseModel):
    """The state of a source."""

    title: str
    state: str
    video_id: str | None
    error: str | None


@app.post("/ingestions", status_code=202)
async def defer(
    sources: Annotated[list[Source], Field(max_length=1000)], shared: Shared
) -> dict[str, list[str] | int]:
    """Enqueue sources for the workers. Returns the key of each, and how many are new."""
    for source in sources:
        await check(source.uri)
    items = [await make_item(source.uri, title=source.title) for source in sources]
    added = await shared.defer_ingest(items)
    return {"keys": added.keys, "new": len(added.new)}


@app.get("/ingestions")
async def progress(shared: Shared) -> dict[str, Any]:
    """Return the number of sources in each state."""
    totals = await shared.totals()
    return {"states": totals.items, "total": totals.count(), "open": totals.open}


@app.get("/ingestions/{key}")
async def ingestion(key: str, shared: Shared) -> Ingestion:
    """Return the state of a source.

    Its address is left out: it may be signed, which makes it a secret.
    """
    record = await shared.record(key)
    if record is None:
        raise HTTPException(404, "no such ingestion")
    title = record.item.fields["title"]
    return Ingestion(
        title=title, state=record.state, video_id=record.video_id, error=record.message
    )


@app.get("/", include_in_schema=False)
async def page() -> FileResponse:
    """Send the page that shows the totals."""
    return FileResponse(PAGE)


@app.exception_handler(ApiVideoError)
async def explain(request: Request, error: ApiVideoError) -> JSONResponse:
    """Convert an error to a response.

    503: the database cannot be reached. 422: the sources cannot be ingested.
    """
    return JSONResponse({"detail": str(error)}, 503 if isinstance(error, LedgerError) else 422)


def main() -> None:
    """Serve on the loopback address."""
    uvicorn.run(app, host="127.0.0.1", port=8000)


if __name__ == "__main__":
    main()
