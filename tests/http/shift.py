"""Two callers of one queue, one answered and one who hangs up, as Asterisk tells of them."""

from tests.ami.scripted_asterisk import ScriptedAsterisk
from tests.http.page import Pages
from tests.service.live import ALICE

CALLER_NUMBER = "5550199"
CALLER_NAME = "Zsofia Secret"
LINKEDID = "1795000000.77"


async def shift(pages: Pages, asterisk: ScriptedAsterisk) -> dict[str, float]:
    """Let it happen. Returns the metrics at the moment in which both waited."""
    caller = {"CallerIDNum": CALLER_NUMBER, "CallerIDName": CALLER_NAME, "Linkedid": LINKEDID, "Queue": "Support"}
    asterisk.send_event("QueueCallerJoin", Uniqueid=LINKEDID, Position=1, Count=1, **caller)
    asterisk.send_event("QueueCallerJoin", Uniqueid="1795000000.88", Position=2, Count=2, **caller)
    both = 'cti_queue_callers_waiting{queue="Support"}'
    waiting = await pages.until_metrics(lambda found: found[both] == 2 and found[LONGEST] > 0)
    asterisk.send_event("QueueCallerLeave", Uniqueid=LINKEDID, Position=1, Count=1, **caller)
    leg = {"Interface": ALICE, "MemberName": "Alice", "DestUniqueid": "1795000000.78"}
    asterisk.send_event("AgentConnect", Uniqueid=LINKEDID, HoldTime=1, RingTime=1, **leg, **caller)
    asterisk.send_event("HangupRequest", Uniqueid="1795000000.88", Linkedid=LINKEDID)
    asterisk.send_event("QueueCallerAbandon", Uniqueid="1795000000.88", Position=1, HoldTime=2, **caller)
    asterisk.send_event("QueueCallerLeave", Uniqueid="1795000000.88", Position=1, Count=0, **caller)
    await pages.until_metrics(lambda found: found['cti_queue_sessions{queue="Support",state="BUSY_ON_CALL"}'] == 1)
    asterisk.send_event("AgentComplete", Uniqueid=LINKEDID, HoldTime=1, TalkTime=3, Reason="caller", **leg, **caller)
    return waiting


LONGEST = 'cti_queue_longest_wait_seconds{queue="Support"}'
