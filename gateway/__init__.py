"""CTI gateway: Asterisk's queues as TAPI agent sessions on an MQTT broker."""

__version__ = "0.1.0"
"""The one place where the version stands: wheel, sdist and Debian package take it from here."""
