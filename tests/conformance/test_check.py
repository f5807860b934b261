"""What a check leaves behind, when it ends early, and what its report and its file contain."""

import asyncio
import json
import logging
from datetime import datetime

import pytest

from apivideo_async import (
    ApiConnectionError,
    ApiVideoClient,
    AuthenticationError,
    ConfigurationError,
    ServiceProfile,
)
from apivideo_async.conformance import CheckOptions, check, checking
from apivideo_async.conformance.checking import Check
from apivideo_async.conformance.service import NAME, TAG
from apivideo_async.emulator import Emulator, Fault
from tests.conftest import BRIEF, CHUNK

from .conftest import QUICK_CHECK, by_name, client_of, nothing_is_left, quick, service


async def test_without_quirks_everything_agrees() -> None:
    steps: list[str] = []
    async with service() as (emu, client):
        report = await check(client, CheckOptions(**QUICK_CHECK), steps.append)
        assert nothing_is_left(emu)
    states = {name: one.state for name, one in by_name(report).items()}
    not_probed = {"gateway-response", "rate-window"}
    assert {name for name, state in states.items() if state != "agrees"} == not_probed
    assert all(states[name] == "not probed" for name in not_probed)
    assert "by chance" in by_name(report)["gateway-response"].text
    assert report.complete
    assert report.quirks == report.left == ()
    assert report.profile == ServiceProfile()
    assert len(steps) == len(set(steps)) > 10
    # As the help and the documentation state.
    assert report.requests["uploads"] <= 15
    assert report.requests["writes"] <= 30
    assert report.requests["reads"] <= 30
    assert report.bytes_sent <= 3 * CHUNK + 8 * CHUNK + 10 * 1024


@pytest.mark.slow
async def test_the_end_of_a_fixed_window_is_observed() -> None:
    limits = {"reads": 60, "writes": 200, "uploads": 200}
    for window, quirk in ((4.0, ()), (1.5, ()), (1.5, ("rate-window=sliding",))):
        async with service(*quirk, rate_limits=limits, rate_window=window) as (_, client):
            report = await quick(client, window=10, largest=0).run()
        found = by_name(report)["rate-window"]
        assert (found.state, report.quirks) == ("differs" if quirk else "agrees", quirk), found


@pytest.mark.slow
async def test_the_budgets_of_the_sandbox_suffice_without_a_wait() -> None:
    async with service(rate_limits="sandbox") as (emu, client):
        report = await quick(client).run()
    assert report.complete
    assert report.seconds < 50
    assert all(record.status != 429 for record in emu.requests)


@pytest.mark.parametrize("order", ["chunks-in-order=409", "no-parts"])
async def test_a_disturbed_probe_says_so(order: str) -> None:
    async with service(order, "one-chunk-at-a-time=409") as (_, client):
        report = await quick(client).run()
    found = by_name(report)
    assert found[order.partition("=")[0]].quirk == order
    state = "undetermined" if order == "chunks-in-order=409" else "differs"
    assert found["one-chunk-at-a-time"].state == state


@pytest.mark.parametrize("operation", ["videos.create", "videos.upload", "videos.get_status"])
async def test_a_failing_service_ends_probes_and_not_the_check(operation: str) -> None:
    async with service() as (emu, client):
        broken = Fault(operation, "status", times=None, status=500, body={"title": "Server error"})
        emu.faults.add(broken)
        report = await quick(client, settle=0.05, late=0.05).run()
        assert nothing_is_left(emu)
    assert report.complete
    found = by_name(report)
    assert found["no-parts"].state in ("undetermined", "agrees")
    reasons = [one.text for one in found.values() if one.state == "undetermined"]
    assert reasons
    assert not any("unexpected" in reason for reason in reasons), reasons


async def test_answers_of_another_form_end_probes_and_not_the_check() -> None:
    async with service() as (emu, client):
        for operation in ("videos.get_status", "videos.upload", "live_streams.create"):
            body = '[{"ingest": 5}]'
            emu.faults.add(
                Fault(operation, "html", times=None, body=body, content_type="application/json")
            )
        report = await quick(client, settle=0.05, late=0.05).run()
        assert list(emu.state.videos) == []
    assert report.complete


async def test_an_error_of_a_probe_is_no_crash(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise KeyError("surprise")

    monkeypatch.setattr("apivideo_async.conformance.probes.statuses._report_size", fail)
    async with service() as (emu, client):
        with caplog.at_level(logging.DEBUG, "apivideo_async.conformance"):
            report = await quick(client).run()
        assert nothing_is_left(emu)
    found = by_name(report)["status-without-size"]
    assert (found.state, "unexpected KeyError" in found.text) == ("undetermined", True)
    assert by_name(report)["no-parts"].state == "agrees"
    assert any(record.exc_info for record in caplog.records)


async def cancelled(emu: Emulator, client: ApiVideoClient) -> Check:
    """Return a check that was cancelled while it probed the chunks."""
    running = quick(client)
    task = asyncio.create_task(running.run())
    while not any(record.content_range for record in emu.requests):
        await asyncio.sleep(0.005)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    return running


async def test_a_cancelled_check_deletes_its_videos_and_reports_what_is_known() -> None:
    async with service() as (emu, client):
        emu.faults.add(Fault("videos.upload", "delay", nth=4, times=None, seconds=30))
        running = await cancelled(emu, client)
        assert nothing_is_left(emu)
    report = running.report()
    assert not report.complete
    found = by_name(report)
    assert found["list-delay"].state == "agrees"
    assert found["private-urls"].text == "Not probed: the check was interrupted."
    with pytest.raises(ConfigurationError, match="not complete"):
        report.save()
    assert ServiceProfile.saved(report.base_url) == ServiceProfile()


async def test_a_cancelled_check_does_not_wait_long_for_the_deletions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(checking, "INTERRUPTED_SECONDS", 3.0)
    async with service() as (emu, client):
        emu.faults.add(Fault("videos.delete", "stall", times=None, seconds=30, after_bytes=0))
        running = await cancelled(emu, client)
        left = running.report().left
        assert {path.removeprefix("/videos/") for path in left} == set(emu.state.videos)


async def test_what_a_killed_check_left_is_deleted_and_nothing_else() -> None:
    async with service() as (emu, client):
        kept = await client.videos.create(title="mine", tags=["other"])
        await client.live_streams.create(name="mine")
        for _ in range(3):
            await client.videos.create(title="left", tags=[TAG, "x"])
        await client.live_streams.create(name=NAME)
        report = await quick(client).run()
        assert list(emu.state.videos) == [kept.video_id]
        assert [live.attributes["name"] for live in emu.state.live_streams.values()] == ["mine"]
        assert report.complete


async def test_videos_that_cannot_be_deleted_are_named() -> None:
    async with service() as (emu, client):
        refusal = Fault("videos.delete", "status", times=None, status=403, body={"title": "No."})
        emu.faults.add(refusal)
        report = await quick(client).run()
        assert {f"/videos/{video_id}" for video_id in emu.state.videos} == set(report.left)
        assert report.left
    assert report.complete


async def test_a_refused_key_and_a_missing_server_end_the_check() -> None:
    async with service() as (emu, _), ApiVideoClient("wrong-key", base_url=emu.url) as client:
        with pytest.raises(AuthenticationError):
            await check(client)
        url = emu.url
        await emu.stop()
        async with ApiVideoClient("a-key", base_url=url, retry=BRIEF) as other:
            with pytest.raises(ApiConnectionError):
                await check(other)


async def test_neither_report_nor_file_contains_a_secret() -> None:
    key = "secret-api-key-of-this-test"
    async with service("private-urls", "chunks-in-order=409", api_key=key) as (emu, client):
        report = await quick(client).run()
        document = json.dumps(report.to_json())
        path = report.save()
        for text in (document, path.read_text(), repr(report)):
            assert key not in text
            assert "/private/{token}/" in text or text != document
            for item in (*emu.state.private_sessions._tokens,):
                assert item not in text
    assert path.stat().st_mode & 0o077 == 0
    saved = json.loads(path.read_text())
    assert saved["profile"] == {"chunk_order": "sequential"}
    assert saved["baseUrl"] == report.base_url
    assert datetime.fromisoformat(saved["checked"]).tzinfo is not None


async def test_a_client_with_another_profile_measures_the_service() -> None:
    """The profile of the client has no effect on the check."""
    profile = ServiceProfile(byte_ranges=False, chunk_order="sequential", largest_chunk=CHUNK)
    async with service() as (emu, _), client_of(emu, profile=profile) as client:
        report = await quick(client).run()
    assert report.quirks == ()
    assert report.profile == ServiceProfile()
