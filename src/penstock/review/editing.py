"""What the gates have in common when a person edits: fields by name, each checked by its own cleaner."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from penstock.engine.errors import UsageError

Cleaner = Callable[[int, Any, Any], dict[str, Any]]
"""Called with (site, row, value); answers the columns that change. Raises UsageError naming the field."""


def cleaned(
    cleaners: Mapping[str, Cleaner], site: int, row: Mapping[str, Any], fields: Mapping[str, Any]
) -> dict[str, Any]:
    """Check a person's edit. Raises UsageError naming the field."""
    unknown = set(fields) - set(cleaners)
    if unknown:
        shown = ", ".join(name for name in cleaners if name != "hold")
        raise UsageError(f"{sorted(unknown)[0]}: this cannot be edited; fields: {shown}")
    out: dict[str, Any] = {}
    for name, value in fields.items():
        out |= cleaners[name](site, row, value)
    return out


def sentence(name: str, most: int, what: str, *, empty: bool = False) -> Cleaner:
    """One line of printable text; `what` is rejected rather than left without it."""

    def clean_text(_site: int, _row: Any, value: Any) -> dict[str, Any]:
        text = " ".join(str(value).split())
        if not text and not empty:
            raise UsageError(f"{name}: it cannot be empty; reject the {what} instead")
        if len(text) > most or not text.isprintable():
            raise UsageError(f"{name}: at most {most} printable characters")
        return {name: text}

    return clean_text


def hold(_site: int, _row: Any, value: Any) -> dict[str, Any]:
    """A flag, not a text."""
    return {"hold": bool(value)}
