"""``apivideo upload``: the requests that reach the server, and the output."""

import hashlib
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from apivideo_async.emulator import Emulator

from .conftest import KEY, MIB, Cli

Make = Callable[..., Path]


def digest(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def test_a_file_is_uploaded_and_printed_on_one_line(
    online: Cli, emu: Emulator, make_file: Make
) -> None:
    path = make_file()
    result = online("upload", path, "--title", "My movie")
    assert result.code == 0, result
    video_id, rest = result.out.strip().split("\t", 1)
    assert rest.startswith("My movie\thttp")
    assert result.out.count("\n") == 1
    assert emu.sha256(video_id) == digest(path)


def test_every_field_reaches_the_server(online: Cli, emu: Emulator, make_file: Make) -> None:
    fields = [
        "--title",
        "T",
        "--description",
        "D",
        "--tag",
        "a",
        "--tag",
        "b",
        "--metadata",
        "k=v=w",
    ]
    result = online("upload", make_file(), *fields, "--metadata", "lang=fr", "--private", "--json")
    assert result.code == 0, result
    [record] = result.json
    shown = online("videos", "show", record["videoId"], "--json").json
    assert shown["title"] == "T"
    assert shown["description"] == "D"
    assert shown["tags"] == ["a", "b"]
    assert shown["metadata"] == [{"key": "k", "value": "v=w"}, {"key": "lang", "value": "fr"}]
    assert shown["public"] is False
    assert record["public"] is False


def test_json_is_one_document_with_all_files(online: Cli, make_file: Make) -> None:
    result = online("upload", make_file("a.mp4"), "missing.mp4", make_file("b.mp4", 5000), "--json")
    assert result.code == 1
    a, missing, b = result.json
    assert [record["status"] for record in (a, missing, b)] == ["uploaded", "failed", "uploaded"]
    assert a["bytes"] == 100_000
    assert a["assets"]["player"].startswith("http")
    assert a["seconds"] > 0
    assert b["title"] == "b.mp4"
    assert missing["error"] == "no such file: missing.mp4"
    assert missing["videoId"] is None


def test_json_is_written_even_when_the_server_refuses(online: Cli, make_file: Make) -> None:
    result = online("--api-key", "wrong-key", "upload", make_file(), "--json")
    assert result.code == 1
    assert "refused the API key" in result.json[0]["error"]


@pytest.mark.parametrize(("mode", "first"), [("bytes", "bytes 0-5242879/"), ("part", "part 1/3")])
def test_chunks_are_sent_in_the_requested_mode(
    online: Cli, emu: Emulator, make_file: Make, mode: str, first: str
) -> None:
    path = make_file(size=12 * MIB)
    result = online(
        "upload", path, "--mode", mode, "--chunk-size", "5MiB", "--concurrency", "2", "--json"
    )
    assert result.code == 0, result
    ranges = sorted(
        str(record.content_range) for record in emu.requests if record.operation == "videos.upload"
    )
    assert len(ranges) == 3
    assert ranges[0].startswith(first)
    assert emu.sha256(result.json[0]["videoId"]) == digest(path)


def test_progress_is_plain_lines_in_a_pipe(online: Cli, emu: Emulator, make_file: Make) -> None:
    result = online("upload", make_file(size=12 * MIB), "--chunk-size", "5M")
    lines = result.err.splitlines()
    assert lines[0] == "movie.mp4: uploading 12.0 MiB"
    assert lines[-1].startswith("movie.mp4: done, 12.0 MiB in ")
    assert "\x1b" not in result.err


@pytest.mark.slow
@pytest.mark.parametrize("size", [1000, 12 * MIB])
def test_stdin_from_a_pipe(online: Cli, emu: Emulator, size: int) -> None:
    data = os.urandom(size)
    result = online.process(
        "upload", "-", "--title", "From a pipe", "--chunk-size", "5M", "--json", data=data
    )
    assert result.code == 0, result
    [record] = result.json
    assert record["title"] == "From a pipe"
    assert record["bytes"] == size
    assert emu.sha256(record["videoId"]) == hashlib.sha256(data).hexdigest()


@pytest.mark.slow
def test_stdin_from_a_file_and_a_named_pipe(
    online: Cli, emu: Emulator, make_file: Make, tmp_path: Path
) -> None:
    path = make_file()
    with path.open("rb") as handle, online.start("upload", "-", stdin=handle) as process:
        out, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert emu.sha256(out.split()[0]) == digest(path)

    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    writer = threading.Thread(target=lambda: fifo.write_bytes(path.read_bytes()))
    writer.start()
    result = online("upload", fifo)
    writer.join()
    assert result.code == 0, result
    assert emu.sha256(result.out.split()[0]) == digest(path)


def test_wait_returns_when_the_video_is_playable(cli: Cli, make_file: Make) -> None:
    with Emulator(api_key=KEY, encoding="polls:2").in_thread() as emu:
        result = cli.use(emu)("upload", make_file(), "--wait")
        assert result.code == 0, result
        assert "movie.mp4: encoding" in result.err
        assert sum(record.operation == "videos.get_status" for record in emu.requests) > 1


def test_a_video_that_is_not_playable_in_time_is_uploaded_and_a_failure(
    cli: Cli, make_file: Make
) -> None:
    with Emulator(api_key=KEY, encoding=1000).in_thread() as emu:
        result = cli.use(emu)("upload", make_file(), "--wait", "--timeout", "0.5", "--json")
        assert result.code == 1
        assert result.json[0]["status"] == "uploaded"
        assert "not playable within 0.5 s" in result.err.splitlines()[-1]


def test_a_container_is_filled(online: Cli, emu: Emulator, make_file: Make) -> None:
    first = online("upload", make_file(), "--json").json[0]["videoId"]
    refused = online("upload", make_file("other.mp4", 5), "--video-id", first)
    assert refused.code == 1
    assert "other.mp4: the video already has a source of 100,000 bytes" in refused.err
    missing = online("upload", make_file(), "--video-id", "viNowhere")
    assert missing.code == 1
    assert "not found" in missing.error_line


def test_a_token_needs_no_key(online: Cli, emu: Emulator, make_file: Make) -> None:
    token = emu_token(online)
    del online.env["APIVIDEO_API_KEY"]
    path = make_file(size=12 * MIB)
    result = online("upload", path, "--token", token, "--chunk-size", "5M")
    assert result.code == 0, result
    assert emu.sha256(result.out.split()[0]) == digest(path)
    assert token not in result.out + result.err
    assert online("upload", path, "--token", token, "--wait").code == 2


def test_a_wrong_token_is_named_as_such(online: Cli, make_file: Make) -> None:
    result = online("upload", make_file(), "--token", "toNobodyKnowsThis")
    assert result.code == 1
    assert "refused the upload token" in result.err.splitlines()[-1]
    assert "toNobodyKnowsThis" not in result.err


def emu_token(online: Cli) -> str:
    """Make an upload token with the SDK."""
    import asyncio

    from apivideo_async import ApiVideoClient

    async def make() -> str:
        async with ApiVideoClient(KEY, base_url=online.env["APIVIDEO_BASE_URL"]) as client:
            return (await client.upload_tokens.create()).token or ""

    return asyncio.run(make())


def test_unusual_file_names_are_uploaded_and_displayed(
    online: Cli, emu: Emulator, make_file: Make
) -> None:
    result = online(
        "upload",
        make_file("späß \x1b[31m& 東京.mp4"),
        make_file("-dash.mp4").relative_to(online.folder),
    )
    assert result.code == 2, "a name that starts with a dash is an option"
    result = online("upload", "--", "-dash.mp4", "späß \x1b[31m& 東京.mp4")
    assert result.code == 0, result
    assert "\x1b" not in result.out + result.err


@pytest.mark.slow
def test_a_file_whose_name_is_not_text_is_uploaded(online: Cli, tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"bad\xff.mp4")).write_bytes(b"x" * 1000)
    result = online.process("upload", os.fsdecode(b"bad\xff.mp4"), "--json")
    assert result.code == 0, result
    assert result.json[0]["title"] == "bad?.mp4"


def test_files_of_the_same_name_are_displayed_with_their_paths(
    online: Cli, make_file: Make, tmp_path: Path
) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        make_file(f"{folder}/movie.mp4")
    result = online("upload", "one/movie.mp4", "two/movie.mp4")
    assert result.code == 0, result
    assert "one/movie.mp4: done" in result.err
    assert "two/movie.mp4: done" in result.err


def test_many_files_are_uploaded_two_at_a_time(online: Cli, emu: Emulator, make_file: Make) -> None:
    result = online("upload", *(make_file(f"{number}.mp4") for number in range(7)), "--json")
    assert result.code == 0, result
    assert [record["title"] for record in result.json] == [f"{number}.mp4" for number in range(7)]
    assert sum(record.operation == "auth.authenticate" for record in emu.requests) == 1


def test_a_folder_is_uploaded(online: Cli, emu: Emulator, tmp_path: Path) -> None:
    folder = tmp_path / "videos"
    (folder / "inner").mkdir(parents=True)
    for name in ("a.mp4", "inner/b.mp4", "notes.txt"):
        (folder / name).write_bytes(b"x" * 100)
    result = online("upload", folder, folder / "a.mp4", "--json")
    assert result.code == 0, result
    assert sorted(record["title"] for record in result.json) == ["a.mp4", "b.mp4"]
    assert len(emu.state.videos) == 2
    (tmp_path / "empty").mkdir()
    assert "contains no videos" in online("upload", tmp_path / "empty").error_line


def test_the_fields_of_an_ingestion_can_be_set(online: Cli, emu: Emulator, make_file: Make) -> None:
    options = ("--language", "fr", "--transcript", "--mp4", "--panoramic", "--public")
    result = online("upload", make_file(), *options, "--json")
    assert result.code == 0, result
    shown = online("videos", "show", result.json[0]["videoId"], "--json").json
    assert (shown["language"], shown["panoramic"], shown["mp4Support"]) == ("fr", True, True)


def test_an_idempotency_key_is_for_one_file(online: Cli, emu: Emulator, make_file: Make) -> None:
    path = make_file()
    first, second = (online("upload", path, "--idempotency-key", "k", "--json") for _ in range(2))
    assert first.json[0]["videoId"] == second.json[0]["videoId"]
    assert len(emu.state.videos) == 1
    for given in ((path, make_file("b.mp4")), (path.parent,)):
        result = online("upload", *given, "--idempotency-key", "k")
        assert result.code == 2
        assert "--idempotency-key takes one FILE" in result.error_line


@pytest.mark.parametrize(
    "address", ["https://a.test/x.mp4?X-Amz-Signature=sig1234567890", "s3://bucket/x.mp4"]
)
def test_an_address_is_no_file_and_its_signature_is_not_printed(online: Cli, address: str) -> None:
    result = online("upload", address)
    assert result.code == 2
    assert "`apivideo ingest` takes addresses" in result.error_line
    assert "sig1234567890" not in result.out + result.err
