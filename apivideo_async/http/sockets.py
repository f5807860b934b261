"""Sockets whose unsent bytes are few and can be counted.

The kernel buffers megabytes of a connection. On a slow line these bytes need seconds to leave the
machine, although they have left the process. ``open_socket`` bounds them with
``TCP_NOTSENT_LOWAT``, and ``bytes_left`` reads from ``TCP_INFO`` how many bytes were really sent.
"""

import socket
import struct
import sys
from asyncio import BaseTransport
from contextlib import suppress
from typing import Any, Final

__all__ = ["TLS_SHARE", "UNSENT", "bytes_left", "open_socket"]

_COUNTED: Final = sys.platform.startswith("linux")
UNSENT: Final = (512 if _COUNTED else 128) * 1024
"""Bytes that the kernel may hold for a connection before it sends them for the first time. A system
that counts them can hold two blocks, which costs no additional calls. Elsewhere this is the error
of the progress. See the benchmarks ``upload_cpu`` and ``progress``."""
TLS_SHARE: Final = 16384 / 16406
"""Share of the content in a TLS record of the largest size. The rest is header and signature."""

_LOWAT: Final[int | None] = getattr(socket, "TCP_NOTSENT_LOWAT", None)
# ``bytes_sent`` and ``bytes_retrans`` in ``struct tcp_info`` of Linux, since 4.19.
_COUNTERS: Final = struct.Struct("=QQ")
_OFFSET: Final = 200


def open_socket(address: tuple[Any, ...]) -> socket.socket:
    """Create a socket for aiohttp (``socket_factory``). ``address`` is one of ``getaddrinfo``."""
    family, kind, protocol = address[:3]
    opened = socket.socket(family, kind, protocol)
    if _LOWAT is not None:
        # A kernel or a sandbox may lack the option. The connection works without it.
        with suppress(OSError):
            opened.setsockopt(socket.IPPROTO_TCP, _LOWAT, UNSENT)
    return opened


def bytes_left(transport: BaseTransport | None) -> int | None:
    """Return how many bytes of a connection have left this machine, TLS records included.

    None: the system does not count them, or the connection is closed.
    """
    if transport is None or not _COUNTED:
        return None
    connection = transport.get_extra_info("socket")
    try:
        info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _OFFSET + _COUNTERS.size)
        sent, repeated = _COUNTERS.unpack_from(info, _OFFSET)
    except (AttributeError, OSError, TypeError, struct.error):
        # Not a TCP socket, an older kernel, or a test double.
        return None
    return int(sent - repeated)
