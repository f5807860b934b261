"""Executes the blocks of one page: Python in one namespace, shell commands in one folder.

CONTRIBUTING.md describes the conventions for the authors of pages.
"""

import ast
import asyncio
import contextlib
import inspect
import json
import logging
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import psutil
from attrs import evolve

import apivideo_async
from apivideo_async import ApiVideoClient
from apivideo_async.emulator import Emulator

from .pages import ROOT, Block

SECRET = "sig_sec_docs"
DSN = "postgresql://user:password@host/name"
"""Stands for a database in the pages, which the tests replace by their own."""
PATIENCE = 60.0
"""Seconds for a command to end, or for a server to start."""
PNG = b"\x89PNG\r\n\x1a\n" + bytes(1000)
FILES = {
    "movie.mp4": b"\x01movie\n" * 2**17,
    "other.mp4": b"\x02other\n" * 2**10,
    "videos/one.mp4": b"\x03video1\n" * 2**10,
    "videos/two.mp4": b"\x04video2\n" * 2**10,
    "videos/three.mp4": b"\x05video3\n" * 2**10,
    "words.vtt": b"WEBVTT\n\n00:00:00.000 --> 00:00:02.000\nHello\n",
    "chapters.vtt": b"WEBVTT\n\n00:00:00.000 --> 00:00:02.000\nIntroduction\n",
    "thumbnail.jpg": b"\xff\xd8\xff\xe0" + bytes(1000) + b"\xff\xd9",
    "logo.png": PNG,
    "watermark.png": PNG,
    "manifest.jsonl": b'{"uri": "videos/one.mp4", "title": "One"}\n{"uri": "videos/two.mp4"}\n',
}
PORT = re.compile(r'(\b127\.0\.0\.1(?::|", )|\blocalhost:|\bport[ =])([1-9]\d{3})\b')
"""Ports of servers in pages. The tests replace them, because several pages run at once."""
DEFAULT_PORTS = {"apivideo emulator": 8700, "apivideo webhooks listen": 8765}
"""Ports of servers that are started without ``--port``."""
PROGRAM = re.compile(r"^(asyncio\.run\(|if __name__)", re.MULTILINE)


def make_files(folder: Path) -> None:
    """Write the files that the pages name."""
    for name, data in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(data)


class PageRun:
    """The state that the blocks of a page share. ``close`` ends the servers that they started."""

    def __init__(self, folder: Path, emu: Emulator, client: ApiVideoClient) -> None:
        self._folder = folder
        self._module = ModuleType("docs_page")
        # Annotations of classes are resolved in the module that is registered under their name.
        sys.modules["docs_page"] = self._module
        public = {name: getattr(apivideo_async, name) for name in apivideo_async.__all__}
        modules = {"asyncio": asyncio, "datetime": datetime, "UTC": UTC, "Path": Path}
        self._names = vars(self._module)
        self._names.update(public, **modules, emu=emu, client=client)
        self._servers: list[subprocess.Popen[bytes]] = []
        self._placeholders: dict[str, str] = {}
        loggers = [logging.getLogger(name) for name in ("", *logging.root.manager.loggerDict)]
        self._loggers = [
            (logger, logger.level, logger.propagate, list(logger.handlers)) for logger in loggers
        ]
        self._ports: dict[str, str] = {}
        """Free ports, by the ports that the page names."""

    async def prepare(self, dsn: str | None) -> None:
        """Create the objects whose ids the pages use. ``dsn``: the address of a database."""
        client = self._names["client"]
        video = await client.upload("other.mp4", title="Other", tags=["trailer"])
        live = await client.live_streams.create(name="Tonight")
        self._names.update(video_id=video.video_id, live_stream_id=live.live_stream_id)
        self._placeholders = {"viXXX": video.video_id, "liXXX": live.live_stream_id}
        if dsn is not None:
            self._placeholders[DSN] = dsn

    async def run(self, block: Block) -> None:
        """Execute or check one block. Raises ``AssertionError`` or what the block raises."""
        word, _, argument = block.instruction.partition(" ")
        code = block.code
        for placeholder, value in self._placeholders.items():
            code = code.replace(placeholder, value)
        for command, port in DEFAULT_PORTS.items():
            code = re.sub(rf"{command}\b(?!.*--port)", f"{command} --port {port}", code)
        code = PORT.sub(lambda found: found[1] + self._port(found[2]), code)
        block = evolve(block, code=code)
        if word == "file":
            path = self._folder / argument
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.code, encoding="utf-8")
        elif word == "excerpt":
            check_excerpt(block, (ROOT / argument).read_text(encoding="utf-8"))
        elif block.language in ("python", "check"):
            await self._run_python(block)
        elif block.language == "sh":
            await asyncio.to_thread(self._run_shell, block, word, argument)
        elif block.language in PARSERS:
            PARSERS[block.language](block.code)

    def _port(self, named: str) -> str:
        if named not in self._ports:
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                self._ports[named] = str(free.getsockname()[1])
        return self._ports[named]

    async def _run_python(self, block: Block) -> None:
        if block.language == "python" and PROGRAM.search(block.code):
            program = self._folder / "program.py"
            program.write_text(block.code, encoding="utf-8")
            command = f"{shlex.quote(sys.executable)} -W error program.py"
            await asyncio.to_thread(self._execute, block, command, 0)
            return
        # Lines in tracebacks are those of the page.
        code = compile(
            "\n" * block.line + block.code,
            str(block.page),
            "exec",
            flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT,
        )
        if code.co_flags & inspect.CO_COROUTINE:
            await eval(code, self._names)
        elif block.language == "check" or "asyncio.run(" in block.code:
            # In a thread without an event loop, because synchronous web apps call asyncio.run.
            await asyncio.to_thread(exec, code, self._names)
        else:
            exec(code, self._names)

    def _run_shell(self, block: Block, word: str, argument: str) -> None:
        if word == "background":
            if argument == "instead":  # of the server of the previous block of this kind
                stop(self._servers.pop())
                argument = ""
            self._start(block, argument.removeprefix("until "))
        else:
            self._execute(block, block.code, int(argument) if word == "exit" else 0)

    def _script(self, code: str) -> list[str]:
        exports = self._folder / ".exports"
        exports.touch()
        return ["bash", "-euo", "pipefail", "-c", f'. "{exports}"\n{code}']

    def _execute(self, block: Block, code: str, expected: int) -> None:
        # Variables that a block exports are visible in the later blocks of its page.
        keep = f"trap 'export -p >\"{self._folder}/.exports\"' EXIT\n"
        done = subprocess.run(
            self._script(keep + code),
            cwd=self._folder,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=PATIENCE,
        )
        output = done.stdout.decode(errors="replace")
        print(output)
        assert done.returncode == expected, (
            f"{block.place}: exit code {done.returncode}, not {expected}\n{output}"
        )

    def _start(self, block: Block, text: str) -> None:
        output = self._folder / f".output-{block.line}"
        with output.open("wb") as written:
            server = subprocess.Popen(
                self._script(block.code),
                cwd=self._folder,
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=written,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._servers.append(server)
        started = (lambda: text in output.read_text()) if text else (lambda: listens(server.pid))
        wait_until(started, lambda: server.poll() is None, block.place, output)

    def close(self) -> None:
        """End the servers of the page, and restore the loggers that it changed."""
        for logger, level, propagate, handlers in self._loggers:
            logger.setLevel(level)
            logger.propagate, logger.handlers = propagate, handlers
        for server in self._servers:
            stop(server)
        sys.modules.pop("docs_page", None)


def check_excerpt(block: Block, source: str) -> None:
    """Check that the lines of a block occur in a file in this order; others may be between."""
    lines = (line.strip(" ,") for line in source.splitlines())
    for wanted in (line.strip(" ,") for line in block.code.splitlines()):
        left_out = not wanted or "..." in wanted or "…" in wanted
        assert left_out or wanted in lines, f"{block.place}: not in the file: {wanted}"


def environment() -> dict[str, str]:
    """Return the environment of commands: this Python, its scripts and this checkout first."""
    scripts = str(Path(sys.executable).parent)
    paths = {"PATH": scripts, "PYTHONPATH": str(ROOT)}
    return os.environ | {
        name: os.pathsep.join(filter(None, [first, os.environ.get(name)]))
        for name, first in paths.items()
    }


def stop(server: "subprocess.Popen[bytes]") -> None:
    """End a server and its children, and wait for them: the next page may need their port."""
    with contextlib.suppress(psutil.NoSuchProcess):
        family = psutil.Process(server.pid).children(recursive=True)
        os.killpg(server.pid, signal.SIGTERM)
        _, alive = psutil.wait_procs(family, timeout=10)
        for process in alive:
            process.kill()
    server.wait()


def listens(pid: int) -> bool:
    """Whether a process or one of its children accepts connections."""
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
        connections = [found for member in family for found in member.net_connections()]
    except psutil.Error:
        return False
    return any(connection.status == psutil.CONN_LISTEN for connection in connections)


def wait_until(
    started: Callable[[], bool], runs: Callable[[], bool], place: str, output: Path
) -> None:
    """Wait until a server has started. Fails if it ends, or after ``PATIENCE``."""

    async def poll() -> None:
        async with asyncio.timeout(PATIENCE):
            while not started():
                assert runs(), f"{place}: ended at once\n{output.read_text()}"
                await asyncio.sleep(0.05)

    try:
        asyncio.run(poll())
    except TimeoutError:
        raise AssertionError(f"{place}: did not start\n{output.read_text()}") from None


def parse_json_lines(text: str) -> None:
    """Parse a JSON document, or one document per line. Raises ``ValueError``."""
    try:
        json.loads(text)
    except ValueError:
        for line in text.splitlines():
            json.loads(line)


PARSERS: dict[str, Callable[[str], Any]] = {"json": parse_json_lines, "toml": tomllib.loads}
