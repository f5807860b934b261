"""Grey pictures, which the emulator serves where the service would serve a frame of the video."""

from __future__ import annotations

import struct
import zlib

_WIDTH, _HEIGHT = 32, 18


def grey_picture(moment: str = "") -> bytes:
    """Return a PNG. Its grey level depends on ``moment``.

    Different moments usually give different pictures, so that tests can tell them apart.
    """
    grey = 0x40 + zlib.crc32(moment.encode()) % 0x80
    # Bit depth 8, colour type 0 (greyscale). Each row starts with the filter byte 0.
    header = struct.pack(">IIBBBBB", _WIDTH, _HEIGHT, 8, 0, 0, 0, 0)
    rows = (b"\0" + bytes([grey]) * _WIDTH) * _HEIGHT
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    # A PNG chunk: length of the data, type, data, and the checksum of type and data.
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
