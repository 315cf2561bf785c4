"""How the tests of the configuration load one."""

from pathlib import Path

import pytest

from gateway.config import GatewayConfig, load_config
from gateway.errors import ConfigError

SECRET = "Zx9-very-secret-Qq7"
PASSWORD = {"CTI_GATEWAY__ASTERISK__PASSWORD": SECRET}


def load(text: str, tmp_path: Path, **environ: str) -> GatewayConfig:
    """Load a file of this *text*, with an Asterisk password in the environment."""
    path = tmp_path / "gateway.toml"
    path.write_text(text, encoding="utf-8")
    return load_config(path, PASSWORD | environ)


def complaint(text: str, tmp_path: Path, **environ: str) -> str:
    """Return what loading this *text* is refused with."""
    with pytest.raises(ConfigError) as caught:
        load(text, tmp_path, **environ)
    return str(caught.value)
