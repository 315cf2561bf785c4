"""Screen pop: opens the customer's page in the browser when an agent answers a queue call.

python screen_pop.py localhost cti/pbx1 Alice 'https://crm.example.com/search?phone={number}'
The broker's user, where it wants one, stands in MQTT_USERNAME and MQTT_PASSWORD.
"""

import asyncio
import os
import sys
import urllib.parse
import webbrowser

from gateway.client import GatewayClient, PictureChanged, SessionEvent


async def screen_pop(broker: str, base: str, agent: str, url: str) -> None:
    """Open a page for each call that *agent* answers, until Ctrl-C."""
    user, password = os.environ.get("MQTT_USERNAME"), os.environ.get("MQTT_PASSWORD")
    async with GatewayClient(broker, base=base, username=user, password=password, wants=["sessions"]) as client:
        print(f"{agent}: {client.why_not_current or 'current'}", flush=True)
        async for event in client.events():
            match event:
                case SessionEvent(event="BUSY", session=session) if session.agent == agent and session.current_call:
                    number = session.current_call.caller_number or ""
                    webbrowser.open(url.format(number=urllib.parse.quote(number)))
                case PictureChanged(why=why):
                    print(why or "current again", flush=True)


asyncio.run(screen_pop(*sys.argv[1:5]))
