"""The gateway as a module that logs all it can: runs and takes arguments as the gateway does."""

import sys

from gateway import cli

if __name__ == "__main__":
    sys.argv += ["--log-level", "debug"]
    cli.app()
