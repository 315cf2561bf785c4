"""Every member of TAPI's call-center interfaces: its key in a message, and what proves it on a real Asterisk."""

import ast
import re
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from gateway.mqtt.agent_payloads import AgentPayload
from gateway.mqtt.payloads import AgentHandlerPayload, Payload, SessionPayload
from gateway.mqtt.queue_payloads import GroupPayload, QueuePayload

ROOT = Path(__file__).parent.parent
E2E = ROOT / "tests" / "e2e"
README = (ROOT / "README.md").read_text(encoding="utf-8")

CENTRE: Final = "test_call_centre.py::test_random_call_centre"
SHIFT: Final = "test_shift.py::test_a_shift"
PUT_STATE: Final = "test_commands.py::test_every_command_to_every_state"
PUT_STATES: Final = "test_commands.py::test_an_agent_with_several_sessions"
CREATE: Final = "test_commands.py::test_a_session_is_created"
AGENTS: Final = "test_agents.py::test_agents"
PERIODS: Final = "test_measurement_period.py::test_periods_are_set_and_roll"
NO_PERIOD: Final = "test_measurement_period.py::test_what_is_no_period"
QUEUES: Final = "test_queues.py::test_every_way_out"
WAITING: Final = "test_queues.py::test_who_waits_is_shown"
HANDLER: Final = "test_handler.py::test_the_handler_says_which_groups_and_addresses_it_has"


class Row(NamedTuple):
    """A member by its name in tapi3cc.h: its key, or the topic of its command (with a slash), and its proofs."""

    member: str
    key: str
    tests: tuple[str, ...]


INTERFACES: Final[dict[str, tuple[type[Payload], tuple[Row, ...]]]] = {
    "ITAgentSession": (
        SessionPayload,
        (
            Row("get_Agent", "agent", (CENTRE,)),
            Row("get_Address", "address", (CENTRE,)),
            Row("get_ACDGroup", "group", (CENTRE,)),
            Row("put_State", "…/set", (PUT_STATE,)),
            Row("get_State", "state", (CENTRE, PUT_STATE)),
            Row("get_SessionStartTime", "session_start_time", (CENTRE, SHIFT)),
            Row("get_SessionDuration", "session_duration", (CENTRE, SHIFT)),
            Row("get_NumberOfCalls", "number_of_calls", (CENTRE, SHIFT)),
            Row("get_TotalTalkTime", "total_talk_time", (CENTRE, "test_transfers.py::test_transfers")),
            Row("get_AverageTalkTime", "average_talk_time", (CENTRE,)),
            Row("get_TotalCallTime", "total_call_time", (CENTRE,)),
            Row("get_AverageCallTime", "average_call_time", (CENTRE,)),
            Row("get_TotalWrapUpTime", "total_wrap_up_time", (CENTRE, SHIFT)),
            Row("get_AverageWrapUpTime", "average_wrap_up_time", (CENTRE,)),
            Row("get_ACDCallRate", "acd_call_rate", (CENTRE,)),
            Row("get_LongestTimeToAnswer", "longest_time_to_answer", (CENTRE,)),
            Row("get_AverageTimeToAnswer", "average_time_to_answer", (CENTRE,)),
        ),
    ),
    "ITAgent": (
        AgentPayload,
        (
            Row("EnumerateAgentSessions", "sessions", (AGENTS,)),
            Row("CreateSession", "…/create_session", (CREATE,)),
            Row("CreateSessionWithPIN", "…/create_session", (CREATE,)),
            Row("get_ID", "agent", (AGENTS,)),
            Row("get_User", "agent", (AGENTS,)),
            Row("put_State", "…/set", (PUT_STATES,)),
            Row("get_State", "state", (AGENTS,)),
            Row("put_MeasurementPeriod", "…/measurement_period", (PERIODS, NO_PERIOD)),
            Row("get_MeasurementPeriod", "measurement_period", (PERIODS,)),
            Row("get_OverallCallRate", "overall_call_rate", (AGENTS,)),
            Row("get_NumberOfACDCalls", "number_of_acd_calls", (AGENTS, PERIODS)),
            Row("get_NumberOfIncomingCalls", "number_of_incoming_calls", (AGENTS,)),
            Row("get_NumberOfOutgoingCalls", "number_of_outgoing_calls", (AGENTS,)),
            Row("get_TotalACDTalkTime", "total_acd_talk_time", (AGENTS,)),
            Row("get_TotalACDCallTime", "total_acd_call_time", (AGENTS,)),
            Row("get_TotalWrapUpTime", "total_wrap_up_time", (AGENTS,)),
            Row("get_AgentSessions", "sessions", (AGENTS,)),
        ),
    ),
    "ITACDGroup": (
        GroupPayload,
        (
            Row("get_Name", "group", (WAITING,)),
            Row("EnumerateQueues", "queues", (WAITING,)),
            Row("get_Queues", "queues", (WAITING,)),
        ),
    ),
    "ITQueue": (
        QueuePayload,
        (
            Row("put_MeasurementPeriod", "…/measurement_period", (PERIODS, NO_PERIOD)),
            Row("get_MeasurementPeriod", "measurement_period", (PERIODS,)),
            Row("get_TotalCallsQueued", "total_calls_queued", (QUEUES,)),
            Row("get_CurrentCallsQueued", "current_calls_queued", (WAITING,)),
            Row("get_TotalCallsAbandoned", "total_calls_abandoned", (QUEUES,)),
            Row("get_TotalCallsFlowedIn", "total_calls_flowed_in", (QUEUES,)),
            Row("get_TotalCallsFlowedOut", "total_calls_flowed_out", (QUEUES,)),
            Row("get_LongestEverWaitTime", "longest_ever_wait_time", (QUEUES,)),
            Row("get_CurrentLongestWaitTime", "current_longest_wait_time", (WAITING,)),
            Row("get_AverageWaitTime", "average_wait_time", (QUEUES,)),
            Row("get_FinalDisposition", "final_disposition", (QUEUES,)),
            Row("get_Name", "queue", (QUEUES,)),
        ),
    ),
    "ITAgentHandler": (
        AgentHandlerPayload,
        (
            Row("get_Name", "name", (HANDLER,)),
            Row("CreateAgent", "agent/{agent}/create_session", (CREATE,)),
            Row("CreateAgentWithID", "agent/{agent}/create_session", (CREATE,)),
            Row("EnumerateACDGroups", "acd_groups", (HANDLER,)),
            Row("EnumerateUsableAddresses", "usable_addresses", (HANDLER,)),
            Row("get_ACDGroups", "acd_groups", (HANDLER,)),
            Row("get_UsableAddresses", "usable_addresses", (HANDLER,)),
        ),
    ),
}
COUNTS: Final = {"ITAgentSession": 17, "ITAgent": 17, "ITACDGroup": 3, "ITQueue": 12, "ITAgentHandler": 7}
"""How many members each interface has by tapi3cc.h."""

ROWS = [(interface, row) for interface, (_, rows) in INTERFACES.items() for row in rows]


def in_readme(interface: str) -> dict[str, str]:
    """The members of an interface by the README, without ``get_``, and the cell of their key."""
    section = re.search(rf"\*\*{interface}\*\*:.*?\n\n(\|.*?)\n\n", README, re.DOTALL)
    assert section is not None
    cells = (line.split("|") for line in section[1].splitlines()[2:])
    return {name.strip(): each[2] for each in cells for name in each[1].split(",") if name.strip()}


@pytest.mark.parametrize("interface", INTERFACES)
def test_no_member_is_left_out(interface: str) -> None:
    """The table has every member of the interface, and so has the README, with the same key."""
    _, rows = INTERFACES[interface]
    assert len({row.member for row in rows}) == COUNTS[interface]
    readme = in_readme(interface)
    assert set(readme) == {row.member.removeprefix("get_") for row in rows}
    for row in rows:
        assert f"`{row.key}`" in readme[row.member.removeprefix("get_")], row


@pytest.mark.parametrize("interface", INTERFACES)
def test_every_key_is_published(interface: str) -> None:
    """Each key is one of the message; a command stands for those that set something."""
    payload, rows = INTERFACES[interface]
    for row in rows:
        assert row.key in payload.model_fields or "/" in row.key, row


@pytest.mark.parametrize(("interface", "row"), ROWS, ids=[f"{interface}.{row.member}" for interface, row in ROWS])
def test_every_member_has_its_proof(interface: str, row: Row) -> None:
    """The tests are there, look at the key, and are of those that run on real Asterisks of both versions."""
    assert row.tests, interface
    checks = (E2E / "checks.py").read_text(encoding="utf-8")
    key = row.key.rsplit("/", maxsplit=1)[-1]
    for test in row.tests:
        name, function = test.split("::")
        source = (E2E / name).read_text(encoding="utf-8")
        assert key in source or ("check_all" in source and key in checks), f"{test} does not look at {key}"
        tree = ast.parse(source)
        functions = {each.name for each in ast.walk(tree) if isinstance(each, ast.AsyncFunctionDef)}
        assert function in functions
        assert "pytest.mark.lab" in ast.unparse(tree)
