"""How much processor time the processes below this one use."""

import os
from pathlib import Path
from typing import Final

TICKS: Final = os.sysconf("SC_CLK_TCK")


def browser_seconds() -> float:
    """Processor seconds that all Chromium processes below this one have used so far, their helpers included."""
    children: dict[int, list[int]] = {}
    used: dict[int, float] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            name, _, rest = (folder / "stat").read_text().rpartition(")")
        except OSError:
            continue  # it ended meanwhile
        fields = rest.split()
        children.setdefault(int(fields[1]), []).append(int(folder.name))
        if "chrom" in name:
            used[int(folder.name)] = (int(fields[11]) + int(fields[12])) / TICKS
    below, found = [os.getpid()], 0.0
    while below:
        process = below.pop()
        found += used.get(process, 0.0)
        below += children.get(process, [])
    return found
