"""A local HTTP server that behaves like api.video, for development, demonstrations and tests.

It shares no code with the client, apart from the style of web pages. An error in the client's
reading of the protocol therefore does not repeat itself in the server that tests the client.
"""

# Check the optional dependencies first. Without this check, the import below would fail deep in
# a module with a message that does not name the extra to install.
try:
    import jinja2 as _templates  # noqa: F401 (only looked for)
    import python_multipart as _parser  # noqa: F401 (only looked for)
except ModuleNotFoundError as _missing:
    raise ModuleNotFoundError(
        "the emulator needs more packages: pip install 'apivideo-async[emulator]'",
        name=_missing.name,
    ) from _missing

from .faults.fault_list import Fault, FaultList
from .quirks.quirk_set import QuirkSet
from .server import Emulator, MediaInfo
from .state.deliveries import Delivery
from .state.play import Play
from .state.request_log import RequestRecord

__all__ = [
    "Delivery",
    "Emulator",
    "Fault",
    "FaultList",
    "MediaInfo",
    "Play",
    "QuirkSet",
    "RequestRecord",
]
