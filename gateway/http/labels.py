"""Names as the values of Prometheus' labels."""


def label(name: str) -> str:
    r"""The name as UTF-8 can have it: bytes of Asterisk's that are no UTF-8 stand as ``\udc80`` and the like."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")
