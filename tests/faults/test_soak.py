"""Hundreds of uploads at once while one request in twenty fails.

``APIVIDEO_SOAK_SEED`` makes other runs.
"""

import asyncio
import os
import random
from dataclasses import dataclass, field
from typing import Any

import pytest

from apivideo_async import ApiVideoClient, ApiVideoError, UploadError
from apivideo_async.emulator import Emulator, Fault
from tests.conftest import CHUNK, blocks_of, data_of, options, sha256

from .cases import FAULTS, client_of, emulator, fault_of, nothing_left

pytestmark = [pytest.mark.slow, pytest.mark.timeout(200)]

UPLOADS = 200
AT_ONCE = 16
CALLS = 30
"""So often an upload is called before the test gives up on it."""
KINDS = ["bytes", "part", "path", "stream", "token+id", "token", "token+journal"]
UPLOADING = ["videos.upload", "videos.upload_with_token"]
LIMITED: dict[str, list[str]] = {
    "duplicate": ["videos.upload", "videos.get_status", "videos.get"],
    "stall too long": UPLOADING,
}
"""Faults after which a video exists that no client knows of."""


@dataclass
class Job:
    """One upload: what is sent and how."""

    number: int
    kind: str
    data: bytes
    concurrency: int
    path: Any
    calls: int = 0
    video_id: str | None = None
    abandoned: int = 0
    """First chunks of a token whose answer was lost: each may have left a video."""
    errors: list[str] = field(default_factory=list)

    @property
    def key(self) -> str:
        return f"job-{self.number}"

    @property
    def options(self) -> Any:
        mode = self.kind if self.kind in {"bytes", "part"} else None
        resume = "on" if self.kind == "token+journal" else "off"
        return options(mode=mode, concurrency=self.concurrency, resume=resume)

    @property
    def source(self) -> Any:
        if self.kind == "stream":
            return blocks_of(self.data, 20_011)
        return self.path if self.kind == "path" else self.data


def jobs_of(chance: random.Random, folder: Any) -> list[Job]:
    jobs = []
    for number in range(UPLOADS):
        data = data_of(chance.randrange(CHUNK // 2, 12 * CHUNK), seed=chance.randrange(1 << 30))
        job = Job(
            number, chance.choice(KINDS), data, chance.randint(1, 4), folder / f"{number}.mp4"
        )
        if job.kind in {"path", "token+journal"}:
            job.path.write_bytes(data)
        jobs.append(job)
    return jobs


def faults_of(chance: random.Random, probability: float) -> list[Fault]:
    """Every kind, with `probability` in all for a request; those that cost seconds are rarer."""
    rare = [
        "delay too long",
        "stall too long",
        "trickle too long",
        "expire-tokens",
        "clock-jump",
        "refuse",
    ]
    usual = [name for name in FAULTS if name not in {*rare, "refuse long", "rate-limit bare"}]
    chance.shuffle(usual)
    return [
        Fault(
            operation,
            probability=0.9 * probability / len(usual)
            if name in usual
            else 0.1 * probability / len(rare),
            times=None,
            **fault_of(name),
        )
        for name in usual + rare
        for operation in LIMITED.get(name, ["*"])
    ]


async def once(client: ApiVideoClient, job: Job, token: str) -> str:
    """Begin, or go on with what is known of an earlier call."""
    if job.kind == "token+journal":
        return (
            await client.videos.upload_with_token(token, job.path, options=job.options)
        ).video_id
    if job.video_id is not None and job.kind != "token+id":
        return (await client.videos.upload(job.video_id, job.source, options=job.options)).video_id
    if job.kind == "token":
        return (
            await client.videos.upload_with_token(token, job.data, options=job.options)
        ).video_id
    if job.kind == "token+id":
        if job.video_id is None:
            job.video_id = (
                await client.videos.create(title=job.key, idempotency_key=job.key)
            ).video_id
            return (
                await client.videos.upload_with_token(
                    token, job.data, video_id=job.video_id, options=job.options
                )
            ).video_id
        return (await client.videos.upload(job.video_id, job.data, options=job.options)).video_id
    return (
        await client.upload(job.source, title=job.key, options=job.options, idempotency_key=job.key)
    ).video_id


async def finish(client: ApiVideoClient, job: Job, token: str) -> None:
    """Call until it is done. Only errors of the package may come."""
    while True:
        job.calls += 1
        try:
            job.video_id = await once(client, job, token)
        except ApiVideoError as error:
            job.errors.append(repr(error))
            if job.calls >= CALLS:
                raise
            if isinstance(error, UploadError):
                job.video_id = error.video_id or job.video_id
                if (
                    job.kind.startswith("token")
                    and error.video_id is None
                    and error.outcome == "unknown"
                ):
                    job.abandoned += 1
        else:
            return


@pytest.mark.parametrize("probability", [0.05, 0.3])
async def test_every_upload_arrives(
    caplog: pytest.LogCaptureFixture, tmp_path: Any, probability: float
) -> None:
    seed = int(os.environ.get("APIVIDEO_SOAK_SEED") or 7)
    print(f"APIVIDEO_SOAK_SEED={seed}")
    chance = random.Random(seed)
    jobs = jobs_of(chance, tmp_path)
    with emulator(seed=seed) as emu:
        async with nothing_left(caplog):
            async with client_of(emu) as client, asyncio.timeout(150):
                token = (await client.upload_tokens.create()).token
                emu.faults.add(*faults_of(chance, probability))
                waiting = list(reversed(jobs))

                async def work() -> None:
                    while waiting:
                        await finish(client, waiting.pop(), token)

                async with asyncio.TaskGroup() as group:
                    for _ in range(AT_ONCE):
                        group.create_task(work())
        fired = sum(fault.fired for fault in emu.faults)
        print(
            f"{len(emu.requests)} requests, {fired} faults, {sum(job.calls for job in jobs)} calls"
        )
        assert fired > probability * UPLOADS
        check(emu, jobs)


def story(emu: Emulator, job: Job) -> str:
    """What happened to a job, for the message of a failure."""
    requests = [
        f"{record.operation} {record.content_range} {record.status} {record.fault}"
        for record in emu.requests
        if record.video_id == job.video_id or (job.video_id or "-") in record.path
    ]
    held = emu.media(job.video_id) if job.video_id is not None else None
    told = [
        f"{job.key}: {job.kind}, {job.calls} calls, {job.abandoned} abandoned, "
        f"video {job.video_id}",
        f"{len(job.data)} bytes, {job.concurrency} at once, held: {held}",
        *job.errors,
        *requests,
    ]
    return "\n".join(told)


def check(emu: Emulator, jobs: list[Job]) -> None:
    """Each file is correct and has one video, except for lost responses to first chunks."""
    wrong = [
        job for job in jobs if job.video_id is None or emu.sha256(job.video_id) != sha256(job.data)
    ]
    assert [story(emu, job) for job in wrong] == []
    assert all(emu.media(job.video_id or "").complete for job in jobs)
    used = {job.video_id for job in jobs}
    assert len(used) == len(jobs)
    orphans = set(emu.state.videos) - used
    assert len(orphans) <= sum(job.abandoned for job in jobs)
    keyed = [emu.state.videos[orphan].attributes["metadata"] for orphan in orphans]
    assert not any(keyed), "a container that was made with a key was lost"
