"""The calls and callers in the store."""

from typing import Final

from pydantic import TypeAdapter

from gateway.ami.callers import Waiting
from gateway.ami.completions import TrackedCall
from gateway.ami.device_calls import TrackedDeviceCall
from gateway.ami.translate import Translator
from gateway.domain.acd_calls import EndedCall
from gateway.domain.handler import AgentHandler
from gateway.service.kept import Kept
from gateway.store.contents import Batch, Saved

_CALL: Final = TypeAdapter(TrackedCall)
_CALLER: Final = TypeAdapter(Waiting)
_DEVICE_CALL: Final = TypeAdapter(TrackedDeviceCall)
_ENDED_CALL: Final = TypeAdapter(EndedCall)


class KeptCalls:
    """Keeps what it takes to understand what comes next of a call: each call and each caller by itself.

    Args:
        translator: Calls not told to the end, callers, and calls on the agents' devices.
        handler: Ended calls whose records wait.
    """

    def __init__(self, translator: Translator, handler: AgentHandler) -> None:
        self._translator = translator
        self._handler = handler
        self._calls = Kept("call", _CALL, translator.calls.take_changed)
        self._callers = Kept("caller", _CALLER, translator.callers.take_changed)
        self._device_calls = Kept("device_call", _DEVICE_CALL, translator.devices.take_changed)
        self._ended_calls = Kept("ended_call", _ENDED_CALL, self._take_unrecorded)

    def collect(self, batch: Batch) -> None:
        """Add to a batch what has changed since the last."""
        self._calls.collect(batch)
        self._callers.collect(batch)
        self._device_calls.collect(batch)
        self._ended_calls.collect(batch)

    def restore(self, saved: Saved) -> None:
        """Give back what was kept, before anything runs."""
        self._translator.calls.restore(self._calls.read(saved))
        self._translator.callers.restore(self._callers.read(saved))
        self._translator.devices.restore(self._device_calls.read(saved))
        self._handler.restore_unrecorded(self._ended_calls.read(saved))

    def _take_unrecorded(self) -> dict[str, EndedCall | None]:
        changed = self._handler.take_unrecorded()
        return {"\n".join((*member, *call)): ended for (member, call), ended in changed.items()}
