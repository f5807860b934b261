"""A local api.video for development, demonstrations and tests; it shares no code with the client."""

from __future__ import annotations

try:
    import python_multipart as _parser  # noqa: F401 (only looked for)
except ModuleNotFoundError as _missing:
    raise ModuleNotFoundError(
        "the emulator needs one more package: pip install 'apivideo-async[emulator]'", name=_missing.name
    ) from _missing

from .faults.fault_list import Fault, FaultList
from .server import Emulator, MediaInfo
from .state.deliveries import Delivery
from .state.play import Play
from .state.request_log import RequestRecord

__all__ = ["Delivery", "Emulator", "Fault", "FaultList", "MediaInfo", "Play", "RequestRecord"]
