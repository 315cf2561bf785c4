"""The figures of every session from a queue_log alone, however long: no Asterisk, no broker, no store.

The same rules as ``gateway.queue_log.recover`` and ``gateway.domain`` have, on objects that are changed in place, as a
year of a busy center has ten million lines. Tests hold the two equal.
"""
