"""Append-only events, written in the transaction that they tell of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from penstock.ledger.models import Event
from penstock.ledger.rows import column, marks, prepared, quoted

Move = tuple[str, int, str, str]  # table, item, old "stage/state", new "stage/state"; "" where there is no row


def record(
    at: datetime,
    kind: str,
    *,
    site: int,
    run: str | None = None,
    stage: str = "",
    who: str = "",
    moves: Sequence[Move] = (),
    packed_moves: Sequence[list[Any]] | None = None,
    data: dict[str, Any] | None = None,
    lines: Sequence[tuple[str, str]] = (),
) -> None:
    """Write one event. `lines` are (level, text) for the run log; who has packed the moves already says so."""
    told = packed(moves) if packed_moves is None else packed_moves
    values = {
        "site": site, "run": run, "kind": kind, "stage": stage, "who": who, "at": at, "moves": told,
        "data": data or {}, "lines": [[level, clean(text)] for level, text in lines],
    }  # fmt: skip
    names = ", ".join(column(Event, name) for name in values)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {quoted(Event)} ({names}) VALUES ({marks([*values])})",
            [prepared(Event, name, value) for name, value in values.items()],
        )


def packed(moves: Sequence[Move]) -> list[list[Any]]:
    """What moved alike, together."""
    packed: dict[tuple[str, str, str], list[int]] = {}
    for table, item, old, new in moves:
        packed.setdefault((table, old, new), []).append(item)
    return [[*way, items] for way, items in packed.items()]


def unpacked(moves: Sequence[Sequence[Any]]) -> Iterator[Move]:
    """The single moves of a stored event."""
    return ((table, item, old, new) for table, old, new, items in moves for item in items)


def clean(text: str) -> str:
    """One line of text: control characters are escaped, so nothing can forge a line."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
