"""The configuration: one TOML file and the environment, read once, refused with every mistake named.

``load_config`` is the only reader; the models are plain frozen values that anyone may make.
"""

from gateway.config.kinds import ListenAddress
from gateway.config.load import load_config
from gateway.config.models import (
    AsteriskConfig,
    CommandsConfig,
    GatewayConfig,
    HomeAssistantConfig,
    HttpConfig,
    MqttConfig,
    SessionConfig,
    StoreConfig,
)

__all__ = [
    "AsteriskConfig",
    "CommandsConfig",
    "GatewayConfig",
    "HomeAssistantConfig",
    "HttpConfig",
    "ListenAddress",
    "MqttConfig",
    "SessionConfig",
    "StoreConfig",
    "load_config",
]
