"""Every fault at every place of every kind of upload: one correct video, or an error.

After an error, another call completes the video. The full matrix is in the slow group. The fast
group has a sample: each fault twice, and each kind of upload with each place.
"""

import asyncio
import itertools
from typing import Any

import pytest

from apivideo_async import ApiVideoClient, ApiVideoError, SourceError, UploadError
from apivideo_async.emulator import Emulator, Fault
from tests.conftest import CHUNK, blocks_of, data_of, options, sha256

from .cases import FAULTS, SLOW, client_of, emulator, fault_of, nothing_left, until_open

CHUNKS = 5
LARGE = data_of(CHUNKS * CHUNK - 1_000)
SMALL = data_of(CHUNK - 1_000)
PLACES: dict[str, dict[str, Any]] = {
    "first": {"nth": 1},
    "middle": {"nth": 3},
    "last": {"nth": CHUNKS},
    "several": {"nth": 2, "times": 3},
    "lasting": {"nth": 2, "times": None},
}
KINDS = ["bytes", "part", "token", "token+id", "stream", "whole"]
SECONDS = 15


def data(kind: str) -> bytes:
    return SMALL if kind == "whole" else LARGE


def source(kind: str) -> Any:
    return blocks_of(LARGE, 9_999) if kind == "stream" else data(kind)


def how(kind: str) -> Any:
    return options(mode=kind if kind in {"bytes", "part"} else None)


async def send(client: ApiVideoClient, kind: str, token: str) -> str:
    if kind.startswith("token"):
        container = await client.videos.create(title="t") if kind == "token+id" else None
        given = container.video_id if container is not None else None
        return (await client.videos.upload_with_token(token, source(kind), video_id=given)).video_id
    return (await client.upload(source(kind), title="t", options=how(kind))).video_id


async def mend(client: ApiVideoClient, kind: str, token: str, error: UploadError) -> str | None:
    """Finish an upload that ended early; return None if its video cannot be known."""
    if error.video_id is not None:
        return (
            await client.videos.upload(error.video_id, source(kind), options=how(kind))
        ).video_id
    assert kind == "token", "only a token's first chunk has no video yet"
    return None if error.outcome == "unknown" else await send(client, kind, token)


def places(kind: str) -> list[str]:
    return ["first", "several", "lasting"] if kind == "whole" else list(PLACES)


def sample() -> set[tuple[str, str, str]]:
    """Each fault twice, with alternating kinds and places; faults with a long wait once."""
    pairs = itertools.cycle(
        [(kind, place) for place in PLACES for kind in KINDS if place in places(kind)]
    )
    chosen = {(*next(pairs), fault) for fault in list(FAULTS) * 2 if fault not in SLOW}
    return chosen | {("bytes", "middle", fault) for fault in SLOW}


SAMPLE = sample()


def matrix() -> list[Any]:
    cases = itertools.product(KINDS, PLACES, FAULTS)
    return [
        pytest.param(*case, marks=[] if case in SAMPLE else [pytest.mark.slow], id=" ".join(case))
        for case in cases
        if case[1] in places(case[0])
    ]


def test_the_sample_has_every_fault_and_every_kind_at_every_place() -> None:
    assert {fault for _, _, fault in SAMPLE} == set(FAULTS)
    assert {case[:2] for case in SAMPLE} == {
        (kind, place) for kind in KINDS for place in places(kind)
    }


@pytest.mark.parametrize(("kind", "place", "fault"), matrix())
async def test_one_video_or_an_error_that_can_be_mended(
    caplog: pytest.LogCaptureFixture, kind: str, place: str, fault: str
) -> None:
    operation = "videos.upload_with_token" if kind.startswith("token") else "videos.upload"
    at = {**PLACES[place], "nth": 1} if kind == "whole" else PLACES[place]
    with emulator() as emu:
        async with nothing_left(caplog):
            async with client_of(emu) as client, asyncio.timeout(SECONDS):
                token = (await client.upload_tokens.create()).token
                emu.faults.add(Fault(operation, **at, **fault_of(fault)))
                tasks = asyncio.all_tasks()
                video_id: str | None
                try:
                    video_id = await send(client, kind, token)
                except SourceError:
                    raise
                except UploadError as error:
                    left = asyncio.all_tasks() - tasks
                    emu.faults.clear()
                    await until_open(emu)
                    video_id = await mend(client, kind, token, error)
                    assert not left
        extra = fault == "duplicate" and kind == "token" and place == "first"
        assert_one_video(emu, data(kind), video_id, extra=extra)


def assert_one_video(emu: Emulator, sent: bytes, video_id: str | None, *, extra: bool) -> None:
    """``extra``: the creation was delivered twice, which no client can see."""
    videos = list(emu.state.videos)
    if video_id is None:
        assert len(videos) <= 1
        return
    assert emu.sha256(video_id) == sha256(sent)
    assert emu.media(video_id).complete
    assert len(videos) == (2 if extra else 1)


AROUND = ["auth.authenticate", "videos.create", "videos.list", "videos.get_status", "videos.get"]


AROUND_PLACES = ["first", "lasting"]


def around() -> list[Any]:
    """In the fast group each fault happens once, in turn in each request and place."""
    cases = itertools.product(AROUND, AROUND_PLACES, FAULTS)
    turns = itertools.cycle(itertools.product(AROUND, AROUND_PLACES))
    chosen = {(*next(turns), fault) for fault in FAULTS if fault not in SLOW}
    return [
        pytest.param(*case, marks=[] if case in chosen else [pytest.mark.slow], id=" ".join(case))
        for case in cases
    ]


@pytest.mark.parametrize(("operation", "place", "fault"), around())
async def test_the_requests_around_an_upload_fail(
    caplog: pytest.LogCaptureFixture, operation: str, place: str, fault: str
) -> None:
    """A fault in another request: the second call with the same key finishes the upload."""
    with emulator() as emu:
        emu.faults.add(Fault(operation, times=1 if place == "first" else None, **fault_of(fault)))
        if operation == "videos.get":
            emu.faults.add(Fault("videos.upload", "drop-response", times=None))
        async with nothing_left(caplog):
            async with client_of(emu) as client, asyncio.timeout(SECONDS):
                try:
                    video_id = (
                        await client.upload(LARGE, title="t", idempotency_key="job")
                    ).video_id
                except ApiVideoError:
                    emu.faults.clear()
                    await until_open(emu)
                    video_id = (
                        await client.upload(LARGE, title="t", idempotency_key="job")
                    ).video_id
        # The request may arrive after the second attempt.
        late = fault == "stall too long" and len(emu.state.videos) == 2
        assert_one_video(emu, LARGE, video_id, extra=operation == "videos.create" and late)


@pytest.mark.parametrize("kind", ["bytes", "part", "stream"])
@pytest.mark.parametrize(
    "fault", ["status 500", "reset-after", "html", "expire-tokens", "refuse long"]
)
async def test_an_upload_that_cannot_be_verified_names_its_video(kind: str, fault: str) -> None:
    with emulator() as emu:
        async with client_of(emu) as client:
            emu.faults.add(Fault("videos.get_status", times=None, **fault_of(fault)))
            with pytest.raises(UploadError) as caught:
                await client.upload(source(kind), title="t", options=how(kind))
            assert caught.value.outcome == "unknown"
            assert caught.value.video_id in emu.state.videos


@pytest.mark.parametrize("kind", ["bytes", "part", "stream", "whole"])
@pytest.mark.parametrize(
    "fault", ["status 500", "reset-after", "html", "expire-tokens", "refuse long"]
)
async def test_an_upload_that_cannot_be_shown_is_finished(kind: str, fault: str) -> None:
    with emulator() as emu:
        async with client_of(emu) as client:
            emu.faults.add(Fault("videos.upload", "html", times=None))
            emu.faults.add(Fault("videos.get", times=None, **fault_of(fault)))
            video = await client.upload(source(kind), title="t", options=how(kind))
            assert_one_video(emu, data(kind), video.video_id, extra=False)


@pytest.mark.parametrize("kind", ["bytes", "part", "whole", "stream"])
async def test_an_upload_that_was_complete_may_be_called_again(kind: str) -> None:
    """As after an upload whose last answers were lost."""
    with emulator() as emu:
        async with client_of(emu) as client:
            first = await client.upload(source(kind), title="t", options=how(kind))
            again = await client.videos.upload(first.video_id, source(kind), options=how(kind))
            assert again.video_id == first.video_id
            assert_one_video(emu, data(kind), again.video_id, extra=False)
