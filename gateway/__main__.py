"""``python -m gateway``: the same as the command ``cti-gateway``."""

from gateway.cli import app

app()
