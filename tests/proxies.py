"""A real proxy, tinyproxy of the system's packages (``make proxies`` installs it)."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from attrs import frozen

TINYPROXY = shutil.which("tinyproxy")
needs_tinyproxy = pytest.mark.skipif(
    TINYPROXY is None, reason="tinyproxy is not installed, and make could not install it"
)


@frozen
class Proxy:
    port: int
    log: Path

    def url(self, user: str = "") -> str:
        return f"http://{user}{'@' if user else ''}127.0.0.1:{self.port}"

    @property
    def requests(self) -> list[str]:
        """The request lines that the proxy received."""
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return [line.partition("): ")[2] for line in lines if "Request (file" in line]


@contextmanager
def tinyproxy(folder: Path, user: str = "") -> Iterator[Proxy]:
    """Run a proxy; ``user`` is ``name password``, which it then requires."""
    assert TINYPROXY is not None
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    log = folder / f"tinyproxy-{port}.log"
    lines = [f"Port {port}", "Listen 127.0.0.1", "Timeout 60", "LogLevel Connect"]
    lines += [f'LogFile "{log}"', f'PidFile "{folder}/tinyproxy-{port}.pid"', "MaxClients 50"]
    config = folder / f"tinyproxy-{port}.conf"
    config.write_text("\n".join([*lines, f"BasicAuth {user}" if user else ""]))
    process = subprocess.Popen(
        [TINYPROXY, "-d", "-c", str(config)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _await_port(process, port)
        yield Proxy(port, log)
    finally:
        process.terminate()
        process.wait()


def _await_port(process: "subprocess.Popen[bytes]", port: int) -> None:
    while process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise AssertionError(f"tinyproxy ended with status {process.returncode}")
