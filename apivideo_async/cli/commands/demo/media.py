"""Makes the video of the demonstration: real H.264, of at least the size that was asked for."""

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
PICTURE = "testsrc2=size=1280x720:rate=30"
NOISE = "noise=alls=14:allf=t,format=yuv420p"
"""Noise cannot be compressed: a few seconds of picture make many bytes, at little work."""
CODEC = ("-c:v", "libx264", "-preset", "ultrafast", "-qp", "22", "-movflags", "+faststart")


def _ffmpeg() -> str:
    """Find an ffmpeg: the one of the wheel imageio-ffmpeg, or the system's."""
    try:
        return str(import_module("imageio_ffmpeg").get_ffmpeg_exe())
    except (ImportError, RuntimeError):
        found = shutil.which("ffmpeg")
    if found is None:
        raise ConfigurationError(
            "the demonstration needs ffmpeg to make a video: pip install 'apivideo-async[demo]', or name a FILE"
        )
    return found


async def make_video(path: Path, size: int) -> None:
    """Write an MP4 that browsers play, of ``size`` bytes or a little more."""
    limit = ("-fs", str(size + MARGIN))
    arguments = ("-hide_banner", "-loglevel", "error", "-y", "-f", "lavfi", "-i", PICTURE, "-vf", NOISE)
    process = await asyncio.create_subprocess_exec(
        *(_ffmpeg(), *arguments, *CODEC, *limit, str(path)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is ours to handle.
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
        raise ConfigurationError(f"ffmpeg could not make a video of {bytes_text(size)}: {reason[-1]}")
    _pad(path, size)


def _pad(path: Path, size: int) -> None:
    """Reach the size in any case: players skip a box named ``free``."""
    missing = size - path.stat().st_size
    if missing > 0:
        missing = max(8, missing)
        with path.open("ab") as handle:
            handle.write(struct.pack(">I4s", missing, b"free"))
            handle.truncate(handle.tell() + missing - 8)
