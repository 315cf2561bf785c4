"""What is different between two configurations, by key; their values, secrets among them, are nobody's business."""

from collections.abc import Iterator

from pydantic import BaseModel


def changed_keys(before: BaseModel, now: BaseModel, place: str = "") -> Iterator[str]:
    """Yield the dotted key of each value that is another now."""
    for name in type(before).model_fields:
        was, becomes = getattr(before, name), getattr(now, name)
        if isinstance(was, BaseModel) and isinstance(becomes, BaseModel):
            yield from changed_keys(was, becomes, f"{place}{name}.")
        elif was != becomes:
            yield f"{place}{name}"
