"""Screen pop: opens the customer's page in the browser when an agent answers a queue call.

python screen_pop.py BROKER BASE AGENT URL
python screen_pop.py localhost cti/pbx1 Alice 'https://crm.example.com/search?phone={number}'
"""

import asyncio
import sys
import urllib.parse
import webbrowser

from gateway.client import GatewayClient, PictureChanged, SessionEvent


async def screen_pop(broker: str, base: str, agent: str, url: str) -> None:
    """Open a page for each call that *agent* answers, until Ctrl-C."""
    async with GatewayClient(broker, base=base, wants=["sessions"]) as client:
        print(f"{agent}: {'current' if client.current else client.why_not_current}", flush=True)
        async for event in client.events():
            match event:
                case SessionEvent(event="BUSY", session=session) if session.agent == agent and session.current_call:
                    number = session.current_call.caller_number or ""
                    print(f"{session.group}: {number or 'a hidden number'}", flush=True)
                    webbrowser.open(url.format(number=urllib.parse.quote(number)))
                case PictureChanged(why=why):
                    print(why or "current again", flush=True)


if __name__ == "__main__":
    asyncio.run(screen_pop(*sys.argv[1:5]))
