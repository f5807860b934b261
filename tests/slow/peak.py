"""How much memory this process has needed at most."""

import resource
from pathlib import Path


def peak_rss() -> int:
    """Bytes. On Linux from VmHWM, because ``ru_maxrss`` starts with the parent's size."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
