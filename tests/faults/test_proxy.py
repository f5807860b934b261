"""Uploads of every kind through a proxy that damages one request in five, in 16 ways.

``APIVIDEO_PROXY_UPLOADS`` sets their number, ``APIVIDEO_SOAK_SEED`` makes other runs.
"""

import asyncio
import os
import random
from collections import Counter
from pathlib import Path

import pytest

from apivideo_async import ApiVideoClient, ApiVideoError, RetryPolicy, Timeouts, UploadError
from tests.conftest import CHUNK, data_of, options, sha256

from .cases import emulator
from .proxy import KINDS, fault_proxy
from .test_soak import Job, once

UPLOADS = int(os.environ.get("APIVIDEO_PROXY_UPLOADS") or 150)
AT_ONCE = 12
MOST_CALLS = 2
PROBABILITY = 0.2
MODES = ["bytes", "part", "path", "stream", "token+id", "token", "token+journal"]
TOKEN_ONLY = {"token", "token+journal"}


def jobs_of(chance: random.Random, folder: Path, count: int) -> list[Job]:
    jobs = []
    for number in range(count):
        kind = MODES[number % len(MODES)]
        # Some fit into one request.
        data = data_of(chance.randrange(1, 10 * CHUNK), seed=number)
        job = Job(number, kind, data, chance.randint(1, 4), folder / f"{number}.mp4")
        if kind in {"path", "token+journal"}:
            job.path.write_bytes(data)
        jobs.append(job)
    return jobs


async def finish(client: ApiVideoClient, direct: ApiVideoClient, job: Job, token: str) -> None:
    """Call at most twice. The second call continues with what the first one reported."""
    while True:
        job.calls += 1
        # No client may repeat the first chunk of a token upload after a lost response, so every
        # call fails while responses get lost. Its second call is not disturbed.
        alone = job.calls == MOST_CALLS and job.video_id is None and job.kind in TOKEN_ONLY
        try:
            job.video_id = await once(direct if alone else client, job, token)
        except ApiVideoError as error:
            job.errors.append(repr(error))
            if isinstance(error, UploadError):
                job.video_id = error.video_id or job.video_id
            if job.calls == MOST_CALLS:
                raise AssertionError(f"{job.key} ({job.kind}): {job.errors}") from error
        else:
            return


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_every_upload_is_complete_after_the_first_or_second_call(tmp_path: Path) -> None:
    seed = int(os.environ.get("APIVIDEO_SOAK_SEED") or 7)
    jobs = jobs_of(random.Random(seed), tmp_path, UPLOADS)
    retry = RetryPolicy(first_delay=0.02, longest_delay=0.2, settle=0.5)
    timeouts = Timeouts(connect=5, response=1.5, stall=1.5)
    with (
        emulator(seed=seed) as emu,
        fault_proxy(emu.port, seed=seed, probability=PROBABILITY) as proxy,
    ):
        url = f"http://127.0.0.1:{proxy.port}"
        async with (
            ApiVideoClient(emu.api_key, base_url=emu.url, upload=options()) as direct,
            ApiVideoClient(
                emu.api_key, base_url=url, retry=retry, timeouts=timeouts, upload=options()
            ) as client,
        ):
            token = (await direct.upload_tokens.create()).token
            waiting = list(reversed(jobs))

            async def work() -> None:
                while waiting:
                    await finish(client, direct, waiting.pop(), token)

            async with asyncio.TaskGroup() as group:
                for _ in range(AT_ONCE):
                    group.create_task(work())
        wrong = [job.key for job in jobs if emu.sha256(job.video_id or "") != sha256(job.data)]
        assert wrong == []
        assert all(emu.media(job.video_id or "").complete for job in jobs)
        assert len({job.video_id for job in jobs}) == len(jobs)
        assert set(proxy.damaged) | {"reset on accept"} == set(KINDS)
        second = Counter(job.kind for job in jobs if job.calls == MOST_CALLS)
        print(f"{len(jobs)} uploads, second calls: {dict(second)}, faults: {dict(proxy.damaged)}")
