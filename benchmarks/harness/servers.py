"""Starts servers in separate processes."""

import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .measuring import CACHE, HERE, environment

KEY = secrets.token_hex(16)
"""The API key of the emulator. The sink accepts any key."""
TLS = CACHE / "tls"


@dataclass(frozen=True)
class Server:
    """A running server and the settings that its clients need."""

    url: str
    pid: int

    @property
    def environ(self) -> dict[str, str]:
        """The environment for a client of this server."""
        settings = {"APIVIDEO_API_KEY": KEY, "APIVIDEO_BASE_URL": self.url}
        if self.url.startswith("https"):
            # The variables by which the peers find a trusted certificate.
            names = ("SSL_CERT_FILE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
            settings |= dict.fromkeys(names, str(TLS / "ca.pem"))
        return environment(**settings)

    @property
    def address(self) -> str:
        """Host and port."""
        return self.url.partition("//")[2]

    def cpu(self) -> float:
        """Return the CPU seconds used so far, or 0 if the system does not provide them."""
        try:
            fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return 0.0
        # utime and stime, in clock ticks of 10 ms.
        return (int(fields[11]) + int(fields[12])) / 100


@contextmanager
def serving(script: str, *arguments: object) -> Iterator[Server]:
    """Run a program of ``servers`` for the block.

    The program prints its address when it listens.
    """
    command = [sys.executable, str(HERE / "servers" / script), *map(str, arguments)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=environment(APIVIDEO_API_KEY=KEY)
    )
    assert process.stdout is not None
    try:
        url = process.stdout.readline().strip()
        if not url:
            raise RuntimeError(f"{script} did not start")
        yield Server(url, process.pid)
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


@contextmanager
def sink(*arguments: object, tls: bool = False) -> Iterator[Server]:
    """Run the server that discards what it receives."""
    if tls:
        subprocess.run(
            [sys.executable, str(HERE / "servers" / "certificate.py"), str(TLS)], check=True
        )
        arguments = (*arguments, "--tls", TLS)
    with serving("sink.py", *arguments) as server:
        yield server
