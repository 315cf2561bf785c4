"""``cti-gateway send``: one command to a gateway, and its answer."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.broker import (
    FAILED,
    BaseTopic,
    BrokerAddress,
    ConfigPath,
    PasswordFile,
    Target,
    Tls,
    TlsCaFile,
    Username,
    unreachable,
    usage,
)
from gateway.cli.options import complain
from gateway.cli.text import plain
from gateway.errors import CommandFailedError, MqttAuthenticationError, MqttConnectionError, NoAnswerError

if TYPE_CHECKING:
    from gateway.client import Answer, GatewayClient

EXAMPLE = "Example: cti-gateway send set support Alice PJSIP/1001 NOT_READY --reason lunch"

send = typer.Typer(name="send", no_args_is_help=True, epilog=EXAMPLE)


class State(StrEnum):
    """What may be asked for."""

    READY = "READY"
    NOT_READY = "NOT_READY"
    BUSY_WRAPUP = "BUSY_WRAPUP"
    SESSION_ENDED = "SESSION_ENDED"


class FirstState(StrEnum):
    """What a session may begin with."""

    READY = "READY"
    NOT_READY = "NOT_READY"


Group = Annotated[str, typer.Argument(help="The ACD group: the queue's name.")]
Agent = Annotated[str, typer.Argument(help="The agent.")]
Address = Annotated[str, typer.Argument(help="The queue member's interface, such as PJSIP/1001.")]
StateAsked = Annotated[State, typer.Argument(help="The state asked for.")]
Reason = Annotated[str | None, typer.Option(help="The pause's reason; without it a reason stays.")]


@dataclass(frozen=True, slots=True)
class _Way:
    """Where the command goes, and how the answer is shown."""

    target: Target
    timeout: float
    as_json: bool


@send.callback()
def _common(
    context: typer.Context,
    *,
    config: ConfigPath = None,
    broker: BrokerAddress = None,
    base: BaseTopic = None,
    username: Username = None,
    password_file: PasswordFile = None,
    tls: Tls = False,
    tls_ca_file: TlsCaFile = None,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds to wait for the answer.")] = 10.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as it came.")] = False,
) -> None:
    """Send one command to a gateway and wait for its answer.

    The options stand before the command. Exit status: 0 the answer is ok, 1 it is an error, or there is none, 2 usage
    or configuration, 5 the broker refused the login.
    """
    target = Target(config, broker, base, username, password_file, tls, tls_ca_file)
    context.obj = _Way(target, timeout, as_json)


@send.command("set", epilog=EXAMPLE)
def set_state(
    context: typer.Context,
    group: Group,
    agent: Agent,
    address: Address,
    state: StateAsked,
    *,
    reason: Reason = None,
) -> None:
    """Set the state of one session."""
    _run(context, lambda client: client.set_state(group, agent, address, state.value, reason=reason))


@send.command("agent-set", epilog="Example: cti-gateway send agent-set Alice NOT_READY --reason meeting")
def agent_set_state(context: typer.Context, agent: Agent, state: StateAsked, *, reason: Reason = None) -> None:
    """Set the state of all sessions of an agent."""
    _run(context, lambda client: client.agent_set_state(agent, state.value, reason=reason))


@send.command("create-session", epilog="Example: cti-gateway send create-session support Alice PJSIP/1001")
def create_session(
    context: typer.Context,
    group: Group,
    agent: Agent,
    address: Address,
    *,
    state: Annotated[FirstState, typer.Option(help="Its first state.")] = FirstState.READY,
    reason: Annotated[str | None, typer.Option(help="Why it begins NOT_READY.")] = None,
    penalty: Annotated[int, typer.Option(min=0, help="The member's penalty in the queue.")] = 0,
    state_interface: Annotated[
        str | None, typer.Option(metavar="DEVICE", help="Whose device state counts, if not the address's.")
    ] = None,
) -> None:
    """Log an agent in."""
    _run(
        context,
        lambda client: client.create_session(
            agent,
            group,
            address,
            state=state.value,
            reason=reason,
            penalty=penalty,
            state_interface=state_interface,
        ),
    )


@send.command("end-session", epilog="Example: cti-gateway send end-session support Alice PJSIP/1001")
def end_session(context: typer.Context, group: Group, agent: Agent, address: Address) -> None:
    """Log an agent out of one session."""
    _run(context, lambda client: client.end_session(group, agent, address))


@send.command("measurement-period", epilog="Example: cti-gateway send measurement-period 3600 --queue support")
def measurement_period(
    context: typer.Context,
    seconds: Annotated[int, typer.Argument(help="The period's length; the figures begin anew.")],
    *,
    agent: Annotated[str | None, typer.Option(help="Of this agent.")] = None,
    queue: Annotated[str | None, typer.Option(help="Of this queue.")] = None,
) -> None:
    """Set the measurement period of an agent or of a queue."""
    _run(context, lambda client: client.set_measurement_period(seconds, agent=agent, queue=queue))


@send.command("resync", epilog="Example: cti-gateway send resync")
def resync(context: typer.Context) -> None:
    """Let the gateway ask Asterisk for everything anew."""
    _run(context, lambda client: client.resync())


@send.command("health", epilog="Example: cti-gateway send health")
def health(context: typer.Context) -> None:
    """Let the gateway publish its health now."""
    _run(context, lambda client: client.publish_health())


def _run(context: typer.Context, ask: "Callable[[GatewayClient], Awaitable[Answer]]") -> None:
    way: _Way = context.obj
    try:
        answer = asyncio.run(_ask(way, ask))
    except CommandFailedError as error:
        _print(way, error.answer)  # type: ignore[arg-type]  # it carries what the client was answered
        if not way.as_json:
            complain(str(error))
        raise typer.Exit(FAILED) from error
    except NoAnswerError as error:
        complain(str(error))
        raise typer.Exit(FAILED) from error
    except (MqttAuthenticationError, MqttConnectionError) as error:
        raise unreachable(error) from error
    except ValueError as error:
        raise usage(_told(error)) from error
    _print(way, answer)


async def _ask(way: _Way, ask: "Callable[[GatewayClient], Awaitable[Answer]]") -> "Answer":
    async with way.target.client(wants=(), timeout=way.timeout) as client:
        return await ask(client)


def _print(way: _Way, answer: "Answer") -> None:
    if way.as_json:
        typer.echo(answer.model_dump_json(exclude={"sessions"} if answer.sessions is None else None))
        return
    for session in answer.sessions or ():
        what = _line(session.state, changed=session.changed) if session.code is None else f"{session.code}"
        typer.echo(plain(f"{session.group} {session.address}: {what}"))
    if answer.status == "ok" and answer.sessions is None:
        typer.echo(_line(answer.state, changed=answer.changed))


def _line(state: str | None, *, changed: bool) -> str:
    return f"ok, {'changed' if changed else 'nothing changed'}{f', now {state}' if state else ''}"


def _told(error: ValueError) -> str:
    from pydantic import ValidationError  # noqa: PLC0415  keeps --help quick

    if not isinstance(error, ValidationError):
        return str(error)
    return "; ".join(
        f"{'.'.join(map(str, each['loc']))}: {each['msg'].removeprefix('Value error, ')}"
        for each in error.errors(include_url=False)
    )
