"""Create a video exactly once. api.video has no idempotency keys (service.md#repeated-requests).

With a key, the creation carries the metadata pair ``ingestKey``, and the id of the video is
recorded (``_key_records``). A call looks for the video in this order: in the record; in the list of
videos; and only then does it create one.

If the response to a creation is lost, the list of videos is searched until ``RetryPolicy.settle``
seconds have passed, because a new video may appear late, or its request may arrive late. If no
video appears, the creation is repeated, and the record notes that a second video may exist. Each
later step with this key (the end of the creation, the end of the upload, the next call) looks for
it and deletes it if it is empty (``_containers``).

A second video may also be created without a lost response: by a process on another machine that
creates with the same key at the same moment, or by a proxy that delivers a request twice.
``upload`` therefore searches once after its creation, in place of the request for the status of the
new container. Every process keeps the oldest container.
"""

import asyncio
import logging
import random
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias
from weakref import WeakSet

import attrs
from attrs import define, field, frozen

from ..config import INGEST_KEY, INGEST_LEDGER, UNSET
from ..errors import (
    ApiResponseError,
    ApiStatusError,
    ApiVideoError,
    NotFoundError,
    UploadError,
)
from ..http.pipeline import Pipeline
from ..http.shared_profile import SharedProfile
from ..models import Video
from ..protocol.keyed_videos import Wanted, created_together, keys_in, with_key
from ..protocol.request import Request, build_request
from ..protocol.response import decode
from ..protocol.retry import Attempts, is_verdict, settle_delays
from ..protocol.writes import json_request
from ._containers import KeyedContainers
from ._fields import CREATION_FIELDS, video_fields
from ._key_records import KeyRecord, Known, recorded_ids
from ._key_search import find_keyed, find_repeatedly, read_video

__all__ = ["Created", "create_keyed", "create_video", "remove_spares"]

log = logging.getLogger("apivideo_async.upload")

_checked: WeakSet[SharedProfile] = WeakSet()
"""The profiles of the clients that know, or are finding out, whether creations are doubled."""

Check: TypeAlias = Literal["always", "once", "if_doubled"]
"""Whether to search for a second video after a creation whose response was received: after every
creation, after one creation of each client, or only if the client knows that a proxy delivers
requests twice."""


@frozen
class Created:
    """The video of a call."""

    video: Video
    empty: bool
    """True if this call created the video, so it is certainly empty."""


async def create_video(
    pipeline: Pipeline, fields: Mapping[str, Any], *, repeat_lost: bool = False
) -> Video:
    """Create a video without a key. ``repeat_lost``: repeat after a lost response, and log it."""
    request = _request(fields)
    clock = asyncio.get_running_loop().time
    attempts, lost = Attempts(), False
    while True:
        try:
            response = await pipeline.attempt(request, alone=not repeat_lost)
            video = decode(request, response, Video)
        except ApiVideoError as error:
            unknown = error.delivery == "unknown"
            lost = lost or unknown
            attempts = attempts.after(error, clock(), counts=unknown)
            wait = _delay(pipeline, attempts)
            if wait is None or not error.retryable or (lost and not repeat_lost):
                raise
            await asyncio.sleep(wait)
            if unknown:
                # In an outage, each repetition could create one more container. Wait for its end.
                await pipeline.send(build_request("videos.list", "GET", "/videos"))
            if lost:
                log.warning(
                    "the creation of a video did not succeed for certain (%s). It is repeated. The "
                    "first request may have created an empty container, which api.video deletes "
                    "after 7 days. To avoid this, pass an idempotency_key",
                    error,
                    extra={"event": "creation_repeated", "error": error},
                )
        else:
            if not video.video_id:
                text = "the response to the creation of a video has no videoId"
                raise UploadError(text, outcome="unknown")
            pipeline.recent.add(video.video_id, clock())
            return video


async def create_keyed(
    pipeline: Pipeline,
    fields: Mapping[str, Any],
    key: str,
    record: KeyRecord,
    *,
    check: Check = "if_doubled",
) -> Created:
    """Return the video of ``key``, or create it.

    Raises ``DuplicateVideosError`` if two videos with the key hold bytes.
    """
    fields = {**fields, "metadata": with_key(fields.get("metadata", UNSET), key)}
    return await _Creation(pipeline, fields, key, record).run(check=check)


async def remove_spares(
    pipeline: Pipeline, fields: Mapping[str, Any], key: str, record: KeyRecord, video_id: str
) -> None:
    """At the end of an upload, delete an empty second video, if there may be one.

    Raises ``DuplicateVideosError`` if the second video holds bytes.
    """
    known = record.known
    if known is not None and known.video_id == video_id and known.may_have_spare:
        creation = _Creation(pipeline, fields, key, record)
        await creation.remove_spares(known, video_id, settle=pipeline.config.retry.settle)


def _delay(pipeline: Pipeline, attempts: Attempts) -> float | None:
    now, chance = asyncio.get_running_loop().time(), random.random()  # noqa: S311
    return attempts.delay(pipeline.config.retry, now, chance, pipeline.outage)


def _request(fields: Mapping[str, Any]) -> Request:
    return json_request("videos.create", "POST", "/videos", video_fields(fields), CREATION_FIELDS)


@define(eq=False)
class _Creation:
    """One call with a key."""

    _pipeline: Pipeline
    _fields: Mapping[str, Any]
    _key: str
    _record: KeyRecord
    _wanted: Wanted = field(init=False)
    _lost: bool = field(default=False, init=False)
    """True if a request of this call may have created a video that is not known."""

    def __attrs_post_init__(self) -> None:
        title = self._fields.get("title")
        self._wanted = Wanted(
            key=self._key,
            title=title if isinstance(title, str) else None,
            owner=(self._fields.get("metadata") or {}).get(INGEST_LEDGER),
        )

    async def run(self, *, check: Check) -> Created:
        request = _request(self._fields)  # Raises the errors of the arguments, before any request.
        known = self._record.known
        if known is not None and known.video_id is not None:
            found = await self._recorded(known, known.video_id)
        else:
            found = await self._search()
            if found is None and known is not None:
                found = await self._search_interrupted(known)
        if found is not None:
            return Created(found, empty=False)
        return await self._create(request, check=check)

    # -- looking for the video

    async def _recorded(self, known: Known, video_id: str) -> Video | None:
        """Return the video of the record. If it no longer exists, search the list."""
        # A 404 for a new video is repeated by the pipeline.
        self._pipeline.recent.add(video_id, asyncio.get_running_loop().time() - known.age)
        try:
            video = await self._read_existing(video_id)
        except NotFoundError as error:
            log.warning(
                "the video %s, which an earlier call created, no longer exists",
                video_id,
                extra={"event": "key_forgotten", "video_id": video_id, "error": error},
            )
            await self._record.save(None)
            return await self._search()
        if known.may_have_spare:
            await self.remove_spares(known, video_id)
        return video

    async def _read_existing(self, video_id: str) -> Video:
        """Return a video. A 404 without a problem comes from a gateway: the request is repeated."""
        for delay in settle_delays(self._pipeline.config.retry.settle):
            try:
                return await read_video(self._pipeline, video_id)
            except NotFoundError as error:
                if not _is_unclear(error):
                    raise
                await asyncio.sleep(delay)
        return await read_video(self._pipeline, video_id)

    async def _search(self) -> Video | None:
        """Search the list of videos once, reduce the result to one video, and record it."""
        return await self._use(await find_keyed(self._pipeline, self._wanted))

    async def _search_interrupted(self, known: Known) -> Video | None:
        """Search for the video of an earlier call that was interrupted during its request."""
        self._note_lost(known.at)
        seconds = self._pipeline.config.retry.settle - known.age
        return await self._search_repeatedly(seconds) if seconds > 0 else None

    async def _search_repeatedly(self, seconds: float) -> Video | None:
        video = await self._use(await find_repeatedly(self._pipeline, self._wanted, seconds))
        if video is not None:
            self._pipeline.recent.add(video.video_id, asyncio.get_running_loop().time())
            log.warning(
                "using %s, which a request without a response created",
                video.video_id,
                extra={"event": "creation_adopted", "video_id": video.video_id},
            )
        return video

    async def _use(self, videos: Iterable[Video]) -> Video | None:
        video = await self._keep_one(videos)
        if video is not None:
            await self._record.save(Known(video_id=video.video_id, at=time.time()))
        return video

    async def _keep_one(self, videos: Iterable[Video]) -> Video | None:
        found = {video.video_id: video for video in videos}
        if not all(self._wanted.has_key(video) for video in found.values()):
            # A modified key is no proof: the video may belong to another key of this process.
            others = recorded_ids(except_for=self._record)
            found = {each: found[each] for each in found if each not in others}
        if len(found) <= 1:
            return next(iter(found.values()), None)
        kept = await self._containers().keep_one(found, unfilled="source" in self._fields)
        return None if kept is None else found[kept]

    def _containers(self) -> KeyedContainers:
        return KeyedContainers(self._pipeline, self._wanted, repr(self._wanted.title))

    # -- creating it

    def _note_lost(self, at: float) -> None:
        self._lost = True
        self._note_request(at)

    def _note_request(self, at: float) -> None:
        if self._wanted.since is None:
            self._wanted = attrs.evolve(self._wanted, since=datetime.fromtimestamp(at, UTC))

    async def _create(self, request: Request, *, check: Check) -> Created:
        clock, settle = asyncio.get_running_loop().time, self._pipeline.config.retry.settle
        attempts, unclear = Attempts(), 0
        self._note_request(time.time())
        while True:
            await self._record.save(Known(video_id=None, at=time.time()))
            try:
                video = decode(request, await self._pipeline.attempt(request), Video)
                if not video.video_id:
                    raise _without_id(request)
            except ApiVideoError as error:
                unknown = error.delivery == "unknown"
                if not unknown and _is_unclear(error):
                    # The response of a gateway does not say whether the request was executed. A
                    # second one shows that another attempt will not help.
                    unclear += 1
                    unknown = unclear == 1
                # After an unknown result, the search waits for the end of an outage.
                attempts = attempts.after(error, clock(), counts=unknown)
                wait = _delay(self._pipeline, attempts)
                if unclear or unknown:
                    self._note_lost(time.time())
                if wait is None or not (unknown or error.retryable):
                    await self._end_without_video()
                    raise
                await asyncio.sleep(wait)
                if unknown and (found := await self._search_repeatedly(settle)):
                    return Created(found, empty=False)
            else:
                return await self._finish(video, check=check)

    async def _end_without_video(self) -> None:
        # After a lost response, the record keeps the next call from creating a second video.
        if not self._lost:
            await self._record.save(None)

    async def _finish(self, video: Video, *, check: Check) -> Created:
        """Record the new video, and look for a second one if there is a reason."""
        pipeline = self._pipeline
        pipeline.recent.add(video.video_id, asyncio.get_running_loop().time())
        known = Known(video_id=video.video_id, at=time.time(), lost=self._lost)
        await self._record.save(known)
        modified = self._compare_metadata(video)
        if not (modified or self._lost or self._must_check(check)):
            return Created(video, empty=True)
        videos = await find_keyed(pipeline, self._wanted)
        if not self._compare_times(video, videos, lost=self._lost):
            # The list is out of date. Look again at the end of the upload.
            known = attrs.evolve(known, unseen=True)
            await self._record.save(known)
        kept = await self._keep_one([video, *videos])
        if kept is None or kept.video_id == video.video_id:
            return Created(video, empty=True)
        await self._record.save(attrs.evolve(known, video_id=kept.video_id))
        return Created(kept, empty=False)

    def _must_check(self, check: Check) -> bool:
        profile = self._pipeline.profile
        if check == "once" and profile not in _checked:
            # Creations at the same time do not check, too.
            _checked.add(profile)
            return True
        return check == "always" or not profile.current.delivers_once

    def _compare_metadata(self, video: Video) -> bool:
        """Return whether the service modified the key, and search for the modified key then."""
        stored = keys_in(video)
        # A minimal response has no metadata at all.
        if not video.metadata or self._key in stored:
            return False
        self._wanted = attrs.evolve(self._wanted, stored=next(filter(None, stored), None))
        self._pipeline.profile.learn(
            "metadata-modified",
            f"the metadata value of {INGEST_KEY} was modified in {video.video_id}",
            keeps_metadata=False,
        )
        return True

    def _compare_times(self, video: Video, videos: Iterable[Video], *, lost: bool) -> bool:
        """Learn whether one request created two videos. Return whether the list has ``video``."""
        found = {each.video_id: each for each in videos}
        listed = found.pop(video.video_id, None)
        profile = self._pipeline.profile
        if listed is None or lost:
            _checked.discard(profile)
            return listed is not None
        _checked.add(profile)
        for other in found.values():
            if created_together(other, listed):
                profile.learn(
                    "delivered-twice",
                    f"one creation led to two videos ({listed.video_id}, {other.video_id})",
                    delivers_once=False,
                )
        return True

    async def remove_spares(self, known: Known, video_id: str, settle: float = 0.0) -> None:
        """Look for a second video, and delete it if it is empty.

        If the list is out of date and there is a reason to expect a second video, wait for up to
        ``settle`` seconds.
        """
        profile = self._pipeline.profile
        self._note_lost(known.at)
        found = await find_keyed(self._pipeline, self._wanted)
        listed = self._compare_times(Video(video_id=video_id), found, lost=known.lost)
        doubled = profile not in _checked or not profile.current.delivers_once
        for delay in settle_delays(settle if known.lost or doubled else 0.0):
            if listed:
                break
            await asyncio.sleep(delay)
            found = await find_keyed(self._pipeline, self._wanted)
            listed = self._compare_times(Video(video_id=video_id), found, lost=known.lost)
        ids = [video.video_id for video in found]
        await self._containers().keep_one(ids, video_id, unfilled="source" in self._fields)
        # Until then, a lost request may still arrive.
        if known.age >= self._pipeline.config.retry.settle:
            await self._record.save(attrs.evolve(known, lost=False, unseen=False))


def _is_unclear(error: ApiVideoError) -> bool:
    """Return whether a status without a problem body, from a gateway, says nothing."""
    return (
        isinstance(error, ApiStatusError)
        and not is_verdict(error)
        and error.status not in (401, 408, 413, 429)
    )


def _without_id(request: Request) -> ApiResponseError:
    text = "the response to the creation of a video has no videoId"
    return ApiResponseError(text, status=201, request=request.summary)
