"""A web backend that hands sources to workers and shows how far they are; it moves no bytes itself.

``POST /ingestions`` takes a list of addresses and titles, enters them in the PostgreSQL that all workers share, and
answers at once. Each source becomes one video, however often it is handed in, and whatever becomes of workers, of the
network or of this process. ``GET /ingestions/KEY`` tells about one source, ``GET /ingestions`` about all, and the page
at ``/`` shows it.

The workers fetch what they are told from their own network, so without a check a caller could make them read internal
services. ``INGEST_FROM`` lists the servers, buckets and folders that sources may come from, with spaces between them;
without it nothing is taken. A server whose name resolves to a private, loopback or link-local address is refused; a
private server can only be listed by its number. The workers follow redirects within a server only. This example does
not check who may post: put your login in front of it.

Install: ``pip install '.[cli,distributed,objects]' fastapi uvicorn`` in a clone. Run::

    export APIVIDEO_API_KEY=... APIVIDEO_DATABASE_URL=postgresql://user:password@host/name
    apivideo distributed init                                       # once
    apivideo distributed worker                                     # in other terminals, on any number of machines
    export INGEST_FROM='https://media.example.com/ s3://films/'
    uvicorn ingest_backend_fastapi:app --app-dir examples           # or: python examples/ingest_backend_fastapi.py
    curl --json '[{"uri": "https://media.example.com/a.mp4", "title": "A"}]' http://127.0.0.1:8000/ingestions

Against a local api.video: ``apivideo emulator`` in another terminal, then the two ``export`` lines that it prints.
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
    """An address taken apart, so that no spelling of it can pass for another."""

    scheme: str
    host: str
    port: int | None
    path: str

    @classmethod
    def of(cls, uri: str) -> "Place":
        """Take an address apart. Raises ``ValueError`` for local files and for ambiguous addresses."""
        scheme, found, rest = uri.partition("://")
        host, _, path = rest.partition("/")
        if not found or not host or not uri.isprintable() or any(sign in host for sign in "@\\?# %"):
            raise ValueError
        if scheme.lower() not in PORTS:
            return cls(scheme.lower(), host, None, path)
        parts = urlsplit(uri)
        steps = unquote(parts.path).replace("\\", "/").split("/")
        if not parts.hostname or ".." in steps or "." in steps:
            raise ValueError
        return cls(parts.scheme, parts.hostname.rstrip("."), parts.port or PORTS[parts.scheme], parts.path.lstrip("/"))

    def holds(self, other: "Place") -> bool:
        """Tell whether another place is this one, or below it."""
        folder = self.path if self.path.endswith("/") or not self.path else f"{self.path}/"
        return self[:3] == other[:3] and (other.path.startswith(folder) or other.path == self.path)


ALLOWED = [Place.of(uri) for uri in os.environ.get("INGEST_FROM", "").split()]


def is_public(address: str) -> bool:
    """Tell whether everybody reaches the same machine under a numeric address."""
    found = ip_address(address.partition("%")[0])
    if isinstance(found, IPv6Address):
        within = IPv4Address(int(found) & 0xFFFFFFFF) if found in NAT64 else found.ipv4_mapped or found.sixtofour
        found = within or found
    return found.is_global and not found.is_multicast


def is_number(host: str) -> bool:
    """Tell whether a host is given as an address, and not by name."""
    try:
        return bool(ip_address(host))
    except ValueError:
        return False


async def check(uri: str) -> None:
    """Refuse (403) a source that is not below ``INGEST_FROM``, or whose server is inside a network."""
    try:
        place = Place.of(uri)
    except ValueError:
        place = None
    if place is None or not any(allowed.holds(place) for allowed in ALLOWED):
        raise HTTPException(
            403, f"addresses must begin with {os.environ.get('INGEST_FROM') or '(INGEST_FROM is empty)'}"
        )
    if place.port is None or is_number(place.host):
        return  # A bucket, or a number that INGEST_FROM itself gives.
    try:
        found = await asyncio.get_running_loop().getaddrinfo(place.host, place.port, type=SOCK_STREAM)
    except OSError:
        raise HTTPException(403, f"{place.host} is not known") from None
    if not all(is_public(str(sockaddr[0])) for *_, sockaddr in found):
        raise HTTPException(403, f"{place.host} has a private address")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Keep some connections to the database; a request waits five seconds for one that is away."""
    async with Distributed(os.environ["APIVIDEO_DATABASE_URL"], patience=5) as shared:
        app.state.shared = shared
        yield


app = FastAPI(title="Ingestion into api.video", lifespan=lifespan)


async def the_shared(request: Request) -> Distributed:
    """Find the ledger and the queue that the workers share."""
    shared: Distributed = request.app.state.shared
    return shared


Shared = Annotated[Distributed, Depends(the_shared)]


class Source(BaseModel):
    """What is to become a video."""

    uri: str
    title: str | None = None


class Ingestion(BaseModel):
    """What became of a source."""

    title: str
    state: str
    video_id: str | None
    error: str | None


@app.post("/ingestions", status_code=202)
async def defer(sources: Annotated[list[Source], Field(max_length=1000)], shared: Shared) -> dict[str, list[str] | int]:
    """Hand sources to the workers: the key of each, and how many were new."""
    for source in sources:
        await check(source.uri)
    items = [await make_item(source.uri, title=source.title) for source in sources]
    added = await shared.defer_ingest(items)
    return {"keys": added.keys, "new": len(added.new)}


@app.get("/ingestions")
async def progress(shared: Shared) -> dict[str, Any]:
    """Count the sources, by state."""
    totals = await shared.totals()
    return {"states": totals.items, "total": totals.count(), "open": totals.open}


@app.get("/ingestions/{key}")
async def ingestion(key: str, shared: Shared) -> Ingestion:
    """Tell how far a source is. Its address stays here: it may be signed, and so a secret."""
    record = await shared.record(key)
    if record is None:
        raise HTTPException(404, "no such ingestion")
    title = record.item.fields["title"]
    return Ingestion(title=title, state=record.state, video_id=record.video_id, error=record.message)


@app.get("/", include_in_schema=False)
async def page() -> FileResponse:
    """Show how far everything is."""
    return FileResponse(PAGE)


@app.exception_handler(ApiVideoError)
async def explain(request: Request, error: ApiVideoError) -> JSONResponse:
    """Answer what went wrong: 503 while the database is away, 422 for what cannot be ingested."""
    return JSONResponse({"detail": str(error)}, 503 if isinstance(error, LedgerError) else 422)


def main() -> None:
    """Serve on this machine's loopback address."""
    uvicorn.run(app, host="127.0.0.1", port=8000)


if __name__ == "__main__":
    main()
