"""Certificates of a private authority, good and bad."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme

NAME = "pbx.example"
FAULTS = ("unknown authority", "other name", "expired", "not yet valid")


@dataclass(frozen=True, slots=True)
class Files:
    """Where they are: what a client trusts, and what a server shows.

    Attributes:
        trusted: The authority that the client is told of.
        chain: The server's certificate.
        key: Its key.
        both: Key and certificate in one file, as Asterisk wants them.
    """

    trusted: Path
    chain: Path
    key: Path
    both: Path


def issue(directory: Path, fault: str = "") -> Files:
    """Make an authority and a server's certificate for ``127.0.0.1`` and `NAME`, with one of `FAULTS` or none."""
    authority = trustme.CA()
    now = datetime.now(UTC)
    begins, ends = now - timedelta(days=2), now + timedelta(days=2)
    if fault == "expired":
        ends = now - timedelta(days=1)
    elif fault == "not yet valid":
        begins = now + timedelta(days=1)
    names = ("elsewhere.example",) if fault == "other name" else ("127.0.0.1", NAME)
    certificate = authority.issue_cert(*names, not_before=begins, not_after=ends)
    trusted = trustme.CA() if fault == "unknown authority" else authority
    directory.mkdir(parents=True, exist_ok=True)
    files = Files(*(directory / name for name in ("ca.pem", "cert.pem", "key.pem", "both.pem")))
    trusted.cert_pem.write_to_path(str(files.trusted))
    certificate.cert_chain_pems[0].write_to_path(str(files.chain))
    certificate.private_key_pem.write_to_path(str(files.key))
    certificate.private_key_and_cert_chain_pem.write_to_path(str(files.both))
    return files
