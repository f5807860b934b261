"""Makes the video of the demonstration with ffmpeg: H.264 of at least the requested size."""

import asyncio
import contextlib
import shutil
import struct
from importlib import import_module
from pathlib import Path

from ....errors import ConfigurationError
from ...console.formatting import bytes_text

__all__ = ["make_video"]

MARGIN = 1024 * 1024
"""Bytes that ffmpeg writes beyond the requested size, because it stops before its limit."""
# Noise does not compress well, so a few seconds of video reach the size with little CPU time.
OPTIONS = """
    -hide_banner -loglevel error -y
    -f lavfi -i testsrc2=size=1280x720:rate=30 -vf noise=alls=14:allf=t,format=yuv420p
    -c:v libx264 -preset ultrafast -qp 22 -movflags +faststart
"""


def _ffmpeg() -> str:
    try:
        return str(import_module("imageio_ffmpeg").get_ffmpeg_exe())
    except (ImportError, RuntimeError):
        found = shutil.which("ffmpeg")
    if found is None:
        raise ConfigurationError(
            "the demonstration needs ffmpeg to make a video: pip install 'apivideo-async[demo]', "
            "or give a FILE"
        )
    return found


async def make_video(path: Path, size: int) -> None:
    """Write an MP4 file of at least ``size`` bytes that browsers can play.

    Raises ``ConfigurationError`` if ffmpeg is missing or fails.
    """
    process = await asyncio.create_subprocess_exec(
        _ffmpeg(),
        *OPTIONS.split(),
        "-fs",
        str(size + MARGIN),
        str(path),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,  # Ctrl-C reaches this process only; it ends ffmpeg.
    )
    try:
        _, errors = await process.communicate()
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode != 0:
        reason = errors.decode(errors="replace").strip().splitlines() or ["no reason given"]
        raise ConfigurationError(
            f"ffmpeg could not make a video of {bytes_text(size)}: {reason[-1]}"
        )
    _pad(path, size)


def _pad(path: Path, size: int) -> None:
    """Append a box of type ``free``, which players skip, if the file is too small."""
    missing = size - path.stat().st_size
    if missing > 0:
        # The header of a box has 8 bytes: its length and its type.
        missing = max(8, missing)
        with path.open("ab") as handle:
            handle.write(struct.pack(">I4s", missing, b"free"))
            # Extend the file without writing the content of the box.
            handle.truncate(handle.tell() + missing - 8)
