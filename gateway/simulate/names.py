"""Names of agents and queues, some of them as awkward as real ones."""

from typing import Final

_FIRST: Final = (
    "Anna", "Björn", "Chiara", "Dmitri", "Éva", "Farid", "Grace", "Hüseyin", "Ines", "Jürgen", "Katarzyna", "Liam",
    "Mei", "Noah", "Olga", "Pedro", "Quynh", "Rosa", "Søren", "Tomáš", "Uma", "Viktor", "Wanda", "Xenia", "Yusuf",
    "Zoë",
)  # fmt: skip
_LAST: Final = (
    "Almeida", "Berger", "Chen", "Dubois", "Eriksson", "Fischer", "García", "Horváth", "Ivanova", "Jensen", "Kowalski",
    "Lehmann", "Müller", "Nguyen", "O'Neill", "Petrov", "Quispe", "Rossi", "Şahin", "Tanaka", "Ueda", "Varga", "Weber",
)  # fmt: skip
_QUEUES: Final = ("support", "sales", "billing", "returns", "bookings", "complaints", "technics", "english")


def agent_names(count: int) -> list[str]:
    """So many names, no two alike."""
    names = [
        f"{_FIRST[number % len(_FIRST)]} {_LAST[number * 7 % len(_LAST)]}" for number in range(len(_FIRST) * len(_LAST))
    ]
    plain = list(dict.fromkeys(names))
    return [
        plain[number % len(plain)] + (f" {number // len(plain) + 1}" if number >= len(plain) else "")
        for number in range(count)
    ]


def queue_names(count: int) -> list[str]:
    """So many names of queues, no two alike."""
    return [_QUEUES[number] if number < len(_QUEUES) else f"queue {number + 1}" for number in range(count)]
