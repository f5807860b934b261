"""The fixtures that the package gives to other projects."""

from apivideo_async import ApiVideoClient
from apivideo_async.emulator import Emulator


def test_an_emulator_runs_beside_a_test_that_is_not_async(apivideo_emulator: Emulator) -> None:
    assert apivideo_emulator.url.startswith("http://127.0.0.1:")
    assert apivideo_emulator.requests == []


async def test_code_that_takes_its_settings_from_the_environment_talks_to_it(
    apivideo_env: Emulator,
) -> None:
    async with ApiVideoClient() as client:
        video = await client.upload(b"x" * 100, title="t")
    assert apivideo_env.size(video.video_id) == 100
