"""Check the restreams of a live stream: at most five RTMP servers.

See service.md#error-details, service.md#restreams.
"""

from __future__ import annotations

import re
from typing import Any

from .payloads import Check, Problems, array, filled, record
from .problems import invalid_attribute

# The group is the path, which is the application name.
_URL = re.compile(r"rtmps?://[^/\s]+(/\S*)?", re.IGNORECASE)
_FORM = "[rtmp|rtmps]://[host]/[app name]."


def _server_url(name: str, value: Any) -> Problems:
    problems = filled(name, value)
    if problems:
        return problems
    match = _URL.fullmatch(value)
    if match is None:
        return [invalid_attribute(name, f"RTMP URL should have the following format: {_FORM}")]
    if not (match[1] or "").strip("/"):
        return [invalid_attribute(name, f"Missing app name: {_FORM}")]
    return []


restreams: Check = array(record(name=filled, serverUrl=_server_url, streamKey=filled), at_most=5)
