"""`delegated_tokens_server.py` gives working upload tokens to signed-in users only."""

import hashlib
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import pytest
from aiohttp import ClientSession, FormData, web

from apivideo_async import ApiVideoClient, AuthenticationError, UploadError
from apivideo_async.emulator import Emulator

MIB = 1024 * 1024
USERS = {"alice": "sécret:1", "bob": ""}

Load = Callable[[str], ModuleType]


def credentials(name: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + b64encode(f"{name}:{password}".encode()).decode()}


@pytest.fixture
async def backend(load: Load, emulator: Emulator) -> AsyncIterator[str]:
    """The example, served for real; gives its address."""
    example = load("delegated_tokens_server")
    runner = web.AppRunner(example.create_app(example.signed_in_with(USERS)))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.fixture
async def alice() -> AsyncIterator[ClientSession]:
    """A browser in which Alice is signed in."""
    async with ClientSession(
        headers=credentials("alice", USERS["alice"]), raise_for_status=True
    ) as session:
        yield session


async def new_token(session: ClientSession, backend: str) -> dict[str, Any]:
    async with session.post(f"{backend}/upload-tokens") as answer:
        assert answer.status == 201
        assert answer.headers["Cache-Control"] == "no-store"
        granted: dict[str, Any] = await answer.json()
        return granted


async def test_a_token_uploads_without_an_api_key_until_it_is_revoked(
    backend: str, alice: ClientSession, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    granted = await new_token(alice, backend)
    lifetime = datetime.fromisoformat(granted["expiresAt"]) - datetime.now(UTC)
    assert timedelta(minutes=55) < lifetime <= timedelta(hours=1, seconds=2)
    assert emulator.api_key not in str(granted)

    monkeypatch.delenv("APIVIDEO_API_KEY")
    movie = bytes(range(256)) * (11 * MIB // 256)
    async with ApiVideoClient() as device:
        assert device.config.api_key is None
        video = await device.videos.upload_with_token(
            granted["token"], movie, filename="holiday.mp4"
        )
        assert emulator.sha256(video.video_id) == hashlib.sha256(movie).hexdigest()
        assert emulator.state.videos[video.video_id].attributes["title"] == "holiday.mp4"

        for _ in range(2):  # Giving it back twice is no error.
            async with alice.delete(f"{backend}/upload-tokens/{granted['token']}") as answer:
                assert answer.status == 204
        with pytest.raises(UploadError) as refused:
            await device.videos.upload_with_token(granted["token"], movie)
        assert isinstance(refused.value.__cause__, AuthenticationError)


async def test_the_address_handed_out_takes_a_plain_form(
    backend: str, alice: ClientSession, emulator: Emulator
) -> None:
    granted = await new_token(alice, backend)
    form = FormData()
    form.add_field("file", b"small video", filename="small.mp4")
    async with ClientSession() as anyone, anyone.post(granted["uploadUrl"], data=form) as answer:
        assert answer.status == 201
        assert emulator.size((await answer.json())["videoId"]) == len(b"small video")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        credentials("alice", "wrong"),
        credentials("mallory", ""),
        {"Authorization": "Basic \udcff"},
    ],
)
async def test_strangers_get_nothing(
    backend: str, emulator: Emulator, headers: dict[str, str]
) -> None:
    async with ClientSession(headers=headers) as stranger:
        for method, path in (
            ("GET", "/"),
            ("POST", "/upload-tokens"),
            ("DELETE", "/upload-tokens/to1"),
        ):
            async with stranger.request(method, backend + path) as answer:
                assert answer.status == 401
                assert answer.headers["WWW-Authenticate"].startswith("Basic ")
    assert emulator.requests == []


async def test_another_login_is_one_argument(load: Load, emulator: Emulator) -> None:
    async def cookie(request: web.Request) -> str | None:
        return request.cookies.get("user")

    runner = web.AppRunner(load("delegated_tokens_server").create_app(cookie))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    backend = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        async with ClientSession(cookies={"user": "bob"}, raise_for_status=True) as bob:
            assert (await new_token(bob, backend))["token"] in emulator.state.upload_tokens
            async with bob.get(backend) as answer:
                assert "<h1>Upload a video</h1>" in await answer.text()
    finally:
        await runner.cleanup()
