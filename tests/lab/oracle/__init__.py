"""The judge: what every session must show, computed from the tap's events and Asterisk's queue_log alone.

It is written from the decisions the product documents, never from the product: calls first (`calls`), then whether the
tap and Asterisk's own log tell the same story (`crosscheck`), then which membership was open when and what it went
through (`sessions`), and at last the states and figures of each (`timeline`).

All times are integer microseconds since 1970, as in the Timestamp header; durations are integer microseconds too.
"""

from tests.lab.oracle.calls import Call
from tests.lab.oracle.crosscheck import OracleError
from tests.lab.oracle.judge import Judgement, judge
from tests.lab.oracle.timeline import Session, Step

__all__ = ["Call", "Judgement", "OracleError", "Session", "Step", "judge"]
