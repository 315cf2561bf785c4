"""A scripted Asterisk: queues, phones, and people who behave as people do, behind a real manager interface.

``agenda`` holds what is due when; ``pbx`` and ``app_queue`` are the PBX, a machine that takes time as a value and says
what Asterisk would say; ``people`` are the agents and callers; ``truth`` knows what really happened; ``server`` is the
shell around them, on a TCP port. Nothing here knows the gateway, which comes as to any Asterisk.
"""
