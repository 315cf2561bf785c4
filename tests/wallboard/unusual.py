"""Call centers that a page may not have been drawn for: names of any length and script, many queues, and none."""

from datetime import timedelta
from typing import Final

import aiomqtt

from tests.wallboard.center import Line, SimulatedCenter, Worker

LONG: Final = "Technical Support for Business Customers, Second Level, Afternoon and Night"
UNBROKEN: Final = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
HOSTILE: Final = '<img src=x onerror="document.title=1">'
QUEUES: Final = (LONG, UNBROKEN, "الدعم الفني للعملاء", "技術支援與售後服務中心", HOSTILE, "שירות לקוחות (2)", "100 %")
AGENTS: Final = (
    "Maximiliane Alexandra von Hohenstaufen-Wittelsbach", UNBROKEN[::-1], "محمد عبد الرحمن الخطيب", "李雷",
    "田中 さくら", HOSTILE,
    "נועה כהן", "김민준", "Ζωή Παπαδοπούλου", "Юлия Щербакова", "สมชาย ใจดี", "A", "agent_7731", "👩‍💻 Kim",
)  # fmt: skip
REASON: Final = "training on the new ticket system, room 4.12, with everybody from second level"


def strange_names(client: aiomqtt.Client) -> SimulatedCenter:
    """Long, unbroken, right-to-left and hostile names; one agent is in five queues, some waited for hours."""
    waits = {LONG: [timedelta(hours=3, minutes=12)], UNBROKEN: [timedelta(seconds=70)], QUEUES[2]: [timedelta()] * 2}
    lines = [Line(name, waits.get(name, []), 12_345, 9_876, 1_234) for name in QUEUES]
    states = ("READY", "BUSY_ON_CALL", "BUSY_WRAPUP", "NOT_READY")
    workers = [
        Worker(
            name,
            QUEUES[:5] if number == 0 else [QUEUES[number % len(QUEUES)]],
            f"PJSIP/{name}" if number == 1 else f"PJSIP/{1001 + number}",
            states[number % 4],
            REASON if states[number % 4] == "NOT_READY" else None,
            timedelta(seconds=40 * 5**number % 300_000),
            number * 90,
        )
        for number, name in enumerate(AGENTS)
    ]
    return SimulatedCenter(client, "pbx1", lines, workers)


def many_queues(client: aiomqtt.Client) -> SimulatedCenter:
    """Forty queues, of which a third needs eyes, with sixty agents."""
    names = [f"{('Sales', 'Support', 'Billing', 'Returns')[number % 4]} {number:02}" for number in range(40)]
    lines = [
        Line(name, [timedelta(seconds=7 * number % 90)] if number % 3 == 0 else [], 20 * number, 17 * number, number)
        for number, name in enumerate(names)
    ]
    workers = [
        Worker(
            f"Agent {number:02}",
            [names[number % 36]],
            f"PJSIP/{1001 + number}",
            ("READY", "BUSY_ON_CALL", "BUSY_ON_CALL", "BUSY_WRAPUP", "NOT_READY")[number % 5],
            "lunch" if number % 5 == 4 else None,
            timedelta(seconds=11 * number),
            number % 9,
        )
        for number in range(60)
    ]
    return SimulatedCenter(client, "pbx1", lines, workers)


def no_queue(client: aiomqtt.Client) -> SimulatedCenter:
    """An Asterisk without any queue."""
    return SimulatedCenter(client, "pbx1", [], [])


def one_queue(client: aiomqtt.Client) -> SimulatedCenter:
    """One queue, one agent."""
    return SimulatedCenter(client, "pbx1", [Line("Support")], [Worker("Ann", ["Support"], "PJSIP/1")])
