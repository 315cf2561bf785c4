"""A child process and its owner talk in lines of JSON: a question on its standard input, an answer on its output."""

import json
import os
import select
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

ROOT: Final = Path(__file__).parents[2]
ANSWER_WITHIN: Final = 300.0  # seconds
END_WITHIN: Final = 15.0  # seconds from the request to the kill


class ChildError(RuntimeError):
    """A child ended, or did not answer in time."""


def answer(**values: Any) -> None:
    """Say something to the owner."""
    sys.stdout.write(json.dumps(values) + "\n")
    sys.stdout.flush()


def question() -> dict[str, Any] | None:
    """The next question of the owner; None when there will be no more. Reads no further, so that select sees it all."""
    line = bytearray()
    while byte := os.read(sys.stdin.fileno(), 1):
        if byte == b"\n":
            asked: dict[str, Any] = json.loads(line)
            return asked
        line += byte
    return None


class Child:
    """``python -m MODULE ...`` that answers questions; ended with the ``with``."""

    def __init__(self, module: str, *arguments: str, log: Path) -> None:
        """Describe it; what it writes to standard error goes to *log*."""
        self._command: Sequence[str] = (sys.executable, "-m", module, *arguments)
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None
        return self._process.pid

    def __enter__(self) -> Self:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, cwd=ROOT
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        process = self._process
        assert process is not None
        if process.stdin is not None:
            process.stdin.close()  # which is the request to end
        process.terminate()
        try:
            process.wait(END_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()

    def tell(self, do: str, **values: Any) -> None:
        """Ask; ``hear`` has the answer."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": do, **values}).encode() + b"\n")
        self._process.stdin.flush()

    def hear(self, within: float = ANSWER_WITHIN) -> Mapping[str, Any]:
        """The next answer.

        Raises:
            ChildError: It did not come in time, or says what went wrong.
        """
        assert self._process is not None
        assert self._process.stdout is not None
        if not select.select([self._process.stdout], [], [], within)[0]:
            raise ChildError(f"no answer from {self._command[2]} within {within:g} s")
        line = self._process.stdout.readline()
        if not line:
            raise ChildError(f"{self._command[2]} ended: {self._log.read_text(errors='replace')[-2000:]}")
        told: dict[str, Any] = json.loads(line)
        if "error" in told:
            raise ChildError(f"{self._command[2]}: {told['error']}")
        return told

    def ask(self, do: str, *, within: float = ANSWER_WITHIN, **values: Any) -> Mapping[str, Any]:
        """Ask and wait for the answer."""
        self.tell(do, **values)
        return self.hear(within)
