"""Lists that Asterisk answers with: members, callers, channels, configuration."""

import pytest

from gateway.ami.lists import LIST_EVENTS, Channels, QueueList, device_of, queue_names, wrap_up_times
from gateway.ami.message import AmiMessage, Arrival
from gateway.domain.call import CallKey
from gateway.domain.instant import SECOND
from tests.ami.test_members import as_is


def message(event: str, **fields: str) -> AmiMessage:
    """A message of a list; header names in lower case."""
    return AmiMessage({"event": event, **fields}, Arrival(0, 0))


def channel(uniqueid: str, name: str, **fields: str) -> AmiMessage:
    """One CoreShowChannel."""
    defaults = {"linkedid": "c", "bridgeid": "", "application": "", "applicationdata": "", "calleridnum": "<unknown>"}
    return message("CoreShowChannel", uniqueid=uniqueid, channel=name, **(defaults | fields))


def channels(*listed: AmiMessage) -> Channels:
    """The channels of one list."""
    made = Channels()
    for each in listed:
        made.add(each)
    return made


CALLER = channel(
    "c",
    "PJSIP/trunk-0001",
    bridgeid="B",
    application="Queue",
    applicationdata="support,tT,,,300",
    calleridnum="5550100",
    calleridname=r"O\'Brien",
)
LEG = channel("p", "PJSIP/1001-0002", bridgeid="B", application="AppQueue")


def test_a_queues_list() -> None:
    """Name, members and waiting callers; what else stands in it is passed over."""
    listed = QueueList()
    for each in (
        message("QueueParams", queue="Support"),
        message("QueueMember", queue="Support", name="Alice", location="PJSIP/1001", paused="1"),
        message("QueueMember", queue="Support", name="Bob", location="PJSIP/1002"),
        message("QueueParams", queue="Support", servicelevel="20"),
        message("QueueEntry", queue="Support", uniqueid="c", wait="12"),
        message("QueueEntry", queue="Support", uniqueid="d"),
        message("Unheard"),
    ):
        listed.add(each, as_is)
    assert listed.name == "Support"
    assert [(member.member_name, member.paused) for member in listed.members] == [("Alice", True), ("Bob", False)]
    assert [(each["uniqueid"], each.get("wait")) for each in listed.waiting] == [("c", "12"), ("d", None)]
    assert listed.service_level == 20 * SECOND


def test_names_of_queues() -> None:
    """QueueSummary names each queue, between an answer and an end that name none."""
    answer = [
        AmiMessage({"response": "Success"}, Arrival(0, 0)),
        message("QueueSummary", queue="support"),
        message("QueueSummary", queue="sales"),
        message("QueueSummaryComplete"),
    ]
    assert queue_names(answer) == ["support", "sales"]
    assert {each.event for each in answer if each.event} <= LIST_EVENTS


def test_a_call_is_found_by_its_channels() -> None:
    """The caller in Queue and the member's channel in AppQueue share a bridge; when it was answered no list tells."""
    (call,) = channels(CALLER, LEG).calls("SUPPORT", "pjsip/1001", 77)
    assert call.key == CallKey("c", "p")
    assert (call.linkedid, call.caller_number, call.caller_name) == ("c", "5550100", "O'Brien")
    assert (call.answered_at, call.found_at, call.time_to_answer) == (None, 77, None)


@pytest.mark.parametrize(
    "listed",
    [
        (CALLER,),
        (LEG,),
        (CALLER, channel("p", "PJSIP/1001-0002", bridgeid="B2", application="AppQueue")),
        (CALLER, channel("p", "PJSIP/1001-0002", bridgeid="", application="AppQueue")),
        (CALLER, channel("p", "PJSIP/1001-0002", bridgeid="B", application="Dial")),
        (CALLER, channel("p", "PJSIP/10010-0002", bridgeid="B", application="AppQueue")),
        (channel("c", "x-1", bridgeid="B", application="Queue", applicationdata="sales"), LEG),
        (channel("c", "x-1", bridgeid="B", application="Dial", applicationdata="support"), LEG),
    ],
    ids=[
        "no leg",
        "no caller",
        "other bridge",
        "no bridge",
        "not the queue's leg",
        "other phone",
        "other queue",
        "dial",
    ],
)
def test_what_is_no_call_of_the_member(listed: tuple[AmiMessage, ...]) -> None:
    """Anything short of that is none."""
    assert list(channels(*listed).calls("support", "PJSIP/1001", 0)) == []


def test_a_member_behind_a_local_channel() -> None:
    """Options of a Local interface are not in the names of its channels."""
    leg = channel("L1", "Local/1001@ctx-0007;1", bridgeid="B", application="AppQueue")
    (call,) = channels(CALLER, leg).calls("support", "Local/1001@ctx/n", 0)
    assert call.key.dest_uniqueid == "L1"


@pytest.mark.parametrize(
    ("interface", "device"),
    [
        ("PJSIP/1001", "pjsip/1001"),
        ("Local/1001@ctx/n", "local/1001@ctx"),
        ("Local/1001@ctx", "local/1001@ctx"),
        ("SIP/trunk/1001", "sip/trunk/1001"),
    ],
)
def test_the_device_of_an_interface(interface: str, device: str) -> None:
    """What a channel's name begins with."""
    assert device_of(interface) == device


def test_bridges_and_pairs_of_a_list() -> None:
    """Each channel has its bridge or none; halves of Local channels belong together by their names."""
    listed = channels(
        channel("1", "Local/a@x-01;1", bridgeid="B"),
        channel("2", "Local/a@x-01;2", bridgeid="B2"),
        channel("3", "Local/b@x-02;1"),
        channel("4", "PJSIP/1-03"),
    )
    assert listed.bridges() == {"1": "B", "2": "B2", "3": "", "4": ""}
    assert list(listed.pairs()) == [("1", "2")]


def test_wrap_up_of_queues_conf() -> None:
    """Each queue's last line wins, whatever its case; a queue without one has none, and ``general`` is no queue."""
    answer = AmiMessage(
        {
            "response": "Success",
            "category-000000": "general",
            "line-000000-000000": "wrapuptime=99",
            "category-000001": "Support",
            "line-000001-000000": "wrapuptime=11",
            "line-000001-000001": "strategy=ringall",
            "line-000001-000002": "WrapUpTime = 12",
            "category-000002": "sales",
            "line-000002-000000": "wrapuptime=soon",
            "category-000010": "tech-2",
            "line-000010-000000": "wrapuptime=-5",
        },
        Arrival(0, 0),
    )
    assert wrap_up_times(answer) == {"support": 12, "sales": 0, "tech-2": 0}
    assert wrap_up_times(AmiMessage({"response": "Success"}, Arrival(0, 0))) == {}
