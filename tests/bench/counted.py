"""The gateway with a counter at its store: takes the same arguments, and says at its end what writing cost.

The file that the environment names gets how many transactions there were, and their seconds.
"""

import json
import os
import time
from pathlib import Path
from typing import Final

from gateway.cli import app
from gateway.store.contents import Batch
from gateway.store.store import Store

INTO: Final = "CTI_GATEWAY_BENCH_COMMITS"


def main() -> None:
    """Run the gateway."""
    spent: list[tuple[float, float]] = []
    write = Store.write

    def counted(store: Store, batch: Batch) -> None:
        began = time.perf_counter()
        write(store, batch)
        spent.append((time.time(), time.perf_counter() - began))

    Store.write = counted  # type: ignore[method-assign,assignment]  # no port shows what is counted
    try:
        app()
    finally:
        Path(os.environ[INTO]).write_text(json.dumps(spent), encoding="utf-8")


if __name__ == "__main__":
    main()
