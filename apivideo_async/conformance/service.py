"""The service under test: requests as they are, without adaptation, and the videos of a check.

A request is sent by ``Pipeline.attempt``, which waits for the request budget and repeats nothing.
Two disturbances concern any probe: a lost connection, and a gateway that answers in place of the
service. Such a request is repeated once, and the answer of a gateway is recorded.
"""

import asyncio
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import attrs
from attrs import define, field, frozen

from ..config import Mode
from ..errors import ApiConnectionError, ApiStatusError
from ..http.pipeline import Pipeline
from ..protocol.content_range import ContentRange
from ..protocol.json_body import as_json
from ..protocol.request import FilePart, Multipart, Request, build_request, path_for
from ..protocol.response import Response, parse_json
from ..protocol.retry import is_verdict
from ..uploads.received import ALREADY_COMPLETE, ALREADY_RECEIVED
from .observations import Findings, UndeterminedError
from .options import CheckOptions

__all__ = ["NAME", "SMALL", "TAG", "Answer", "Known", "Service", "videos_with"]

TAG = "apivideo-conformance"
"""The tag of every video of a check. A later check deletes those that were left."""
NAME = "apivideo conformance check"
"""The name of the live stream of a check, and the beginning of the titles of its videos."""
SMALL = 1024
"""Bytes of a small file, and of the last chunk of a larger one."""
MOST_REFUSALS = 5
"""429 responses to one request, after which it is not repeated."""
_ZEROS = memoryview(bytes(256 * 1024))


@frozen(kw_only=True)
class Answer:
    """A response of any status. Times are those of the event loop."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    slug: str | None = None
    verdict: bool = True
    """False for a status other than 2xx without a problem body: a gateway has answered."""
    sent: float
    received: float
    repeated: bool = False
    """True if an earlier attempt was lost or answered by a gateway."""

    @property
    def ok(self) -> bool:
        """True for a 2xx."""
        return 200 <= self.status < 300

    @property
    def already(self) -> bool:
        """True if the service says that it has received the chunk before."""
        return self.slug == ALREADY_COMPLETE or self.slug in ALREADY_RECEIVED

    @property
    def accepted(self) -> bool:
        """True if the service has the chunk of this request."""
        return self.ok or self.status == 308 or self.already

    @property
    def seconds(self) -> float:
        """Duration of the request."""
        return self.received - self.sent

    def json(self) -> dict[str, Any]:
        """Return the object in the body; an empty one if there is none."""
        parsed = parse_json(self.body)
        return parsed if isinstance(parsed, dict) else {}

    def __str__(self) -> str:
        return f"{self.status} ({self.slug})" if self.slug else str(self.status)


@define(eq=False)
class Known:
    """What earlier probes have found out, for later ones."""

    chunk: int
    """Bytes of the smallest chunk that is accepted, as far as it is known."""
    mode: Mode | None = None
    """The mode in which chunks are accepted; None: in neither."""
    small_seconds: float = 0.0
    """Duration of a small request."""
    chunk_seconds: float = 0.0
    """Duration of a request with ``chunk`` bytes."""
    status_delay: float = 0.0
    list_delay: float = 0.0
    new_video_delay: float = 0.0


@define(eq=False)
class Service:
    """Sends the requests of one check."""

    pipeline: Pipeline
    options: CheckOptions
    findings: Findings
    known: Known
    say: Callable[[str], None]
    """Called with what the check does next."""
    run: str = field(factory=lambda: secrets.token_hex(4), init=False)
    """Part of every title and a tag of every video of this check."""
    answers: list[tuple[Request, Answer]] = field(factory=list, init=False)
    """All answers to requests that have a budget."""
    requests: Counter[str] = field(factory=Counter, init=False)
    """Number of requests of each class."""
    bytes_sent: int = field(default=0, init=False)
    videos: set[str] = field(factory=set, init=False)
    """Paths of the videos and live streams that are to be deleted."""
    _deleted: set[str] = field(factory=set, init=False)
    _created: dict[str, float] = field(factory=dict, init=False)
    """When each video was created, by the clock of the event loop."""

    # -- Any request

    async def send(self, request: Request, *, refusable: bool = False) -> Answer:
        """Send a request. A 429 is repeated after the wait, unless it is ``refusable``.

        Raises ``UndeterminedError`` if a second attempt is lost or answered by a gateway as well. A
        413 of a gateway is returned. Raises the errors of ``Pipeline.attempt`` other than
        ``ApiStatusError``.
        """
        disturbance = None
        refusals = 0
        while True:
            try:
                answer = await self.attempt(request)
            except ApiConnectionError as error:
                if disturbance:
                    raise UndeterminedError(f"twice, {error.reason}") from None
                disturbance = "lost"
                continue
            if answer.status == 429 and answer.verdict and not refusable:
                refusals += 1
                if refusals > MOST_REFUSALS:
                    raise UndeterminedError("the service refuses every request with 429")
                continue
            by_gateway = not answer.verdict and answer.status not in (308, 413)
            if (by_gateway or answer.status >= 500) and not disturbance:
                disturbance = f"{answer.status}" if by_gateway else "failed"
                continue
            if by_gateway:
                self._note_gateway(request, answer.status, None)
                raise UndeterminedError(f"a gateway answered {answer.status} twice")
            if disturbance and disturbance.isdigit():
                self._note_gateway(request, int(disturbance), answer)
            return attrs.evolve(answer, repeated=disturbance is not None)

    async def attempt(self, request: Request) -> Answer:
        """Send a request once. Raises the errors of the pipeline other than ``ApiStatusError``."""
        sent = asyncio.get_running_loop().time()
        if request.limit_class is not None:
            self.requests[request.limit_class] += 1
        try:
            answer = _answer(await self.pipeline.attempt(request), sent)
        except ApiStatusError as error:
            answer = attrs.evolve(_answer(error, sent), slug=error.slug, verdict=is_verdict(error))
        if request.limit_class is not None:
            self.answers.append((request, answer))
        return answer

    async def send_and_close(self, make: Callable[[Callable[[], None]], Request]) -> None:
        """Send a complete request, and close its connection before the response.

        ``make`` gets a function to call when the body was sent. A response that is quicker is
        ignored.
        """
        sent = asyncio.Event()
        task = asyncio.create_task(self.attempt(make(sent.set)))
        waiting = asyncio.create_task(sent.wait())
        try:
            await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            task.cancel()
            waiting.cancel()
            await asyncio.gather(task, waiting, return_exceptions=True)

    def _note_gateway(self, request: Request, status: int, repeated: Answer | None) -> None:
        """Record an answer of a gateway, and whether the service had executed the request."""
        moment = ""
        if request.multipart is not None and repeated is not None and repeated.accepted:
            moment = "-after" if repeated.already else "-before"
        if not moment and self.findings.state("gateway-response") == "differs":
            return  # The earlier observation says more.
        executed = {"-after": "had", "-before": "had not"}.get(moment)
        text = f"{request.operation} was once answered with {status} without a problem body."
        if executed:
            text = f"{text[:-1]}; the service {executed} executed the request."
        self.findings.differs("gateway-response", text, f"{status}{moment}")

    # -- Videos

    def creation(self, title: str, **fields: Any) -> Request:
        """Return the request that creates a video of this check."""
        body = {"title": self.title(title), "tags": [TAG, self.tag], **fields}
        return build_request("videos.create", "POST", "/videos", body=as_json(body))

    def title(self, purpose: str) -> str:
        """Return the title of a video of this check."""
        return f"{NAME}: {purpose} ({self.run})"

    @property
    def tag(self) -> str:
        """The tag of the videos of this check only."""
        return f"{TAG}-{self.run}"

    async def create(self, title: str, **fields: Any) -> tuple[str, Answer]:
        """Create a video, and return its id."""
        answer = await self.send(self.creation(title, **fields))
        video_id = answer.json().get("videoId")
        if not answer.ok or not isinstance(video_id, str) or not video_id:
            raise UndeterminedError(f"a video could not be created: {answer}")
        self.videos.add(path_for("/videos/{video_id}", video_id=video_id))
        self._created[video_id] = answer.received
        return video_id, answer

    def add(self, path: str) -> None:
        """Note a video or live stream that is to be deleted. A list may show deleted ones."""
        if path not in self._deleted:
            self.videos.add(path)

    async def create_readable(self, title: str) -> str:
        """Create a video, and return its id when it can be read."""
        video_id, _ = await self.create(title)
        await self._becomes_readable(video_id)
        return video_id

    async def _becomes_readable(self, video_id: str) -> bool:
        """Wait until a new video can be read. Returns False if this was not necessary."""
        age = asyncio.get_running_loop().time() - self._created.get(video_id, 0.0)
        left = self.known.new_video_delay - age
        if left > 0:
            await asyncio.sleep(left)
        return left > 0

    async def delete(self, video_id: str) -> Answer:
        """Delete a video."""
        return await self.delete_path(path_for("/videos/{video_id}", video_id=video_id))

    async def delete_path(self, path: str) -> Answer:
        """Delete a video or live stream of this check or an earlier one."""
        operation = "videos.delete" if path.startswith("/videos/") else "live_streams.delete"
        answer = await self.send(build_request(operation, "DELETE", path))
        if answer.ok or answer.status == 404:
            self.videos.discard(path)
            self._deleted.add(path)
        return answer

    async def get(self, path: str, *, refusable: bool = False, **query: Any) -> Answer:
        """Send a GET. ``refusable`` as for ``send``."""
        operation = f"GET /{path.split('/')[1]}"
        request = build_request(operation, "GET", path, query=query)
        return await self.send(request, refusable=refusable)

    async def tagged(self) -> list[dict[str, Any]]:
        """Return the videos of this check that the list contains."""
        answer = await self.get("/videos", tags=[self.tag], pageSize=100)
        found = videos_with(answer, self.tag)
        for video in found:
            self.add(path_for("/videos/{video_id}", video_id=str(video["videoId"])))
        return found

    async def ingest(self, video_id: str) -> dict[str, Any]:
        """Return ``ingest`` of the status of a video; an empty object if there is none."""
        answer = await self.get(path_for("/videos/{video_id}/status", video_id=video_id))
        ingest = answer.json().get("ingest")
        return ingest if isinstance(ingest, dict) else {}

    async def expect(self, path: str, **query: Any) -> Answer:
        """Send a GET with the retries of the client. Raises ``ApiVideoError`` if it fails."""
        self.requests["reads"] += 1
        sent = asyncio.get_running_loop().time()
        request = build_request("videos.list", "GET", path, query=query)
        answer = _answer(await self.pipeline.send(request), sent)
        self.answers.append((request, answer))
        return answer

    # -- Uploads

    async def upload(
        self, video_id: str, content_range: ContentRange | None, size: int, **options: Any
    ) -> Answer:
        """Upload zeros. ``options`` are those of ``send`` and ``upload_request``."""
        refusable = options.pop("refusable", False)
        request = self.upload_request(video_id, content_range, size, **options)
        answer = await self.send(request, refusable=refusable)
        if answer.status == 404 and await self._becomes_readable(video_id):
            answer = await self.send(request, refusable=refusable)
        return answer

    def upload_request(
        self,
        video_id: str,
        content_range: ContentRange | None,
        size: int,
        *,
        on_sent: Callable[[], None] = lambda: None,
        half_sent: Callable[[], None] = lambda: None,
        hold: asyncio.Event | None = None,
    ) -> Request:
        """Return the request for one chunk of zeros.

        ``on_sent`` is called when all bytes were passed to the connection. With ``hold``, the
        second half is sent when the event is set, and ``half_sent`` is called before.
        """
        left = size

        def count(sent: int) -> None:
            nonlocal left
            self.bytes_sent += sent
            left -= sent
            if left <= 0:
                on_sent()

        async def read() -> AsyncIterator[memoryview]:
            half = size // 2 if hold else 0
            for block in _zeros(half):
                yield block
            if hold is not None:
                half_sent()
                await hold.wait()
            for block in _zeros(size - half):
                yield block

        header = {} if content_range is None else {"Content-Range": content_range.header}
        return build_request(
            "videos.upload",
            "POST",
            path_for("/videos/{video_id}/source", video_id=video_id),
            multipart=Multipart(FilePart("conformance.mp4", size, read, on_sent=count)),
            headers=header,
            limit_class="uploads",
            flow=video_id,
        )


def _answer(response: Response | ApiStatusError, sent: float) -> Answer:
    return Answer(
        status=response.status,
        headers=response.headers,
        body=response.body,
        sent=sent,
        received=asyncio.get_running_loop().time(),
    )


def _zeros(size: int) -> "list[memoryview]":
    whole, rest = divmod(size, len(_ZEROS))
    return [_ZEROS] * whole + ([_ZEROS[:rest]] if rest else [])


def videos_with(answer: Answer, tag: str) -> list[dict[str, Any]]:
    """Return the videos of a list that carry a tag, whatever the service has filtered."""
    data = answer.json().get("data")
    videos = data if isinstance(data, list) else []
    return [
        video
        for video in videos
        if isinstance(video, dict) and video.get("videoId") and tag in (video.get("tags") or ())
    ]
