"""``apivideo plan`` computes the requests and the time of uploads."""

import json
from pathlib import Path

from .conftest import Cli

MIB = 1024 * 1024


def sparse(path: Path, size: int) -> Path:
    with path.open("wb") as handle:
        handle.truncate(size)
    return path


def test_the_request_budget_bounds_small_chunks(cli: Cli, tmp_path: Path) -> None:
    """301 requests at 100 a minute: the last one starts after three windows."""
    file = sparse(tmp_path / "big.mp4", 5 * MIB * 301)
    result = cli("plan", file, "--chunk-size", "5MiB", "--json")
    assert result.code == 0, result
    document = json.loads(result.out)
    assert (document["requests"], document["bytes"], document["earliestSeconds"]) == (
        301,
        5 * MIB * 301,
        180.0,
    )
    assert document["bound"] == "the request budget (100 a minute)"
    assert document["files"] == [
        {"file": str(file), "bytes": 5 * MIB * 301, "chunks": 301, "chunkSize": 5 * MIB}
    ]


def test_the_bandwidth_bounds_large_chunks(cli: Cli, tmp_path: Path) -> None:
    files = [sparse(tmp_path / name, 600 * MIB) for name in ("a.mp4", "b.mp4")]
    result = cli("plan", *files, "--bandwidth", "10MiB")
    assert result.code == 0, result
    assert result.out.splitlines()[0] == f"{files[0]}\t600.0 MiB\t16 chunks of 37.5 MiB"
    assert result.out.splitlines()[2] == (
        "32 upload requests, 1.2 GiB: takes at least 2:00, limited by the bandwidth (10.0 MiB/s)"
    )


def test_chunks_are_larger_when_requests_are_scarce(cli: Cli, tmp_path: Path) -> None:
    """The first file takes all 16 requests (of 64 MiB), so the second has 8 chunks of 128 MiB."""
    files = [sparse(tmp_path / name, 1024 * MIB) for name in ("a.mp4", "b.mp4")]
    result = cli("plan", *files, "--uploads-per-minute", "16", "--json")
    document = json.loads(result.out)
    assert [(row["chunks"], row["chunkSize"]) for row in document["files"]] == [
        (16, 64 * MIB),
        (8, 128 * MIB),
    ]
    assert (document["requests"], document["earliestSeconds"]) == (24, 60.0)


def test_sources_that_cannot_be_uploaded_cannot_be_planned(cli: Cli, tmp_path: Path) -> None:
    for sources, words in (
        (["none.mp4"], "No such file"),
        ([tmp_path, tmp_path / "none.mp4"], "no such file or folder"),
        (["ftp://host/clip.mp4"], "ftp"),
    ):
        result = cli("plan", *sources)
        assert (result.code, result.out) == (1, ""), result
        assert words in result.err
    assert "empty" in cli("plan", sparse(tmp_path / "empty.mp4", 0)).err


def test_a_folder_and_a_pattern_are_planned_in_sum(cli: Cli, tmp_path: Path) -> None:
    """101 whole files and 16 chunks: the last of 117 requests starts two windows of 50 later."""
    (tmp_path / "many" / "deep").mkdir(parents=True)
    for number in range(101):
        sparse(tmp_path / "many" / "deep" / f"{number:03}.mp4", 1)
    sparse(tmp_path / "many" / "large.mp4", 600 * MIB)
    lines = cli("plan", "many", "--uploads-per-minute", "50").out.splitlines()
    assert lines == [
        "102 sources, 600.0 MiB",
        "stream: 117 uploads (50 a minute), 102 writes (200 a minute), 103 reads (500 a minute); "
        "600.0 MiB through this machine; takes at least 2:00, limited by uploads",
        "pull: not possible, because 102 files are on this machine",
    ]
    document = cli("plan", "many/*.mp4", "--bandwidth", "10MiB", "--json").json
    assert (document["sources"], document["bytes"], document["pull"]) == (1, 600 * MIB, None)
    assert document["limits"]["uploads"] == 100
    assert (
        document["stream"]["uploads"],
        document["stream"]["earliestSeconds"],
        document["stream"]["bound"],
    ) == (
        16,
        60.0,
        "bandwidth",
    )


def test_the_sandbox_has_limits_of_its_own(cli: Cli, tmp_path: Path) -> None:
    file = sparse(tmp_path / "a.mp4", 5 * MIB * 41)
    document = cli("--environment", "sandbox", "plan", file, "--chunk-size", "5MiB", "--json").json
    assert (document["requests"], document["earliestSeconds"]) == (41, 60.0)
    assert cli("--environment", "sandbox", "plan", tmp_path, "--json").json["limits"] == {
        "uploads": 40,
        "writes": 40,
        "reads": 100,
    }
