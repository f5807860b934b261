"""The real command in processes of its own, against a real emulator in a thread."""

import contextlib
import io
import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from apivideo_async.cli.app import run
from apivideo_async.emulator import Emulator

MIB = 1024 * 1024
KEY = "the-key-of-this-test"


@contextlib.contextmanager
def unchanged_logging() -> Iterator[None]:
    """Restore the loggers that the command line changes; other tests of this process read them."""
    loggers = [
        logging.getLogger(name)
        for name in ("apivideo_async", "asyncio", "opentelemetry", "procrastinate", "psycopg")
    ]
    before = [(logger, logger.level, logger.propagate, list(logger.handlers)) for logger in loggers]
    yield
    for logger, level, propagate, handlers in before:
        logger.setLevel(level)
        logger.propagate, logger.handlers = propagate, handlers


class Result:
    """What a command left."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def error_line(self) -> str:
        """The only line on the standard error; there must be exactly one."""
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        return lines[0]

    def __repr__(self) -> str:
        return f"exit {self.code}\n--- out\n{self.out}\n--- err\n{self.err}"


class Process(subprocess.Popen[str]):
    """A process that does not outlive a failed test."""

    def __exit__(self, kind: Any, *rest: Any) -> None:
        if kind is not None:
            self.kill()
        super().__exit__(kind, *rest)


class Cli:
    """Runs ``python -m apivideo_async.cli`` with an environment of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith("APIVIDEO_")
        }
        self.env = {
            **kept,
            "XDG_STATE_HOME": str(folder / "state"),
            "PYTHONWARNINGS": "error",
            "COLUMNS": "100",
        }

    def use(self, emulator: Emulator) -> "Cli":
        self.env |= {"APIVIDEO_BASE_URL": emulator.url, "APIVIDEO_API_KEY": emulator.api_key}
        return self

    def start(self, *arguments: str | Path, **options: Any) -> Process:
        return Process(
            [sys.executable, "-m", "apivideo_async.cli", *map(str, arguments)],
            **{
                "stdin": subprocess.DEVNULL,
                "stdout": subprocess.PIPE,
                "stderr": subprocess.PIPE,
                "text": True,
                "cwd": self.folder,
                "env": self.env,
                **options,
            },
        )

    def __call__(self, *arguments: str | Path) -> Result:
        """Run in this process, which is much faster than starting another one."""
        out, err = io.StringIO(), io.StringIO()
        with (
            pytest.MonkeyPatch.context() as patch,
            unchanged_logging(),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            for name in set(os.environ) - set(self.env):
                patch.delenv(name)
            for name, value in self.env.items():
                patch.setenv(name, value)
            patch.chdir(self.folder)
            code = run([str(argument) for argument in arguments])
        return self.checked(code, out.getvalue(), err.getvalue())

    def process(self, *arguments: str | Path, data: bytes | None = None) -> Result:
        """Run in a process of its own, with ``data`` in a pipe as its standard input."""
        given = {} if data is None else {"stdin": subprocess.PIPE}
        with self.start(*arguments, text=False, **given) as process:
            out, err = process.communicate(data, timeout=150)
        return self.checked(process.returncode, out.decode(), err.decode())

    @staticmethod
    def checked(code: int, out: str, err: str) -> Result:
        assert "Traceback" not in err, err
        assert KEY not in out + err, "a secret was printed"
        return Result(code, out, err)


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """The command without a server."""
    return Cli(tmp_path)


@pytest.fixture
def emu() -> Iterator[Emulator]:
    """A running emulator."""
    with Emulator(api_key=KEY).in_thread() as emulator:
        yield emulator


@pytest.fixture
def online(cli: Cli, emu: Emulator) -> Cli:
    """The command, pointed at the emulator."""
    return cli.use(emu)


@pytest.fixture
def make_file(tmp_path: Path) -> Callable[..., Path]:
    """Write a file of random bytes; from 16 MiB on a sparse one with marks at every MiB."""

    def make(name: str = "movie.mp4", size: int = 100_000) -> Path:
        path = tmp_path / name
        with path.open("wb") as handle:
            if size < 16 * MIB:
                handle.write(os.urandom(size))
            else:
                handle.truncate(size)
                for position in range(0, size - 16, MIB):
                    handle.seek(position)
                    handle.write(os.urandom(16))
        return path

    return make
