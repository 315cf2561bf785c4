"""Promises of the lab's SIP phones that need neither Asterisk nor SIPp."""

import xml.etree.ElementTree as ET

import pytest

from tests.lab.phones_log import PhoneLog, parse
from tests.lab.phones_pbx import free_udp_ports
from tests.lab.phones_script import Script

RULE = "-" * 47
TRACE = f"""\
{RULE} 2026-11-22 12:32:13.377056
UDP message received [777] bytes :

INVITE sip:102@127.0.0.1:58647 SIP/2.0
Call-ID: one
CSeq: 6774 INVITE

v=0
{RULE} 2026-11-22 12:32:13.586547
UDP message sent (492 bytes):

SIP/2.0 200 OK
Call-ID: one
CSeq: 6774 INVITE

{RULE} 2026-11-22 12:32:14.000001
UDP message sent (400 bytes):

INVITE sip:103@127.0.0.1:5060 SIP/2.0
Call-ID: second///one
CSeq: 2 INVITE

{RULE} 2026-11-22 12:32:15.000000
UDP message received [300] bytes :

BYE sip:102@127.0.0.1:58647 SIP/2.0
Call-ID: second///one
CSeq: 9 BYE

""".replace("\n", "\r\n")
NOON = 1_795_348_800_000_000  # 2026-11-22 12:00:00 UTC


def test_a_trace_is_read_to_the_microsecond() -> None:
    """Every message has its moment, its way and its call."""
    messages = parse(TRACE)
    assert [each.at - NOON for each in messages] == [1_933_377_056, 1_933_586_547, 1_934_000_001, 1_935_000_000]
    assert [each.sent for each in messages] == [False, True, True, False]
    assert [(each.method, each.status) for each in messages[:2]] == [("INVITE", None), ("INVITE", 200)]
    assert [each.second for each in messages] == [False, False, True, True]


def test_a_log_tells_the_consultation_from_the_call() -> None:
    """What was never sent or received has no moment, though the phone's other call had one."""
    log = PhoneLog(parse(TRACE))
    assert log.answered() - NOON == 1_933_586_547
    assert log.request("BYE", second=True) - NOON == 1_935_000_000
    with pytest.raises(LookupError, match="no BYE request"):
        log.request("BYE")
    with pytest.raises(LookupError, match="no answer"):
        log.answered(second=True)


@pytest.mark.parametrize(
    "script",
    [
        Script("1").answers().waits(1).hangs_up(),
        Script("1").calls("2").holds().resumes().presses("*2").is_hung_up(),
        Script("1").answers().transfers("2").hangs_up(),
        Script("1").answers().consults("2").transfers_to_consulted("2").hangs_up(),
        Script("1").answers().consults("2").hangs_up("second").resumes().hangs_up(),
    ],
)
def test_a_script_is_a_whole_scenario(script: Script) -> None:
    """Well-formed, with every label that is jumped to, and every variable that is set used."""
    scenario = ET.fromstring(script.xml("/sound"))
    labels = {label.get("id") for label in scenario.iter("label")}
    assert {step.get("next") for step in scenario.iter() if step.get("next")} <= labels
    named = {name for step in scenario.iter("Reference") for name in (step.get("variables") or "").split(",")}
    assigned = {name for step in scenario.iter("ereg") for name in (step.get("assign_to") or "").split(",")}
    assert assigned == named
    assert len([step for step in scenario.iter("exec") if step.get("rtp_stream") == "/sound,-1,8"]) == 1


def test_free_ports_are_different_ones() -> None:
    """No port is given twice in one asking."""
    ports = free_udp_ports(50)
    assert len(set(ports)) == 50
