"""Append-only events, written in the transaction that they tell of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from penstock.ledger.models import Event

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
    data: dict[str, Any] | None = None,
    lines: Sequence[tuple[str, str]] = (),
) -> None:
    """Write one event. `lines` are (level, text) for the run log."""
    Event.objects.create(
        site_id=site,
        run=run,
        kind=kind,
        stage=stage,
        who=who,
        at=at,
        moves=[list(move) for move in moves],
        data=data or {},
        lines=[[level, clean(text)] for level, text in lines],
    )


def clean(text: str) -> str:
    """One line of text: control characters are escaped, so nothing can forge a line."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
