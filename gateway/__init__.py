"""CTI gateway: Asterisk's queues as TAPI agent sessions on an MQTT broker."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("cti-gateway")
except PackageNotFoundError:  # a source tree that nobody installed
    __version__ = "0+unknown"
