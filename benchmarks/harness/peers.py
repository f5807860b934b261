"""The programs that are compared with this package.

Each is installed on demand into an environment of its own. A peer that cannot be installed is left
out.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from .measuring import CACHE, HERE, Usage, client, measure
from .servers import Server

OURS = "apivideo-async"
PYTHON = "official Python 1.4.7"
NODE = "official Node 2.6.8"
CURL = "curl -F"


@dataclass(frozen=True)
class Peer:
    """A program that uploads one file. ``command`` makes its command line."""

    name: str
    command: Callable[[Path, Server], Sequence[str]]

    def run(self, path: Path, server: Server) -> Usage:
        return measure(self.command(path, server), server.environ)


def ours(**options: object) -> Peer:
    """Return this package as a peer, with these ``UploadOptions``."""
    return Peer(OURS, lambda path, _: client("ours.py", path, json.dumps(options)))


def _run(*command: object) -> None:
    # Use the unchanged environment: the installation may need settings for the network (such as
    # certificates) that the measured processes must not have.
    subprocess.run(list(map(str, command)), check=True, capture_output=True, timeout=300)


@cache
def official_python_program(name: str, *arguments: object) -> list[str] | None:
    """Return the command of a program in ``clients`` that uses ``api.video`` from PyPI.

    None is returned if the package cannot be installed.
    """
    folder = CACHE / "official-python"
    python = folder / "bin" / "python"
    try:
        if not (folder / "ready").exists():
            _run(sys.executable, "-m", "venv", "--clear", folder)
            _run(python, "-m", "pip", "install", "--quiet", "api.video==1.4.7")
            (folder / "ready").touch()
    except (OSError, subprocess.SubprocessError):
        return None
    return [str(python), "-W", "ignore", str(HERE / "clients" / name), *map(str, arguments)]


def official_python() -> Peer | None:
    """Return ``api.video`` from PyPI as a peer."""
    program = official_python_program("official.py")
    return None if program is None else Peer(PYTHON, lambda path, _: [*program, str(path)])


@cache
def official_node() -> Peer | None:
    """Return ``@api.video/nodejs-client`` from npm as a peer."""
    folder = CACHE / "official-node"
    if not (shutil.which("node") and shutil.which("npm")):
        return None
    try:
        if not (folder / "ready").exists():
            folder.mkdir(parents=True, exist_ok=True)
            _run(
                "npm",
                "install",
                "--prefix",
                folder,
                "--no-audit",
                "--no-fund",
                "@api.video/nodejs-client@2.6.8",
            )
            (folder / "ready").touch()
        program = shutil.copy(HERE / "clients" / "official.js", folder)
    except (OSError, subprocess.SubprocessError):
        return None
    return Peer(NODE, lambda path, _: ["node", program, str(path)])


@cache
def curl() -> Peer | None:
    """Return curl as a peer; it sends one plain multipart request."""
    return Peer(CURL, _curl_command) if shutil.which("curl") else None


def _curl_command(path: Path, server: Server) -> Sequence[str]:
    plain = ["curl", "-sSf", "-u", f"{server.environ['APIVIDEO_API_KEY']}:"]
    create = [
        *plain,
        "-H",
        "Content-Type: application/json",
        "-d",
        '{"title": "bench"}',
        f"{server.url}/videos",
    ]
    created = subprocess.run(create, capture_output=True, check=True, env=server.environ).stdout
    address = f"{server.url}/videos/{json.loads(created)['videoId']}/source"
    return [*plain, "-o", os.devnull, "-F", f"file=@{path}", address]


def present(*peers: Peer | None) -> list[Peer]:
    """Return the peers that could be installed."""
    return [peer for peer in peers if peer is not None]
