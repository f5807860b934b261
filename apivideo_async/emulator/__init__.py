"""A local api.video for development, demonstrations and tests; it shares no code with the client."""

from __future__ import annotations

try:
    import python_multipart as _parser  # noqa: F401 (only looked for)
except ModuleNotFoundError as _missing:
    raise ModuleNotFoundError(
        "the emulator needs one more package: pip install 'apivideo-async[emulator]'", name=_missing.name
    ) from _missing

from .analytics.play import Play
from .deliveries import Delivery
from .faults import Fault, FaultList
from .request_log import RequestRecord
from .server import Emulator, MediaInfo

__all__ = ["Delivery", "Emulator", "Fault", "FaultList", "MediaInfo", "Play", "RequestRecord"]
