"""A local api.video for development, demonstrations and tests; it shares no code with the client."""

from __future__ import annotations

from .faults import Fault, FaultList
from .request_log import RequestRecord
from .server import Emulator, MediaInfo

__all__ = ["Emulator", "Fault", "FaultList", "MediaInfo", "RequestRecord"]
