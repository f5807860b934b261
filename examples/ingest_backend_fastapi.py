"""A web backend that hands sources to workers and shows how far they are; it moves no bytes itself.

``POST /ingestions`` takes a list of addresses and titles, enters them in the PostgreSQL that all workers share, and
answers at once. Each source becomes one video, however often it is handed in, and whatever becomes of workers, of the
network or of this process. ``GET /ingestions/KEY`` tells about one source, ``GET /ingestions`` about all, and the page
at ``/`` shows it.

The workers fetch what they are told from where they stand, so whoever may post could make them read what is private.
``INGEST_FROM`` holds the beginnings of the addresses that are taken, with spaces between them: end them with a slash.
Who may post at all is your login's business, which goes in front of this.

Install: ``pip install '.[cli,distributed,objects]' fastapi uvicorn`` in a clone. Run::

    export APIVIDEO_API_KEY=... APIVIDEO_DATABASE_URL=postgresql://user:password@host/name
    apivideo distributed init                                       # once
    apivideo distributed worker                                     # in other terminals, on any number of machines
    export INGEST_FROM='https://media.example.com/ s3://films/'
    uvicorn ingest_backend_fastapi:app --app-dir examples           # or: python examples/ingest_backend_fastapi.py
    curl --json '[{"uri": "https://media.example.com/a.mp4", "title": "A"}]' http://127.0.0.1:8000/ingestions

Against a local api.video: ``apivideo emulator`` in another terminal, then the two ``export`` lines that it prints.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import uvicorn
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import FileResponse, JSONResponse
from pydantic import BaseModel, Field

from apivideo_async import ApiVideoError, LedgerError
from apivideo_async.distributed import Distributed
from apivideo_async.ingest import make_item

ALLOWED = tuple(os.environ.get("INGEST_FROM", "https:// s3:// gs:// az://").split())
PAGE = Path(__file__).with_suffix(".html")


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
    if not all(source.uri.startswith(ALLOWED) for source in sources):
        raise HTTPException(403, f"addresses must begin with {' or '.join(ALLOWED)}")
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
