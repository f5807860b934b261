"""The files with saved service profiles: one small JSON file for each base URL, without secrets.

A base URL cannot contain a password or a query (``ClientConfig``). The values of a profile are
interpreted by ``protocol.service_profile``.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from .errors import ConfigurationError
from .private_files import existing_state_file, replacing, state_file

__all__ = ["SavedProfile", "read_profile", "write_profile"]

FOLDER = "profiles"
VERSION = 1


def _unusable(path: Path, reason: str) -> ConfigurationError:
    return ConfigurationError(
        f"the saved service profile {path} cannot be used ({reason}): delete the file, or run "
        "`apivideo conformance --save`",
        option="profile",
    )


@frozen
class SavedProfile:
    """The content of a file."""

    path: Path
    checked: str
    """Time of the check in ISO 8601."""
    values: Mapping[str, Any]
    """The values that differ from the assumptions, by the names of ``ServiceProfile``."""

    def unusable(self, reason: str) -> ConfigurationError:
        """Return the error for values that no profile has."""
        return _unusable(self.path, reason)


def _file_name(base_url: str) -> str:
    return f"{hashlib.sha256(base_url.encode()).hexdigest()[:32]}.json"


def read_profile(base_url: str) -> SavedProfile | None:
    """Return the saved profile of a service, or None. ``base_url`` has no final slash.

    Raises ``ConfigurationError`` if the file cannot be read or was not written by this package.
    """
    path = existing_state_file(FOLDER, _file_name(base_url))
    if path is None:
        return None
    try:
        content = json.loads(path.read_bytes())
        version, checked, values = (content[name] for name in ("version", "checked", "profile"))
    except OSError as error:
        raise _unusable(path, error.strerror or type(error).__name__) from None
    except (ValueError, TypeError, LookupError, RecursionError):
        raise _unusable(path, "it is damaged") from None
    if version != VERSION:
        raise _unusable(path, f"it has version {version!r} instead of {VERSION}")
    if not isinstance(checked, str) or not isinstance(values, dict):
        raise _unusable(path, "it is damaged")
    return SavedProfile(path, checked, values)


def write_profile(base_url: str, checked: str, values: Mapping[str, Any]) -> Path:
    """Replace the saved profile of a service, and return the path of the file.

    ``checked`` is the time of the check. Raises ``ConfigurationError`` if it cannot be written.
    """
    path = state_file(FOLDER, _file_name(base_url))
    if path is None:
        raise ConfigurationError("the profile cannot be saved: no folder is writable")
    content = {"version": VERSION, "baseUrl": base_url, "checked": checked, "profile": dict(values)}
    try:
        with replacing(path, private=True) as file:
            json.dump(content, file, indent=2)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigurationError(f"the profile cannot be saved in {path}: {reason}") from None
    return path
