"""The entities of each kind of device: what each is called, and which part of which message it shows.

Figures that begin anew with the measurement period are totals that say when they were last reset, which is exact;
``total_increasing`` would have Home Assistant guess the reset from a fall, and miss it where the new period is past the
old figure already.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from gateway.domain.agent import AgentState

ON_CALL: Final = tuple(state.name for state in AgentState if state.name.startswith("BUSY_"))

Options = Mapping[str, object]


IS_TOLD: Final = "value_json is defined"
"""Whether there is a message: that of an agent who goes is removed before the device is, and Home Assistant would warn
of every template that takes the empty payload for one."""

_RESET: Final = f"{{% if {IS_TOLD} %}}{{{{ value_json.measurement_period.from }}}}{{% endif %}}"


@dataclass(frozen=True, slots=True)
class Entity:
    """A sensor, or a binary sensor.

    Attributes:
        key: Names it in identifiers; never to be changed, as Home Assistant knows it by that.
        name: For people, beside the device's name.
        shows: Jinja expression over the message, ``value_json``; of a binary sensor whether it is on.
        platform: ``sensor`` or ``binary_sensor``.
        options: Further keys of Home Assistant's.
    """

    key: str
    name: str
    shows: str
    platform: Literal["sensor", "binary_sensor"] = "sensor"
    options: Options = field(default_factory=dict)

    def component(self) -> dict[str, object]:
        """Its configuration, but for what all components of a device have in common."""
        value = self.shows if self.platform == "sensor" else f"'ON' if {self.shows} else 'OFF'"
        return {
            "platform": self.platform,
            "name": self.name,
            "value_template": f"{{{{ ({value}) if {IS_TOLD} else None }}}}",
            **self.options,
        }


def _now(unit: str, **more: object) -> Options:
    return {"state_class": "measurement", "unit_of_measurement": unit, **more}


def _total(unit: str, **more: object) -> Options:
    return {"state_class": "total", "last_reset_value_template": _RESET, "unit_of_measurement": unit, **more}


_DURATION: Final[Options] = {"device_class": "duration", "suggested_display_precision": 0}
_TIME: Final[Options] = {"device_class": "timestamp"}
_HIDDEN: Final[Options] = {"entity_category": "diagnostic"}
_PROBLEM: Final[Options] = {"device_class": "problem", **_HIDDEN}

QUEUE: Final = (
    Entity("waiting", "Callers waiting", "value_json.current_calls_queued", options=_now("callers")),
    Entity(
        "longest_wait_now",
        "Longest wait now",
        "value_json.current_longest_wait_time",
        options=_now("s", **_DURATION),
    ),
    Entity("longest_wait", "Longest wait", "value_json.longest_ever_wait_time", options=_now("s", **_DURATION)),
    Entity("average_wait", "Average wait", "value_json.average_wait_time", options=_now("s", **_DURATION)),
    Entity(
        "service_level",
        "Service level",
        "value_json.service_level.percent if value_json.answered else None",
        options=_now("%", suggested_display_precision=1),
    ),
    Entity("queued", "Calls queued", "value_json.total_calls_queued", options=_total("calls")),
    Entity("answered", "Calls answered", "value_json.answered", options=_total("calls")),
    Entity("abandoned", "Calls abandoned", "value_json.total_calls_abandoned", options=_total("calls")),
    Entity("flowed_in", "Calls flowed in", "value_json.total_calls_flowed_in", options=_total("calls")),
    Entity("flowed_out", "Calls flowed out", "value_json.total_calls_flowed_out", options=_total("calls")),
    Entity("agents_ready", "Agents ready", "value_json.agents.READY", options=_now("agents")),
    Entity("agents_not_ready", "Agents not ready", "value_json.agents.NOT_READY", options=_now("agents")),
    Entity("agents_on_call", "Agents on a call", "value_json.agents.BUSY_ON_CALL", options=_now("agents")),
    Entity("agents_in_wrap_up", "Agents in wrap-up", "value_json.agents.BUSY_WRAPUP", options=_now("agents")),
)

AGENT: Final = (
    Entity(
        "state",
        "State",
        "value_json.state",
        options={"device_class": "enum", "options": [state.name for state in AgentState]},
    ),
    Entity("state_since", "State since", "value_json.state_since", options=_TIME),
    Entity(
        "reason",
        "Reason",
        # A state of Home Assistant has 255 characters at most; None is what it takes for nothing.
        "((value_json.sessions | map(attribute='reason') | select('string') | unique(case_sensitive=true)"
        " | join(', '))[:255]) or None",
    ),
    Entity("on_call", "On a call", f"value_json.state in {list(ON_CALL)}", "binary_sensor"),
    Entity("sessions", "Queues logged in to", "value_json.sessions | count", options=_now("queues")),
    Entity("acd_calls", "Queue calls", "value_json.number_of_acd_calls", options=_total("calls")),
    Entity("incoming_calls", "Other calls received", "value_json.number_of_incoming_calls", options=_total("calls")),
    Entity("outgoing_calls", "Calls made", "value_json.number_of_outgoing_calls", options=_total("calls")),
    Entity("talk_time", "Talk time", "value_json.total_acd_talk_time", options=_total("s", **_DURATION)),
    Entity("wrap_up_time", "Wrap-up time", "value_json.total_wrap_up_time", options=_total("s", **_DURATION)),
    Entity("call_time", "Call time", "value_json.total_acd_call_time", options=_total("s", **_DURATION)),
    Entity(
        "call_rate",
        "Queue calls per hour",
        "value_json.overall_call_rate",
        options=_now("calls/h", suggested_display_precision=1),
    ),
    Entity("incomplete", "Figures incomplete", "not value_json.complete", "binary_sensor", options=_PROBLEM),
)

ASTERISK: Final = (
    Entity(
        "link",
        "Asterisk link",
        "value_json.link",
        options={"device_class": "enum", "options": ["up", "down", "resyncing"], **_HIDDEN},
    ),
    Entity(
        "current",
        "Picture current",
        "value_json.current",
        "binary_sensor",
        options={"device_class": "connectivity", **_HIDDEN},
    ),
    Entity("asterisk_version", "Asterisk version", "value_json.version", options=_HIDDEN),
)
"""Shown from ``bridge/asterisk``."""

INFO: Final = (
    Entity("started_at", "Started", "value_json.started_at", options={**_TIME, **_HIDDEN}),
    Entity("agents", "Agents", "value_json.agents", options=_now("agents")),
    Entity("sessions", "Sessions", "value_json.sessions", options=_now("sessions")),
)
"""Shown from ``bridge/info``."""

HEALTH: Final = (
    Entity(
        "ami_lag",
        "AMI lag",
        "value_json.ami_lag",
        options=_now("s", device_class="duration", suggested_display_precision=3, **_HIDDEN),
    ),
    Entity("outbox_depth", "Outbox", "value_json.outbox_depth", options=_now("messages", **_HIDDEN)),
    Entity("events_lost", "Events lost", "value_json.events_lost", options=_now("events", **_HIDDEN)),
    Entity(
        "publishes_refused", "Publishes refused", "value_json.publishes_refused", options=_now("publishes", **_HIDDEN)
    ),
    Entity("memory", "Memory", "value_json.memory", options=_now("B", device_class="data_size", **_HIDDEN)),
    Entity(
        "store_failure",
        "Store refuses",
        "value_json.store_failure is not none",
        "binary_sensor",
        options=_PROBLEM,
    ),
)
"""Shown from ``bridge/health``."""
