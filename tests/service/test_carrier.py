"""What Asterisk is asked for a command, and what is answered, over a real broker and a real socket."""

from typing import Any

import pytest

from tests.ami.queue_model import Member
from tests.ami.scripted_asterisk import ReceivedAction, ScriptedAsterisk, Session
from tests.broker import Broker
from tests.lab.subscriber import Subscriber
from tests.service.live import ALICE, BOB, TOPICS, Live, live, pbx

SUPPORT = TOPICS.session_set("Support", "Alice", ALICE)
SALES = TOPICS.session_set("sales", "Alice", ALICE)
BOBS = TOPICS.session_set("sales", "Bob", BOB)
AGENT = f"{TOPICS.agent('Alice')}/set"
CREATE = f"{TOPICS.agent('Carol')}/create_session"
CAROL = "PJSIP/1003"


def outcome(answer: Any) -> tuple[str | None, bool, str | None]:
    """Code, changed and state of an answer."""
    return answer["code"], answer["changed"], answer["state"]


def success_alone(session: Session, action: ReceivedAction) -> None:
    """Answer an action with Success and do nothing of it."""
    session.respond(action, "Done, says Asterisk")


def done_in_silence(session: Session, action: ReceivedAction) -> None:
    """Do a QueuePause or QueueRemove, and send no event of it."""
    model = session.server.model
    if action.name == "QueuePause":
        model.pause(action.get("Interface"), action.get("Paused"), action.get("Queue"), action.get("Reason"))
    else:
        model.remove(action.get("Queue"), action.get("Interface"))
    session.respond(action, "Done, says Asterisk")


# put_State of a session -------------------------------------------------------------------------------------------


async def test_a_pause_concerns_one_queue_and_bears_its_reason(gateway: Live) -> None:
    """The answer says what changed; the event says which command it was."""
    assert outcome(await gateway.ask(SUPPORT, {"state": "NOT_READY", "reason": "lunch", "id": "a"})) == (
        None,
        True,
        "NOT_READY",
    )
    told = gateway.events()[-1]
    assert (told["event"], told["cause"], told["command_id"]) == ("NOT_READY", "command", "a")
    assert told["session"]["reason"] == "lunch"
    assert outcome(await gateway.ask(SUPPORT, "READY")) == (None, True, "READY")
    assert gateway.asked() == [
        ("QueuePause", {"Queue": "Support", "Interface": ALICE, "Paused": "true", "Reason": "lunch"}),
        ("QueuePause", {"Queue": "Support", "Interface": ALICE, "Paused": "false"}),
    ]


async def test_a_reason_stays_unless_it_is_named(gateway: Live) -> None:
    """Without the key it stays, with null or nothing in it it goes; changed tells which."""
    await gateway.ask(SUPPORT, {"state": "NOT_READY", "reason": "lunch"})
    for payload, changed, reason in (
        ("NOT_READY", False, "lunch"),
        ({"state": "NOT_READY", "reason": "tea"}, True, "tea"),
        ({"state": "NOT_READY", "reason": "tea"}, False, "tea"),
        ({"state": "NOT_READY", "reason": None}, True, None),
        ({"state": "NOT_READY", "reason": ""}, False, None),
        ("NOT_READY", False, None),
    ):
        assert outcome(await gateway.ask(SUPPORT, payload)) == (None, changed, "NOT_READY")
        assert gateway.events()[-1]["session"]["reason"] == reason


@pytest.mark.parametrize(("reason", "kept"), [("  lunch", "lunch"), ("lunch ", "lunch "), ("  ", None)])
async def test_blanks_that_ami_skips_confuse_nobody(gateway: Live, reason: str, kept: str | None) -> None:
    """Asterisk skips blanks before a value, so its event shows the reason without them."""
    assert outcome(await gateway.ask(SUPPORT, {"state": "NOT_READY", "reason": reason})) == (None, True, "NOT_READY")
    assert gateway.events()[-1]["session"]["reason"] == kept


async def test_names_are_matched_in_any_case(gateway: Live) -> None:
    """Group and address as Asterisk compares them; the agent's name exactly; Asterisk is told its own spelling."""
    mixed = TOPICS.session_set("SUPPORT", "Alice", "pjsip/1001")
    assert outcome(await gateway.ask(mixed, "NOT_READY")) == (None, True, "NOT_READY")
    assert gateway.asked()[0][1]["Queue"] == "Support"
    assert gateway.asked()[0][1]["Interface"] == ALICE
    assert (await gateway.ask(TOPICS.session_set("Support", "alice", ALICE), "READY"))["code"] == "UNKNOWN_SESSION"


@pytest.mark.parametrize(
    ("topic", "code"),
    [
        (TOPICS.session_set("Support", "Bob", BOB), "UNKNOWN_SESSION"),
        (TOPICS.session_set("none", "Alice", ALICE), "UNKNOWN_SESSION"),
        (f"{TOPICS.agent('Nobody')}/set", "UNKNOWN_AGENT"),
    ],
)
async def test_what_is_not_there_is_unknown(gateway: Live, topic: str, code: str) -> None:
    """Asterisk is asked nothing."""
    assert outcome(await gateway.ask(topic, "READY")) == (code, False, None)
    assert gateway.asked() == []


async def test_a_logout_ends_the_session(gateway: Live) -> None:
    """The answer comes with the end; after it nothing but the same again is possible."""
    assert outcome(await gateway.ask(BOBS, {"state": "SESSION_ENDED", "id": 9})) == (None, True, "SESSION_ENDED")
    told = gateway.events()[-1]
    assert (told["event"], told["cause"], told["command_id"]) == ("END", "command", 9)
    assert outcome(await gateway.ask(BOBS, "SESSION_ENDED")) == (None, False, "SESSION_ENDED")
    for state in ("READY", "NOT_READY", "BUSY_WRAPUP"):
        assert outcome(await gateway.ask(BOBS, state)) == ("ILLEGAL_TRANSITION", False, "SESSION_ENDED")
    assert outcome(await gateway.ask(BOBS, "BUSY_ON_CALL")) == ("NOT_SETTABLE", False, "SESSION_ENDED")
    assert gateway.asked() == [("QueueRemove", {"Queue": "sales", "Interface": BOB})]


async def test_a_static_member_cannot_be_logged_out(gateway: Live) -> None:
    """Asterisk says so, and its words are told."""
    answer = await gateway.ask(SALES, "SESSION_ENDED")
    assert outcome(answer) == ("NOT_DYNAMIC", False, "READY")
    assert answer["message"] == "Member not dynamic"


async def test_asterisks_no_is_told_in_its_words(gateway: Live) -> None:
    """REFUSED, with the session's state."""
    gateway.asterisk.on("QueuePause", lambda session, action: session.refuse(action, "Interface not found"))
    answer = await gateway.ask(SUPPORT, "NOT_READY")
    assert outcome(answer) == ("REFUSED", False, "READY")
    assert answer["message"] == "Interface not found"


async def test_busy_on_call_cannot_be_set(gateway: Live) -> None:
    """It comes from calls alone."""
    assert outcome(await gateway.ask(SUPPORT, "BUSY_ON_CALL")) == ("NOT_SETTABLE", False, "READY")
    assert gateway.asked() == []


async def test_wrap_up_can_be_asked_for_in_a_call_only(gateway: Live) -> None:
    """In a call it is a pause with the first of the reasons, or one of the others; elsewhere it is illegal."""
    assert outcome(await gateway.ask(SUPPORT, "BUSY_WRAPUP")) == ("ILLEGAL_TRANSITION", False, "READY")
    await gateway.ask(SUPPORT, "NOT_READY")
    assert outcome(await gateway.ask(SUPPORT, "BUSY_WRAPUP")) == ("ILLEGAL_TRANSITION", False, "NOT_READY")
    await gateway.ask(SUPPORT, "READY")
    await gateway.call("Support", ALICE, "Alice")
    assert outcome(await gateway.ask(SUPPORT, "BUSY_WRAPUP")) == (None, True, "BUSY_ON_CALL")
    assert gateway.asked()[-1][1]["Reason"] == "wrapup"
    assert gateway.events()[-1]["session"]["pending_state"] == "BUSY_WRAPUP"
    assert outcome(await gateway.ask(SUPPORT, {"state": "BUSY_WRAPUP", "reason": "acw"})) == (
        None,
        True,
        "BUSY_ON_CALL",
    )
    answer = await gateway.ask(SUPPORT, {"state": "BUSY_WRAPUP", "reason": "lunch"})
    assert answer["code"] == "BAD_PAYLOAD"
    assert "wrapup, wrap-up, acw" in answer["message"]


# Confirmation ------------------------------------------------------------------------------------------------------


async def test_only_asterisks_event_confirms(gateway: Live) -> None:
    """Success alone is no answer, nor is an event that shows something else."""
    gateway.asterisk.on("QueuePause", success_alone)
    since = len(gateway.client.messages)
    await gateway.send(SUPPORT, {"state": "NOT_READY", "reason": "lunch"})
    await gateway.asterisk.received("QueuePause")
    model = gateway.asterisk.model
    gateway.asterisk.send_events(model.pause(ALICE, "true", "Support", "tea"))
    await gateway.client.wait_for(lambda m: m.topic.endswith("Support/Alice/PJSIP%2F1001/event"), since=since)
    assert gateway.answers() == []
    gateway.asterisk.send_events(model.pause(ALICE, "true", "Support", "lunch"))
    assert outcome(await gateway.answer(SUPPORT, since=since)) == (None, True, "NOT_READY")
    assert [(each["cause"], each["session"]["reason"]) for each in gateway.events()[-2:]] == [
        ("asterisk", "tea"),
        ("command", "lunch"),
    ]


async def test_what_came_before_success_confirms_nothing(impatient: Live) -> None:
    """An event that shows what was asked but stands before the response is somebody else's doing."""

    def event_first(session: Session, action: ReceivedAction) -> None:
        server = session.server
        server.send_events(server.model.pause(ALICE, "true", "Support", ""))
        session.respond(action, "Interface paused successfully")

    impatient.asterisk.on("QueuePause", event_first)
    answer = await impatient.ask(SUPPORT, {"state": "NOT_READY", "id": 1})
    assert answer["status"] == "ok"
    assert len(impatient.asterisk.named("QueueStatus")) == 3  # two for the picture, one because no event confirmed
    assert impatient.events()[-1]["cause"] == "asterisk"


async def test_without_an_event_the_list_is_asked_once(impatient: Live) -> None:
    """If it shows what was asked, the answer is ok; if not, TIMEOUT."""
    before = len(impatient.asterisk.named("QueueStatus"))
    impatient.asterisk.on("QueuePause", done_in_silence)
    assert outcome(await impatient.ask(SUPPORT, "NOT_READY")) == (None, True, "NOT_READY")
    assert len(impatient.asterisk.named("QueueStatus")) == before + 1
    impatient.asterisk.on("QueuePause", success_alone)
    assert outcome(await impatient.ask(SUPPORT, "READY")) == ("TIMEOUT", False, "NOT_READY")
    assert len(impatient.asterisk.named("QueueStatus")) == before + 2
    assert {action.get("Queue") for action in impatient.asterisk.named("QueueStatus")[before:]} == {"Support"}


async def test_without_any_response_it_is_the_same(impatient: Live) -> None:
    """An action that Asterisk never answers is looked for in the list too."""
    impatient.asterisk.on("QueuePause", lambda _session, _action: None)
    assert outcome(await impatient.ask(SUPPORT, "NOT_READY")) == ("TIMEOUT", False, "READY")
    impatient.asterisk.default("QueuePause")
    assert outcome(await impatient.ask(SUPPORT, "NOT_READY")) == (None, True, "NOT_READY")


async def test_a_logout_without_an_event_is_seen_in_the_lists(impatient: Live) -> None:
    """Two lists that lack the member end the session, and the command is answered by it."""
    impatient.asterisk.on("QueueRemove", done_in_silence)
    assert outcome(await impatient.ask(BOBS, "SESSION_ENDED")) == (None, True, "SESSION_ENDED")


async def test_a_logout_that_does_not_happen_times_out(impatient: Live) -> None:
    """The state is what it was."""
    impatient.asterisk.on("QueueRemove", success_alone)
    assert outcome(await impatient.ask(BOBS, "SESSION_ENDED")) == ("TIMEOUT", False, "READY")


# Several sessions --------------------------------------------------------------------------------------------------


async def test_an_agent_is_set_session_by_session(gateway: Live) -> None:
    """Each session by an action of its own, and each in the answer."""
    answer = await gateway.ask(AGENT, {"state": "NOT_READY", "reason": "lunch", "id": 3})
    assert outcome(answer) == (None, True, "NOT_READY")
    assert answer["sessions"] == [
        {
            "group": group,
            "address": ALICE,
            "status": "ok",
            "code": None,
            "message": None,
            "changed": True,
            "state": "NOT_READY",
        }
        for group in ("Support", "sales")
    ]
    assert [headers["Queue"] for _, headers in gateway.asked()] == ["Support", "sales"]
    assert [each["command_id"] for each in gateway.events()[-2:]] == [3, 3]


async def test_one_failure_does_not_keep_the_others_from_it(gateway: Live) -> None:
    """The answer is an error with that session's code, and says that something changed."""
    answer = await gateway.ask(AGENT, "SESSION_ENDED")
    assert (answer["status"], *outcome(answer)) == ("error", "NOT_DYNAMIC", True, None)
    assert [(each["group"], *outcome(each)) for each in answer["sessions"]] == [
        ("Support", None, True, "SESSION_ENDED"),
        ("sales", "NOT_DYNAMIC", False, "READY"),
    ]


async def test_an_agent_in_a_call_wraps_up_there_and_is_not_ready_elsewhere(gateway: Live) -> None:
    """No other queue rings the agent meanwhile."""
    await gateway.call("Support", ALICE, "Alice")
    answer = await gateway.ask(AGENT, "BUSY_WRAPUP")
    assert [(each["group"], *outcome(each)) for each in answer["sessions"]] == [
        ("Support", None, True, "BUSY_ON_CALL"),
        ("sales", None, True, "NOT_READY"),
    ]
    assert [headers["Reason"] for _, headers in gateway.asked()] == ["wrapup", "wrapup"]


@pytest.mark.parametrize(("state", "code"), [("BUSY_WRAPUP", "ILLEGAL_TRANSITION"), ("BUSY_ON_CALL", "NOT_SETTABLE")])
async def test_what_no_session_allows_is_told_for_each(gateway: Live, state: str, code: str) -> None:
    """An agent's answer has its sessions also when nothing could be done."""
    answer = await gateway.ask(AGENT, state)
    assert outcome(answer) == (code, False, "READY")
    assert [(each["code"], each["state"]) for each in answer["sessions"]] == [(code, "READY")] * 2
    assert gateway.asked() == []


async def test_commands_to_one_interface_keep_their_order(gateway: Live) -> None:
    """Whatever they are addressed to: the last one sent is what holds in the end."""
    for number in range(10):
        await gateway.send(AGENT, {"state": "NOT_READY", "reason": f"r{number}"})
        await gateway.send(SUPPORT, "READY")
        await gateway.send(SALES, "READY")
    await gateway.client.wait_for(lambda _: len(gateway.answers()) == 30)
    for group in ("Support", "sales"):
        asked = [headers for _, headers in gateway.asked() if headers["Queue"] == group]
        assert [each.get("Reason") for each in asked] == [
            reason for number in range(10) for reason in (f"r{number}", None)
        ]


async def test_nobody_waits_longer_for_a_turn_than_for_asterisk(impatient: Live) -> None:
    """Behind a command that hangs, the others are not kept for later: they are TIMEOUT, and not passed on."""
    for name in ("QueuePause", "QueueStatus"):
        impatient.asterisk.on(name, lambda _session, _action: None)
    for number in range(3):
        await impatient.send(SUPPORT, {"state": "NOT_READY", "id": number})
    await impatient.client.wait_for(lambda _: len(impatient.answers()) == 3)
    assert {each["code"] for each in impatient.answers()} == {"TIMEOUT"}
    assert sum("not passed on" in each["message"] for each in impatient.answers()) == 2
    assert len(impatient.asked()) == 1
    impatient.asterisk.default("QueuePause")
    impatient.asterisk.default("QueueStatus")
    assert (await impatient.ask(SUPPORT, "NOT_READY"))["status"] == "ok"


# The link ----------------------------------------------------------------------------------------------------------


async def test_without_a_picture_nothing_is_passed_on(gateway: Live) -> None:
    """LINK_DOWN at once, also for what waited for its turn; nothing is sent when the link is back."""
    gateway.asterisk.on("QueuePause", lambda _session, _action: None)
    for number in range(2):
        await gateway.send(SUPPORT, {"state": "NOT_READY", "id": number})
    await gateway.asterisk.received("QueuePause")
    gateway.asterisk.stop_listening()
    gateway.asterisk.abort_sessions()
    await gateway.client.wait_for(lambda m: m.topic == "bridge/asterisk" and m.json["link"] == "down")
    await gateway.client.wait_for(lambda _: len(gateway.answers()) == 2)
    assert sorted((each["id"], each["code"]) for each in gateway.answers()) == [(0, "TIMEOUT"), (1, "LINK_DOWN")]
    for topic, payload in ((SUPPORT, "READY"), (TOPICS.bridge_request, {"request": "resync"})):
        assert (await gateway.ask(topic, payload))["code"] == "LINK_DOWN"
    assert (await gateway.ask(TOPICS.bridge_request, {"request": "health"}))["status"] == "ok"
    gateway.asterisk.default("QueuePause")
    since = len(gateway.client.messages)
    await gateway.asterisk.listen()
    await gateway.client.wait_for(lambda m: m.topic == "bridge/asterisk" and bool(m.json["current"]), since=since)
    assert len(gateway.asked()) == 1
    assert (await gateway.ask(SUPPORT, "NOT_READY"))["status"] == "ok"


async def test_what_is_under_way_at_the_stop_is_answered(broker: Broker, asterisk: ScriptedAsterisk) -> None:
    """TIMEOUT, before the gateway says that it is offline."""
    async with Subscriber(broker.port, TOPICS.base) as client:
        async with live(broker, asterisk, timeout=30) as gateway:
            asterisk.on("QueuePause", success_alone)
            await gateway.send(SUPPORT, {"state": "NOT_READY", "id": 1})
            await gateway.send(AGENT, {"state": "READY", "id": 2})
            await asterisk.received("QueuePause")
        offline = await client.wait_for(lambda m: m.payload == b"offline" and not m.retained)
    told = client.messages[: client.messages.index(offline)]
    answers = [each.json for each in told if each.topic.endswith("/response")]
    assert sorted((each["id"], each["code"]) for each in answers) == [(1, "TIMEOUT"), (2, "TIMEOUT")]


# CreateSession -----------------------------------------------------------------------------------------------------


async def test_a_session_is_created_as_asked(gateway: Live) -> None:
    """Everything that is given goes to Asterisk, and the new session is told with the command's id."""
    answer = await gateway.ask(
        CREATE,
        {
            "group": "SUPPORT",
            "address": CAROL,
            "state": "NOT_READY",
            "reason": "training",
            "penalty": 5,
            "state_interface": "hint:1003@agents",
            "id": "c",
        },
    )
    assert outcome(answer) == (None, True, "NOT_READY")
    assert gateway.asked() == [
        (
            "QueueAdd",
            {
                "Queue": "Support",
                "Interface": CAROL,
                "Penalty": "5",
                "Paused": "true",
                "MemberName": "Carol",
                "StateInterface": "hint:1003@agents",
                "Reason": "training",
            },
        )
    ]
    told = gateway.events()[-1]
    assert (told["event"], told["cause"], told["command_id"]) == ("NEW_SESSION", "command", "c")
    assert (told["session"]["reason"], told["session"]["asterisk"]["penalty"]) == ("training", 5)


async def test_a_session_is_created_ready_unless_asked_otherwise(gateway: Live) -> None:
    """Group and address are all that must be given; a blank before a value is skipped, as AMI does."""
    assert outcome(await gateway.ask(CREATE, {"group": "sales", "address": f" {CAROL}"})) == (None, True, "READY")
    assert gateway.asked()[0][1] == {
        "Queue": "sales",
        "Interface": CAROL,
        "Penalty": "0",
        "Paused": "false",
        "MemberName": "Carol",
    }


async def test_an_older_asterisk_is_given_the_reason_by_a_pause(broker: Broker) -> None:
    """QueueAdd takes a reason only since 20.12, 21.7 and 22.2; the session has it all the same."""
    async with pbx("16") as asterisk, live(broker, asterisk) as gateway:
        payload = {"group": "sales", "address": CAROL, "state": "NOT_READY", "reason": "training"}
        assert outcome(await gateway.ask(CREATE, payload)) == (None, True, "NOT_READY")
        assert [name for name, _ in gateway.asked()] == ["QueueAdd", "QueuePause"]
        assert gateway.events()[-1]["session"]["reason"] == "training"


@pytest.mark.parametrize("address", [BOB, "pjsip/1002"])
async def test_a_session_that_exists_is_named(gateway: Live, address: str) -> None:
    """In Asterisk's spelling, also if it is another agent's."""
    answer = await gateway.ask(CREATE, {"group": "SALES", "address": address})
    assert outcome(answer) == ("SESSION_EXISTS", False, "READY")
    assert answer["message"] == "PJSIP/1002 is in sales already, as Bob"
    assert gateway.asked() == []


async def test_a_session_that_only_asterisk_knows_of_is_named_too(gateway: Live) -> None:
    """A member that came without an event is looked for when Asterisk refuses."""
    model = gateway.asterisk.model
    model.queues["sales"].members.append(Member("sales", "Dave", CAROL, state_interface=CAROL, membership="static"))
    answer = await gateway.ask(CREATE, {"group": "sales", "address": CAROL})
    assert outcome(answer) == ("SESSION_EXISTS", False, "READY")
    assert answer["message"] == "PJSIP/1003 is in sales already, as Dave"


async def test_a_group_that_does_not_exist(gateway: Live) -> None:
    """UNKNOWN_GROUP, by what is known or by Asterisk's word."""
    assert (await gateway.ask(CREATE, {"group": "none", "address": CAROL}))["code"] == "UNKNOWN_GROUP"
    del gateway.asterisk.model.queues["sales"]
    assert (await gateway.ask(CREATE, {"group": "sales", "address": CAROL}))["code"] == "UNKNOWN_GROUP"


@pytest.mark.parametrize(
    ("identity", "agent", "code"),
    [("interface", "Carol", "BAD_PAYLOAD"), ("interface", CAROL, None), ("state_interface", "Custom:3", None)],
)
async def test_the_agent_must_be_who_the_session_will_be_told_of(
    broker: Broker, asterisk: ScriptedAsterisk, identity: str, agent: str, code: str | None
) -> None:
    """Where agents are told by interface, the topic's agent must be that interface."""
    async with live(broker, asterisk, session={"agent_identity": identity}) as gateway:
        payload = {"group": "sales", "address": CAROL, "state_interface": "Custom:3"}
        answer = await gateway.ask(f"{TOPICS.agent(agent)}/create_session", payload)
        assert answer["code"] == code
        if code is None:
            assert gateway.events()[-1]["session"]["agent"] == agent


# Policy, and the gateway itself ------------------------------------------------------------------------------------


async def test_the_policy_is_looked_at_session_by_session(broker: Broker, asterisk: ScriptedAsterisk) -> None:
    """A group that is not allowed is FORBIDDEN, also where an agent's command comes to it."""
    async with live(broker, asterisk, groups=("sales",), reasons=("lunch",)) as gateway:
        assert (await gateway.ask(SUPPORT, "NOT_READY"))["code"] == "FORBIDDEN"
        assert (await gateway.ask(SALES, {"state": "NOT_READY", "reason": "tea"}))["code"] == "FORBIDDEN"
        answer = await gateway.ask(AGENT, "NOT_READY")
        assert [(each["group"], each["code"]) for each in answer["sessions"]] == [
            ("Support", "FORBIDDEN"),
            ("sales", None),
        ]


async def test_commands_that_are_not_allowed_are_forbidden(broker: Broker, asterisk: ScriptedAsterisk) -> None:
    """Each by its own name; health is always told."""
    async with live(broker, asterisk, allow=()) as gateway:
        for topic, payload in (
            (SUPPORT, "READY"),
            (AGENT, "SESSION_ENDED"),
            (CREATE, {"group": "sales", "address": CAROL}),
            (TOPICS.bridge_request, {"request": "resync"}),
        ):
            assert (await gateway.ask(topic, payload))["code"] == "FORBIDDEN"
        assert (await gateway.ask(TOPICS.bridge_request, {"request": "health"}))["status"] == "ok"
        assert gateway.asked() == []


async def test_manual_wrap_up_can_be_off(broker: Broker, asterisk: ScriptedAsterisk) -> None:
    """Without a reason for it, BUSY_WRAPUP cannot be set."""
    async with live(broker, asterisk, session={"wrap_up_pause_reasons": ()}) as gateway:
        await gateway.call("Support", ALICE, "Alice")
        assert outcome(await gateway.ask(SUPPORT, "BUSY_WRAPUP")) == ("NOT_SETTABLE", False, "BUSY_ON_CALL")
        answer = await gateway.ask(AGENT, "BUSY_WRAPUP")
        assert [each["code"] for each in answer["sessions"]] == ["NOT_SETTABLE"] * 2


async def test_a_resync_finds_what_no_event_told(gateway: Live) -> None:
    """The answer comes when the picture is right again."""
    gateway.asterisk.model.pause(ALICE, "true", "Support", "lunch")
    assert outcome(await gateway.ask(TOPICS.bridge_request, {"request": "resync", "id": 1})) == (None, False, None)
    told = gateway.events()[-1]
    assert (told["event"], told["cause"], told["session"]["reason"]) == ("NOT_READY", "resync", "lunch")


async def test_health_is_published_when_asked_for(gateway: Live) -> None:
    """``bridge/health`` comes at once, with the commands answered so far."""
    since = len(gateway.client.messages)
    await gateway.ask(TOPICS.bridge_request, {"request": "health"})
    health = await gateway.client.wait_for(lambda m: m.topic == "bridge/health", since=since)
    assert health.json["commands_answered"] >= 0
