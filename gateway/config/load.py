"""From a file and the environment to a configuration, or to all that is wrong with them."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from gateway.config.environment import Environment, read_environment
from gateway.config.models import GatewayConfig
from gateway.config.passwords import with_passwords
from gateway.config.problems import Problem, problems_of
from gateway.config.tomlfile import TomlFile, read_toml
from gateway.errors import ConfigError


def load_config(path: Path | None, environ: Mapping[str, str]) -> GatewayConfig:
    """Return the configuration that a file and the environment give together.

    Reads the file, the password files and credentials, and looks whether the TLS files can be read.

    Args:
        path: The TOML file; None: the environment alone.
        environ: The environment. ``CTI_GATEWAY__MQTT__HOST`` wins over ``host`` in ``[mqtt]``.

    Raises:
        ConfigError: If they cannot be used. Its text has one line for each problem.
    """
    file = None if path is None else read_toml(path)
    environment = read_environment(environ)
    tables, problems = with_passwords(_merged(file, environment), environ)
    problems += environment.problems
    try:
        config = GatewayConfig.model_validate(tables)
    except ValidationError as error:
        told = tuple(problem.path for problem in problems)
        found = problems_of(error.errors(include_url=False))
        problems += [problem for problem in found if not any(problem.path[: len(path)] == path for path in told)]
    else:
        problems += _unreadable(config)
        if not problems:
            return config
    raise ConfigError(_told(problems, file, environment))


class _Tables(PydanticBaseSettingsSource):
    """Settings that are tables already."""

    def __init__(self, settings_cls: type[BaseSettings], tables: Mapping[str, Any]) -> None:
        super().__init__(settings_cls)
        self._tables = tables

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002  the library's
        """Return the value of one key: never asked for, since the tables are given as a whole."""
        return self._tables.get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        return dict(self._tables)


def _merged(file: TomlFile | None, environment: Environment) -> dict[str, Any]:
    """Return the tables of file and environment as one, not yet checked."""

    class Given(BaseSettings, extra="allow"):
        """All that is given, whatever it is."""

        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,  # noqa: ARG003  the library's signature
            env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
            dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
            file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            """Return the sources; the first wins."""
            return (
                _Tables(settings_cls, environment.tables),
                _Tables(settings_cls, {} if file is None else file.tables),
            )

    return Given().model_extra or {}


def _unreadable(config: GatewayConfig) -> Iterator[Problem]:
    """Yield the TLS files that cannot be read, and a key without its certificate."""
    for section, link in (("asterisk", config.asterisk), ("mqtt", config.mqtt)):
        for key in ("tls_ca_file", "tls_cert_file", "tls_key_file"):
            path = getattr(link, key, None)
            if path is not None:
                try:
                    path.open("rb").close()
                except OSError as error:
                    name = (section, key)
                    yield Problem(name, "a readable file", f"{error.strerror} ({path})", name)
    if config.mqtt.tls_key_file and not config.mqtt.tls_cert_file:
        yield Problem(("mqtt", "tls_key_file"), "tls_cert_file beside it", "no certificate", ("mqtt", "tls_cert_file"))


def _told(problems: Sequence[Problem], file: TomlFile | None, environment: Environment) -> str:
    """Return one line for each problem: those of the environment, then those of the file in its order."""
    lines: list[tuple[int, str]] = []
    for problem in problems:
        variable = environment.variable_of(problem.path)
        if variable is not None or file is None:
            lines.append((-1, problem.told(variable or "environment", in_environment=True)))
        else:
            line = file.line_of(problem.path)
            lines.append((line or 0, problem.told(f"{file.path}:{line}" if line else str(file.path))))
    return "\n".join(line for _, line in sorted(lines, key=lambda item: item[0]))
