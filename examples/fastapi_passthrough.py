"""A web backend that streams uploads to api.video as they arrive.

Nothing is written to disk, and the memory is constant: each upload holds at most
``(concurrency + 1) x chunk_size`` bytes, 24 MiB here, for any size of the video. A sender that is
faster than the connection to api.video is slowed down. If the sender disconnects, its video is
deleted, because no other request can send the rest. On shutdown uvicorn waits for running uploads.
If the process is killed, api.video deletes the incomplete video after seven days.

Install: ``pip install . fastapi uvicorn`` in a clone. Run::

    export APIVIDEO_API_KEY=...
    uvicorn fastapi_passthrough:app --app-dir examples  # or: python examples/fastapi_passthrough.py
    curl -T movie.mp4 'http://127.0.0.1:8000/videos?title=Movie'

To run it against a local api.video, start ``apivideo emulator`` in another terminal and enter the
two ``export`` lines that it prints.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import uvicorn
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect

from apivideo_async import ApiVideoClient, ApiVideoError, SourceError, UploadOptions

MIB = 1024 * 1024
# A video has at most 10,000 chunks, so chunks of 8 MiB suffice for 78 GiB.
OPTIONS = UploadOptions(chunk_size=8 * MIB, concurrency=2)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Keep one client, with its connections and its request budget, while the app runs."""
    async with ApiVideoClient(upload=OPTIONS) as client:
        app.state.client = client
        yield


app = FastAPI(title="Uploads passed on to api.video", lifespan=lifespan)


async def the_client(request: Request) -> ApiVideoClient:
    """Return the client of the app."""
    client: ApiVideoClient = request.app.state.client
    return client


@app.put("/videos", status_code=201)
@app.post("/videos", status_code=201)
async def receive(
    request: Request, title: str, client: Annotated[ApiVideoClient, Depends(the_client)]
) -> dict[str, str | None]:
    """Stream the body of the request, which is the file itself, into a new video."""
    if request.headers.get("content-type", "").startswith("multipart/"):
        raise HTTPException(
            415, "send the file itself as the body, not a form: curl -T movie.mp4 ..."
        )
    container = await client.videos.create(title=title)
    try:
        video = await client.videos.upload(container.video_id, request.stream())
    except BaseException:  # This includes cancellation. Shield the deletion from it.
        await asyncio.shield(client.videos.delete(container.video_id, missing_ok=True))
        raise
    return {"videoId": video.video_id, "player": video.assets.player if video.assets else None}


@app.exception_handler(ApiVideoError)
async def explain(request: Request, error: ApiVideoError) -> JSONResponse:
    """Convert an error to a response.

    499: the sender disconnected (and will not read it). 400: the file cannot be used. 502:
    api.video failed.
    """
    if isinstance(error.__cause__, ClientDisconnect):
        return JSONResponse({"detail": "the sender went away"}, 499)
    return JSONResponse({"detail": str(error)}, 400 if isinstance(error, SourceError) else 502)


def main() -> None:
    """Serve on the loopback address."""
    uvicorn.run(app, host="127.0.0.1", port=8000)


if __name__ == "__main__":
    main()
