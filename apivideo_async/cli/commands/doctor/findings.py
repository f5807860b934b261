"""What ``apivideo doctor`` looks at, one finding each."""

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
"""Seconds; analytics and the log of an account are hard to compare with a clock that is further off."""


@frozen
class Finding:
    """One thing that was looked at."""

    name: str
    state: Literal["ok", "note", "failed"]
    text: str

    def line(self) -> str:
        """Write it for people."""
        return f"{self.state:<8}{self.name:<13}{self.text}"


def versions() -> str:
    """Name what is installed."""
    found = [f"apivideo-async {__version__}", f"Python {platform.python_version()}", platform.system()]
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)


def journal() -> Finding:
    """Look for the folder in which uploads are journalled."""
    folder, note = find_state_folder("uploads")
    return Finding("journal", "note", note) if note else Finding("journal", "ok", str(folder))


def settings(session: Session, client: ApiVideoClient) -> str:
    """Tell which server is meant, and where each setting comes from."""
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
    """Compare with the server's clock, which tells whole seconds."""
    try:
        moment = parsedate_to_datetime(headers.get("date", ""))
    except ValueError:
        return Finding("clock", "note", "the server told no time")
    here = datetime.fromtimestamp(now, UTC)
    ahead = (here - (moment if moment.tzinfo else moment.replace(tzinfo=UTC))).total_seconds()
    if abs(ahead) <= LARGEST_SKEW:
        return Finding("clock", "ok", f"within {max(1, round(abs(ahead)))} s of the server's")
    return Finding("clock", "note", f"{abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} the server's: set it")


def budget(name: str, headers: Mapping[str, str]) -> Finding:
    """Tell what is left of a request budget."""
    limit, left, reset = (headers.get(f"x-ratelimit-{part}") for part in ("limit", "remaining", "retry-after"))
    if limit is None or left is None:
        return Finding(name, "note", "the server told no budget")
    return Finding(name, "ok", f"{left} of {limit} requests left, all again in {reset or '?'} s")
