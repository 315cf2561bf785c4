"""Text for a terminal: names come from outside and may hold anything."""

from datetime import datetime


def plain(text: str) -> str:
    """The same with control characters shown, not obeyed."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def duration(seconds: float) -> str:
    """Whole seconds as ``m:ss``, or ``h:mm:ss``."""
    minutes, rest = divmod(max(0, int(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def since(moment: str, now: datetime) -> float:
    """Seconds from a time of day of a message to *now*."""
    try:
        return (now - datetime.fromisoformat(moment)).total_seconds()
    except ValueError:  # of a later contract
        return 0.0
