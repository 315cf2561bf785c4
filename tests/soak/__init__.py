"""A long run of the gateway between a simulated Asterisk and a real broker: ``python -m tests.soak --help``."""
