"""How much memory a process has, by Linux's own account."""

import resource
from pathlib import Path


def resident(pid: int) -> int:
    """Resident set of a process, in bytes."""
    return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * resource.getpagesize()
