"""A web backend that passes uploads on to api.video while they come in: nothing on disk, memory constant.

The body of a request goes straight into a video. When the sender is faster than the line to api.video, it is slowed
down; each upload holds at most ``(concurrency + 1) x chunk_size`` bytes, 24 MiB here, however large the video is.
When the sender goes away, its video is deleted: nobody could send the rest. On its way down uvicorn waits for running
uploads; whatever a harder end leaves behind api.video deletes by itself after seven days.

Install: ``pip install . fastapi uvicorn`` in a clone. Run::

    export APIVIDEO_API_KEY=...
    uvicorn fastapi_passthrough:app --app-dir examples        # or: python examples/fastapi_passthrough.py
    curl -T movie.mp4 'http://127.0.0.1:8000/videos?title=Movie'

Against a local api.video: ``apivideo emulator`` in another terminal, then the two ``export`` lines that it prints.
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
OPTIONS = UploadOptions(chunk_size=8 * MIB, concurrency=2)  # 8 MiB chunks reach 78 GiB: a video has 10,000 at most.


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Keep one client, with its connections and its request budget, for as long as the app runs."""
    async with ApiVideoClient(upload=OPTIONS) as client:
        app.state.client = client
        yield


app = FastAPI(title="Uploads passed on to api.video", lifespan=lifespan)


async def the_client(request: Request) -> ApiVideoClient:
    """Find the client of the app."""
    client: ApiVideoClient = request.app.state.client
    return client


@app.put("/videos", status_code=201)
@app.post("/videos", status_code=201)
async def receive(
    request: Request, title: str, client: Annotated[ApiVideoClient, Depends(the_client)]
) -> dict[str, str | None]:
    """Stream the request's body, which is the file itself, into a new video."""
    if request.headers.get("content-type", "").startswith("multipart/"):
        raise HTTPException(415, "send the file itself as the body, not a form: curl -T movie.mp4 ...")
    container = await client.videos.create(title=title)
    try:
        video = await client.videos.upload(container.video_id, request.stream())
    except BaseException:  # Also when the request is cancelled: what arrived is no video.
        await asyncio.shield(client.videos.delete(container.video_id, missing_ok=True))
        raise
    return {"videoId": video.video_id, "player": video.assets.player if video.assets else None}


@app.exception_handler(ApiVideoError)
async def explain(request: Request, error: ApiVideoError) -> JSONResponse:
    """Answer what went wrong: 499 and nobody there to read it, 400 for the sender's fault, 502 for api.video's."""
    if isinstance(error.__cause__, ClientDisconnect):
        return JSONResponse({"detail": "the sender went away"}, 499)
    return JSONResponse({"detail": str(error)}, 400 if isinstance(error, SourceError) else 502)


def main() -> None:
    """Serve on this machine's loopback address."""
    uvicorn.run(app, host="127.0.0.1", port=8000)


if __name__ == "__main__":
    main()
