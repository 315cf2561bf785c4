"""Calls and session events in a real PostgreSQL: all of them, each once, whatever breaks on the way."""

import asyncio
import json
import os
import re
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, LiteralString

import pytest

from gateway.contract.messages import BY_NAME
from gateway.contract.schemas import message_schema
from tests.ami.scripted_asterisk import ScriptedAsterisk
from tests.broker import SAMPLES, Broker
from tests.databases.postgresql import PostgreSQL
from tests.lab.subscriber import Subscriber
from tests.service.live import BOB, TOPICS, Live, live, pbx

pytestmark = pytest.mark.timeout(400)  # a machine without PostgreSQL makes a root for it at the first run

EXAMPLES = Path(__file__).parents[2] / "deploy" / "examples"
PAGE = EXAMPLES.parent / "docs" / "postgresql.md"
PROGRAM, SCHEMA = EXAMPLES / "call_history.py", EXAMPLES / "call_history.sql"
WITHIN = 60.0  # seconds, also on a machine that is busy
CALLS = TOPICS.call("sales", "Bob", BOB).removeprefix(f"{TOPICS.base}/")  # where those of one_call are told


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQL]:
    """One server for all tests."""
    with PostgreSQL() as running:
        yield running


@pytest.fixture
def database(server: PostgreSQL) -> PostgreSQL:
    """The server with the tables as they are shipped, empty; twice made, for an operator may do that."""
    with server.connect() as connection:
        for _ in range(2):
            connection.execute(SCHEMA.read_bytes())
        connection.execute("TRUNCATE calls, session_events")
    return server


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A broker with the sample's rights, which keeps what waits; who gives no name may do everything."""
    acl = f"topic readwrite #\n{(SAMPLES / 'acl').read_text()}"
    users, open_to_all = {"wallboard": "two"}, ("allow_anonymous true",)
    with Broker(tmp_path / "broker", persistence=True, users=users, acl=acl, settings=open_to_all) as running:
        yield running


@pytest.fixture
async def asterisk() -> AsyncIterator[ScriptedAsterisk]:
    """A scripted Asterisk 22 with two queues."""
    async with pbx() as running:
        yield running


@pytest.fixture
async def gateway(broker: Broker, asterisk: ScriptedAsterisk) -> AsyncIterator[Live]:
    """A gateway between the two."""
    async with live(broker, asterisk) as running:
        yield running


@asynccontextmanager
async def call_history(broker: Broker, database: PostgreSQL) -> AsyncIterator[Process]:
    """Run the program as an operator would: with the role that may add, and the broker's user that may read."""
    login = {"PGUSER": "call_history", "MQTT_USERNAME": "wallboard", "MQTT_PASSWORD": "two"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, PROGRAM, broker.host, str(broker.port)),
        env={**os.environ, **database.environment, **login},
        stdout=PIPE,
        stderr=PIPE,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(WITHIN):
            assert await process.stdout.readline() == b"connected\n"
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
        await process.communicate()


def rows(database: PostgreSQL, query: LiteralString) -> list[tuple[Any, ...]]:
    """What a query gives."""
    with database.connect() as connection:
        return connection.execute(query).fetchall()


async def until(database: PostgreSQL, query: LiteralString, wanted: object) -> None:
    """Wait until a query gives one row with one value."""
    async with asyncio.timeout(WITHIN):
        while (found := rows(database, query)) != [(wanted,)]:
            await asyncio.sleep(0.02)  # nothing tells when a row is there
            assert found


async def one_call(gateway: Live, number: int, client: Subscriber | None = None) -> dict[str, Any]:
    """Let Bob handle a call, and return its record as it was published to a client: the gateway's, or another."""
    client = client or gateway.client
    since = len(client.messages)
    leg = {"Uniqueid": f"{number}.1", "Linkedid": f"{number}.1", "DestUniqueid": f"{number}.11"}
    about = {"Queue": "sales", "Interface": BOB, "MemberName": "Bob", "HoldTime": 1, "RingTime": 1}
    caller = {"CallerIDNum": "+49 30 901820", "CallerIDName": "Jo \"'; March"}
    gateway.asterisk.send_event("AgentConnect", **about, **leg, **caller)
    gateway.asterisk.send_event("AgentComplete", TalkTime=2, Reason="agent", **about, **leg, **caller)
    record = await client.wait_for(lambda m: m.topic == CALLS and m.json["uniqueid"] == f"{number}.1", since=since)
    content: dict[str, Any] = record.json
    return content


async def test_each_call_is_there_once_whatever_breaks(database: PostgreSQL, broker: Broker, gateway: Live) -> None:
    """What is published while the program is killed, the database is down or the broker restarts comes when it can."""
    count: LiteralString = "SELECT count(*) FROM calls"
    published = []
    async with call_history(broker, database):
        published.append(await one_call(gateway, 1))
        await until(database, count, 1)
    published.append(await one_call(gateway, 2))  # the program is dead
    async with call_history(broker, database) as program:
        await until(database, count, 2)
        database.stop()
        published.append(await one_call(gateway, 3))
        async with asyncio.timeout(WITHIN):
            assert await program.wait() == 1  # it ends rather than go on without
    database.start()
    async with call_history(broker, database):
        await until(database, count, 3)
        broker.restart()
        async with Subscriber(broker.port, TOPICS.base) as back:
            published.append(await one_call(gateway, 4, back))
        await until(database, count, 4)
    kept = rows(database, "SELECT to_jsonb(calls) - 'queued_at' - 'offered_at' - 'answered_at' - 'ended_at' FROM calls")
    times = ("queued_at", "offered_at", "answered_at", "ended_at")
    wanted = [{key: value for key, value in each.items() if key not in times} for each in published]
    assert sorted((row[0] for row in kept), key=lambda row: int(row["seq"])) == wanted
    # To the millisecond: as PostgreSQL writes what the gateway wrote.
    same = "SELECT to_char(ended_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"') FROM calls ORDER BY seq"
    assert [row[0] for row in rows(database, same)] == [each["ended_at"] for each in published]
    assert rows(database, "SELECT * FROM missed") == []


async def test_what_is_told_again_changes_nothing(database: PostgreSQL, broker: Broker, gateway: Live) -> None:
    """A message that comes twice is there once, as it came first; keys that a later version may add are left out."""
    async with call_history(broker, database):
        record = await one_call(gateway, 1)
        await until(database, "SELECT count(*) FROM calls", 1)
        again = {**record, "talk_time": 99.0, "weather": "fine"}
        later = {**again, "seq": record["seq"] + 1, "previous_seq": record["seq"]}
        for message in (again, later):
            await gateway.client.publish(CALLS, json.dumps(message))
        await until(database, "SELECT count(*) FROM calls", 2)
    assert [row[0] for row in rows(database, "SELECT talk_time FROM calls ORDER BY seq")] == [record["talk_time"], 99.0]


@pytest.mark.parametrize("payload", [b'{"stream": null}', b"not JSON", b"\xff", b'{"node": "\\u0000"}', b""])
async def test_what_no_gateway_sends_keeps_nothing_back(
    database: PostgreSQL, broker: Broker, gateway: Live, payload: bytes
) -> None:
    """A message that is no call record is left out and told, and what comes after it is written."""
    async with call_history(broker, database) as program:
        await gateway.client.publish("call/sales/Bob/x", payload)
        record = await one_call(gateway, 1)
        await until(database, "SELECT count(*) FROM calls", 1)
        assert program.stderr is not None
        assert (await program.stderr.readline()).startswith(b"left out, on cti/pbx1/call/sales/Bob/x: ")
    assert rows(database, "SELECT uniqueid FROM calls") == [(record["uniqueid"],)]


async def test_the_pages_queries_are_answered(database: PostgreSQL, broker: Broker, gateway: Live) -> None:
    """The queries that the page for operators shows are such, and the first has the call that was."""
    found = re.search(r"```sql\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    calls, breaks = (query for query in found[1].split(";") if query.strip())
    async with call_history(broker, database):
        record = await one_call(gateway, 1)
        await until(database, "SELECT count(*) FROM calls", 1)
    with database.connect() as connection:
        ((group, _, number, talk, _),) = connection.execute(
            calls.replace("current_date", "now() - '1 day'::interval").encode()
        ).fetchall()
        assert (group, number, talk) == ("sales", 1, record["talk_time"])
        assert connection.execute(breaks.encode()).fetchall() == []


@pytest.mark.parametrize(("table", "message"), [("calls", "call"), ("session_events", "session_event")])
def test_the_columns_are_the_keys(database: PostgreSQL, table: str, message: str) -> None:
    """Each key of the contract has its column, in its order; one that may be null has a column that may be."""
    schema = message_schema(BY_NAME[message])
    keys = schema["$defs"][schema["$ref"].rpartition("/")[2]]["properties"]
    nullable = {key: any(each.get("type") == "null" for each in value.get("anyOf", [])) for key, value in keys.items()}
    asked = "SELECT column_name, is_nullable = 'YES' FROM information_schema.columns WHERE table_name = %s"
    with database.connect() as connection:
        found = connection.execute(f"{asked} ORDER BY ordinal_position", [table]).fetchall()
    assert found == list(nullable.items())


async def test_a_hole_is_seen(database: PostgreSQL, broker: Broker, gateway: Live) -> None:
    """Where previous_seq names a message that is not there, the view ``missed`` says so; else it is empty."""
    async with call_history(broker, database):
        record = await one_call(gateway, 1)
        await until(database, "SELECT count(*) FROM calls", 1)
        assert rows(database, "SELECT * FROM missed") == []
        hole = {**record, "seq": record["seq"] + 9, "previous_seq": record["seq"] + 5}
        await gateway.client.publish(CALLS, json.dumps(hole))
        await until(database, "SELECT count(*) FROM calls", 2)
    asked: LiteralString = 'SELECT kept_in, node, "group", agent, after_seq, before_seq FROM missed'
    assert rows(database, asked) == [("calls", "pbx1", "sales", "Bob", record["seq"], record["seq"] + 9)]


async def test_times_in_states_are_those_of_the_events(database: PostgreSQL, broker: Broker, gateway: Live) -> None:
    """The view has each state from its event to the next, with a pause's reason; another reason divides it."""
    async with call_history(broker, database):
        for state, reason in (("NOT_READY", "lunch"), ("NOT_READY", "training"), ("READY", None)):
            asked = {"state": state, "reason": reason} if reason else {"state": state}
            answer = await gateway.ask(f"{TOPICS.session('sales', 'Bob', BOB)}/set", asked)
            assert answer["status"] == "ok"
        await until(database, "SELECT count(*) FROM session_states WHERE until IS NOT NULL", 2)
    query: LiteralString = (
        "SELECT state, reason, since, until, lasted FROM session_states WHERE agent = 'Bob' ORDER BY since"
    )
    found = rows(database, query)
    assert [(state, reason) for state, reason, *_ in found] == [
        ("NOT_READY", "lunch"),
        ("NOT_READY", "training"),
        ("READY", None),
    ]
    events = [event["at"] for event in gateway.events() if event["command_id"] is None][-3:]
    assert [since for _, _, since, _, _ in found] == [datetime.fromisoformat(at) for at in events]
    for (*_, until_, lasted), (_, _, since, *_) in pairwise(found):
        assert until_ == since
        assert lasted > timedelta(0)
