"""A private PostgreSQL on loopback: Debian's own, in a folder that is deleted when its owner ends.

A process of this module watches each server. It stops the server and deletes its data as soon as
the owner has ended in any way. Tests and benchmarks use this module, so it does not import pytest.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "shared_buffers": "64MB",
}
PATIENCE = 30.0
"""Seconds for a server to start or to stop."""
ACCOUNTS = ("postgres", "nobody")
"""Who may run it for root, which PostgreSQL refuses."""


def programs() -> Path | None:
    """Find the newest version that is installed."""
    found = [
        path for path in Path("/usr/lib/postgresql").glob("*/bin") if (path / "initdb").exists()
    ]
    return max(found, key=lambda path: int(path.parent.name), default=None)


class PostgresServer:
    """A cluster in a folder of its own, for as long as the process ``run`` lives."""

    def __init__(self, run: int, folder: Path | None = None, port: int | None = None) -> None:
        self.run = run
        self.folder = folder or Path(tempfile.mkdtemp(prefix="apivideo-postgres-"))
        self.port = port or free_port()
        self._keeper: subprocess.Popen[bytes] | None = None

    def dsn(self, name: str = "postgres") -> str:
        return f"postgresql://apivideo@127.0.0.1:{self.port}/{name}"

    def start(self) -> None:
        """Return when it takes connections."""
        command = [sys.executable, __file__, str(self.run), str(self.folder), str(self.port)]
        self._keeper = subprocess.Popen(command, start_new_session=True)
        give_up = time.monotonic() + PATIENCE
        while True:
            try:
                psycopg.connect(self.dsn(), connect_timeout=2).close()
            except psycopg.OperationalError as error:
                if self._keeper.poll() is not None or time.monotonic() > give_up:
                    log = self.folder / "log"
                    told = log.read_text(errors="replace")[-2_000:] if log.exists() else ""
                    raise RuntimeError(f"PostgreSQL does not start: {error}\n{told}") from error
                time.sleep(0.05)
            else:
                return

    def stop(self) -> None:
        """End every connection, as in a crash; the data stay."""
        if self._keeper is not None:
            self._keeper.terminate()
            self._keeper.wait(PATIENCE)
            self._keeper = None

    def leave(self) -> None:
        """Leave it to its keeper."""
        if self._keeper is not None:
            self._keeper.returncode = 0  # Or Python warns that nobody waits for it.

    def close(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    @contextlib.contextmanager
    def database(self) -> Iterator[str]:
        """Make an empty database for a while; yields its DSN."""
        name = f"test_{uuid.uuid4().hex[:12]}"
        with psycopg.connect(self.dsn(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        try:
            yield self.dsn(name)
        finally:
            with contextlib.suppress(psycopg.OperationalError):
                with psycopg.connect(self.dsn(), autocommit=True) as connection:
                    connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def unprivileged() -> dict[str, object]:
    """Arguments for ``Popen``: PostgreSQL does not run as root."""
    if os.geteuid() != 0:
        return {}
    import pwd

    known = {account.pw_name: account for account in pwd.getpwall()}
    account = next(known[name] for name in ACCOUNTS if name in known)
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def keep(run: int, folder: Path, port: int) -> None:
    """Run a server until SIGTERM or until the process ``run`` ends, then delete its data."""
    bin_folder, account = programs(), unprivileged()
    assert bin_folder is not None
    if "user" in account:
        os.chown(folder, account["user"], account["group"])  # type: ignore[call-overload]
    asked_to_stop: list[int] = []
    signal.signal(signal.SIGTERM, lambda *_: asked_to_stop.append(1))
    with (folder / "log").open("ab") as log:
        given: dict[str, object] = {"cwd": folder, "stdout": log, "stderr": log, **account}
        if not (folder / "data").exists():
            initdb = [
                bin_folder / "initdb",
                "-D",
                "data",
                "-U",
                "apivideo",
                "--auth=trust",
                "--no-sync",
                "-E",
                "UTF8",
            ]
            subprocess.run([*initdb, "--locale=C"], check=True, **given)  # type: ignore[call-overload]
        settings = {**SETTINGS, "port": str(port), "unix_socket_directories": str(folder)}
        options = [f"--{name}={value}" for name, value in settings.items()]
        server = subprocess.Popen([bin_folder / "postgres", "-D", "data", *options], **given)  # type: ignore[call-overload]
        while server.poll() is None and not asked_to_stop and alive(run):
            time.sleep(0.1)
        server.send_signal(signal.SIGQUIT)
        server.wait(PATIENCE)
    if not alive(run):
        shutil.rmtree(folder, ignore_errors=True)


def alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


if __name__ == "__main__":
    keep(int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
