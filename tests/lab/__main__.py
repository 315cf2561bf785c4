"""``python -m tests.lab``: the lab by hand."""

import argparse
import asyncio
import sys

from tests.broker import BrokerError
from tests.lab import demo, roots


def main() -> int:
    """Read the arguments and do what they say; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.lab", description="A real Asterisk, broker and call centre.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("roots", help="make the Asterisk roots that are missing")
    for name, text in (
        ("up", "Asterisk, Mosquitto and random traffic, to be used by hand"),
        ("demo", "the same with the gateway, its session events printed live"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("--asterisk", choices=sorted(roots.SUITES), default="22", help="version (default 22)")
        command.add_argument("--seconds", type=float, help="end after so many seconds (default: at Ctrl-C)")
        command.add_argument("--seed", type=int, default=1, help="of the random traffic (default 1)")
    arguments = parser.parse_args()
    try:
        if arguments.command == "roots":
            roots.ensure()
            return 0
        wanted = demo.up(arguments.asterisk, arguments.seconds, arguments.seed, gateway=arguments.command == "demo")
        return asyncio.run(wanted)
    except (roots.LabUnavailableError, BrokerError) as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
