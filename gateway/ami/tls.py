"""TLS towards Asterisk: what is trusted, and one line of plain words when it fails."""

import ssl

from gateway.errors import ConfigError


def tls_context(ca_file: str | None) -> ssl.SSLContext:
    """Trust the certificates in *ca_file* (PEM), or the system's if it is None; names are always checked.

    Raises:
        ConfigError: If the file cannot be read or holds no certificate.
    """
    try:
        return ssl.create_default_context(cafile=ca_file)
    except ssl.SSLError as error:
        raise ConfigError(f"{ca_file}: expected certificates in PEM form: {error.reason or error}") from error
    except OSError as error:
        raise ConfigError(f"{ca_file}: cannot be read: {error.strerror}") from error


def describe_connect_error(error: OSError) -> str:
    """One line that tells an operator why no connection came about."""
    match error:
        case ssl.SSLCertVerificationError():
            return f"the server's certificate is not trusted: {error.verify_message}"
        case ssl.SSLError():
            return f"TLS failed: {error.reason or error}"
        case TimeoutError():
            return "no connection in time"
        case ConnectionRefusedError():
            return "connection refused"
        case _:
            return " ".join((error.strerror or str(error) or type(error).__name__).split())
