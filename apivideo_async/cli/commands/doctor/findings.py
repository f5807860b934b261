"""The checks of ``apivideo doctor``; each gives one finding."""

import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Literal

from attrs import frozen

from ...._version import __version__
from ....client import ApiVideoClient
from ....private_files import find_state_folder
from ...session import Session

__all__ = ["Finding", "budget", "clock", "journal", "settings", "versions"]

PACKAGES = ("aiohttp", "attrs", "cattrs", "aiofiles", "click", "rich", "uvloop")
LARGEST_SKEW = 30.0
"""Largest accepted difference to the server's clock, in seconds.

With a larger difference, analytics and the logs of an account are hard to compare.
"""


@frozen
class Finding:
    """The result of one check."""

    name: str
    state: Literal["ok", "note", "failed"]
    text: str

    def line(self) -> str:
        """Return the finding as a line for the terminal."""
        return f"{self.state:<8}{self.name:<13}{self.text}"


def versions() -> str:
    """Return the versions of this package, Python and the packages it uses."""
    found = [
        f"apivideo-async {__version__}",
        f"Python {platform.python_version()}",
        platform.system(),
    ]
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)


def journal() -> Finding:
    """Check the folder that holds the journals of uploads."""
    folder, note = find_state_folder("uploads")
    return Finding("journal", "note", note) if note else Finding("journal", "ok", str(folder))


def settings(session: Session, client: ApiVideoClient) -> str:
    """Return the address of the server and the origin of each setting."""
    given = session.settings
    where = {
        "key": _origin(given.api_key, "--api-key", "APIVIDEO_API_KEY"),
        "environment": _origin(given.environment, "--environment", "APIVIDEO_ENVIRONMENT"),
        "server": _origin(given.base_url, "--base-url", "APIVIDEO_BASE_URL"),
        "webhook secret": _origin(None, "", "APIVIDEO_WEBHOOK_SECRET"),
    }
    told = ", ".join(f"{name} from {origin}" for name, origin in where.items() if origin)
    return f"{client.config.base_url}; {told or 'nothing is set'}"


def _origin(given: str | None, option: str, variable: str) -> str:
    return option if given else variable if os.environ.get(variable) else ""


def clock(headers: Mapping[str, str], now: float) -> Finding:
    """Compare this machine's clock with the server's ``Date`` header, which has whole seconds.

    ``now`` is the local time (a POSIX timestamp) halfway between request and response.
    """
    try:
        moment = parsedate_to_datetime(headers.get("date", ""))
    except ValueError:
        return Finding("clock", "note", "the server told no time")
    here = datetime.fromtimestamp(now, UTC)
    ahead = (here - (moment if moment.tzinfo else moment.replace(tzinfo=UTC))).total_seconds()
    if abs(ahead) <= LARGEST_SKEW:
        return Finding("clock", "ok", f"within {max(1, round(abs(ahead)))} s of the server's")
    return Finding(
        "clock",
        "note",
        f"{abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} the server's: set it",
    )


def budget(name: str, headers: Mapping[str, str]) -> Finding:
    """Return a finding about one request budget, from the rate headers of a response."""
    limit, left, reset = (
        headers.get(f"x-ratelimit-{part}") for part in ("limit", "remaining", "retry-after")
    )
    if limit is None or left is None:
        return Finding(name, "note", "the server told no budget")
    return Finding(name, "ok", f"{left} of {limit} requests left, all again in {reset or '?'} s")
