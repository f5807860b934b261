"""Small grey pictures for where the service would show a frame."""

from __future__ import annotations

import struct
import zlib

_WIDTH, _HEIGHT = 32, 18


def grey_picture(moment: str = "") -> bytes:
    """Return a PNG whose grey tells one moment of a video from most others."""
    grey = 0x40 + zlib.crc32(moment.encode()) % 0x80
    header = struct.pack(">IIBBBBB", _WIDTH, _HEIGHT, 8, 0, 0, 0, 0)
    rows = (b"\0" + bytes([grey]) * _WIDTH) * _HEIGHT
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
