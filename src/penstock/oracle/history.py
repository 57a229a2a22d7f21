"""I20: what is, follows from the events: the last move that names a row tells where it is."""

from __future__ import annotations

from collections.abc import Iterator

from penstock.ledger import events, rows
from penstock.ledger import models as m
from penstock.oracle.violation import MOST, PAGE, Look, Violation, ask, items

MEND = "penstock db backup FILE, and report it: a state was written past the ledger"


def check(look: Look) -> Iterator[Violation]:
    """Only in a deep look: it reads every event."""
    if look.deep:
        last = _last_moves(look)
        for key, table in items():
            yield from _compare(look, key, table, last.pop(key, {}))


def _last_moves(look: Look) -> dict[str, dict[int, str]]:
    """Per table and row the place that its last move leads to; "" when it leads out of the table."""
    told = m.Event.objects.exclude(moves=[]).order_by("id")
    told = told if look.site is None else told.filter(site=look.site)
    last: dict[str, dict[int, str]] = {}
    for moves in told.values_list("moves", flat=True).iterator(chunk_size=PAGE):
        for table, item, _, place in events.unpacked(moves):
            last.setdefault(table, {})[item] = place
    return last


def _compare(look: Look, key: str, table: str, last: dict[int, str]) -> Iterator[Violation]:
    ids, told = list(last), 0
    for part in rows.chunks(ids):
        sql = f"SELECT id, stage, state FROM {table} WHERE id IN ({rows.marks(part)})"
        now = {item: (stage, state) for item, stage, state in ask(sql, part, most=len(part))}
        for item in part:
            wrong = _wrong(last[item], now.get(item))
            if wrong and told < MOST:
                told += 1
                yield Violation("I20", f"{key} {item}", wrong, MEND)


def _wrong(told: str, now: tuple[str, str] | None) -> str:
    """Taking a lease is no event of its own: a leased row was ready at that stage."""
    if now is None:
        return f"its last event leaves it at {told}, but it is gone" if told else ""
    stage, state = now
    is_at = f"{stage}/{'ready' if state == 'leased' else state}"
    if is_at == told:
        return ""
    return f"it is at {stage}/{state}, but its last event " + (f"leaves it at {told}" if told else "removes it")
