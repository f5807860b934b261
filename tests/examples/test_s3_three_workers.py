"""`s3_three_workers/`: every command in it exists, and its README uploads a bucket."""

import hashlib
import json
import re
import shlex
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from apivideo_async.cli.app import app
from apivideo_async.emulator import Emulator

from .processes import EXAMPLES, running, until

MIB = 1024 * 1024
FOLDER = EXAMPLES / "s3_three_workers"
README = (FOLDER / "README.md").read_text()
COMPOSE = yaml.safe_load((FOLDER / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
SOURCE = "s3://films/2024/"
OURS = {"init", "enqueue", "worker"}

Parsed = tuple[list[str], dict[str, Any]]


def parse(words: list[str]) -> Parsed:
    """Parse a command as ``apivideo`` does, and run nothing: its names and its arguments."""
    command: click.Command = app
    context = command.make_context("apivideo", words)
    while isinstance(command, click.Group):
        name, found, rest = command.resolve_command(
            context, [*context._protected_args, *context.args]
        )
        assert found is not None
        command, context = found, found.make_context(name, rest, parent=context)
    return context.command_path.split(), context.params


def commands(text: str) -> list[list[str]]:
    """The commands in the shell blocks of a text, without comments."""
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [
        words
        for line in "".join(blocks).splitlines()
        if (words := shlex.split(line, comments=True))
    ]


def by_hand() -> list[list[str]]:
    return [
        words[1:] for words in commands(README.partition("## By hand")[2]) if words[0] == "apivideo"
    ]


def within_containers() -> list[list[str]]:
    """What the README runs in containers: the words after the service."""
    runs = [words for words in commands(README) if words[:3] == ["docker", "compose", "run"]]
    return [words[words.index("worker") + 1 :] for words in runs]


def interpolated(text: str) -> str:
    return re.sub(r"\$\{SOURCE\b[^}]*\}", SOURCE, text)


def of_services() -> list[list[str]]:
    return [
        shlex.split(interpolated(service["command"]))
        for name, service in SERVICES.items()
        if name in OURS
    ]


@pytest.fixture(autouse=True)
def _database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APIVIDEO_DATABASE_URL", "postgresql://apivideo@localhost/apivideo")


@pytest.mark.parametrize("words", [*by_hand(), *within_containers(), *of_services()], ids=" ".join)
def test_every_command_is_one_that_there_is(words: list[str]) -> None:
    path, given = parse(words)
    assert path[:2] == ["apivideo", "distributed"]
    if path[2] == "enqueue":
        assert given["sources"] == (SOURCE,)


@pytest.mark.parametrize("words", re.findall(r"`((?:enqueue|worker) --[^`]+)`", README))
def test_every_variation_is_one_that_there_is(words: str) -> None:
    parse(
        [
            "distributed",
            *words.split(),
            *([SOURCE] if words.startswith("enqueue --strategy") else []),
        ]
    )


def test_a_command_that_there_is_not_would_be_found() -> None:
    for words in ("distributed enqeue x", "distributed worker --workers 3", "distributed report"):
        with pytest.raises(click.UsageError):
            parse(words.split())


def variables(command: click.Command) -> Iterator[str]:
    """What a command reads from the environment, by click."""
    for parameter in command.params:
        if isinstance(parameter.envvar, str):
            yield parameter.envvar


def test_the_services_are_the_database_two_steps_and_three_workers() -> None:
    assert set(SERVICES) == {"postgres", *OURS}
    assert SERVICES["worker"]["deploy"]["replicas"] == 3
    assert re.fullmatch(r"postgres:\d+", SERVICES["postgres"]["image"])
    for name in OURS:
        assert SERVICES[name]["command"].startswith(f"distributed {name}")
    assert SERVICES["init"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    for name in ("enqueue", "worker"):
        assert SERVICES[name]["depends_on"] == {
            "init": {"condition": "service_completed_successfully"}
        }
    assert set(COMPOSE["volumes"]) == {
        volume.partition(":")[0] for volume in SERVICES["postgres"]["volumes"]
    }


def test_containers_get_the_settings_that_the_command_reads() -> None:
    for name in OURS:
        environment = SERVICES[name]["environment"]
        command = app.get_command(click.Context(app), "distributed")
        assert isinstance(command, click.Group)
        found = command.get_command(click.Context(command), name)
        assert found is not None
        assert {
            "APIVIDEO_API_KEY",
            "APIVIDEO_BASE_URL",
            "APIVIDEO_ENVIRONMENT",
            *variables(found),
        } == {variable for variable in environment if variable.startswith("APIVIDEO_")}
        login = SERVICES["postgres"]["environment"]
        address = environment["APIVIDEO_DATABASE_URL"]
        assert address.startswith(f"postgresql://{login['POSTGRES_USER']}:${{POSTGRES_PASSWORD")
        assert address.endswith(f"@postgres/{login['POSTGRES_DB']}")


def test_the_image_is_built_from_what_there_is() -> None:
    build = SERVICES["worker"]["build"]
    root = (FOLDER / build["context"]).resolve()
    lines = (root / build["dockerfile"]).read_text().splitlines()
    for line in lines:
        if line.startswith("COPY "):
            assert all((root / source).exists() for source in line.split()[1:-1])
    [entry] = [line.removeprefix("ENTRYPOINT ") for line in lines if line.startswith("ENTRYPOINT ")]
    assert json.loads(entry) == ["apivideo"]
    [usual] = [line.removeprefix("CMD ") for line in lines if line.startswith("CMD ")]
    assert parse(json.loads(usual))[0] == ["apivideo", "distributed", "worker"]


@pytest.fixture
def films(s3: Any) -> Iterator[dict[str, bytes]]:
    """Thirty videos below the prefix of the README, one of several chunks, and other objects."""
    made = {f"2024/{number % 3}/{number}.mp4": str(number).encode() * 5000 for number in range(29)}
    made["2024/long.mp4"] = bytes(range(256)) * (17 * MIB // 256)
    s3.create_bucket(Bucket="films")
    others = {"2024/notes.txt": b"no video", "2023/0.mp4": b"another year"}
    for key, data in {**made, **others}.items():
        s3.put_object(Bucket="films", Key=key, Body=data)
    yield made
    for key in (*made, *others):
        s3.delete_object(Bucket="films", Key=key)
    s3.delete_bucket(Bucket="films")


@pytest.mark.slow
async def test_by_hand_a_bucket_becomes_videos_on_three_workers(
    films: dict[str, bytes],
    emulator: Emulator,
    postgres_dsn: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("APIVIDEO_DATABASE_URL", postgres_dsn)
    monkeypatch.chdir(tmp_path)
    init, enqueue, worker, status, retry, report = by_hand()

    async def run(words: list[str]) -> str:
        async with running("-m", "apivideo_async.cli", *words) as program:
            assert await program.ended() == 0, program.said
            return program.said

    assert await run(init) == "the database is ready\n"
    assert await run(enqueue) == "30 items, 30 of them new\n"
    async with AsyncExitStack() as terminals:
        programs = [
            await terminals.enter_async_context(running("-m", "apivideo_async.cli", *worker))
            for _ in range(3)
        ]

        async def printed() -> Any:
            lines = [
                line.split("\t")
                for program in programs
                for line in program.said.splitlines()
                if "\t" in line
            ]
            return lines if len(lines) == len(films) else None

        lines = await until(printed)
        assert re.search(r"done\s+30 \(", await run(status))
        assert [await program.end() for program in programs] == [0, 0, 0]
    assert {uri: emulator.sha256(video_id) for video_id, uri in lines} == {
        f"s3://films/{key}": hashlib.sha256(data).hexdigest() for key, data in films.items()
    }
    assert len(emulator.state.videos) == len(films)
    assert await run(retry) == "0 items enqueued again\n"
    assert await run(report) == "report.html\n"
    assert "Ingestion report" in (tmp_path / "report.html").read_text()
