"""I1: whatever is approved or published was approved by a person, and that is the last word on it."""

from __future__ import annotations

from collections.abc import Iterator

from penstock.engine.states import ItemState
from penstock.ledger import TABLES, rows
from penstock.oracle.violation import Look, Violation, ask, name
from penstock.review import GATES
from penstock.review.models import Decision

DECISION = rows.quoted(Decision)
SAID_YES = (ItemState.APPROVED.value, ItemState.DONE.value)


def check(look: Look) -> Iterator[Violation]:
    """Every table that has a gate."""
    for key, gate in GATES.items():
        if key in TABLES:
            yield from _decided(look, key, gate.stage)


def _decided(look: Look, key: str, stage: str) -> Iterator[Violation]:
    latest = f"SELECT item, MAX(id) AS last FROM {DECISION} WHERE {name('table')}=%s GROUP BY item"
    sql = f"SELECT t.id, t.state, d.verdict, d.who FROM {rows.quoted(TABLES[key])} t"
    sql += f" LEFT JOIN ({latest}) l ON l.item=t.id LEFT JOIN {DECISION} d ON d.id=l.last"
    sql += f" WHERE t.stage=%s AND t.state IN (%s, %s) AND {look.only('t.site_id')}"
    sql += " AND (d.verdict IS NULL OR d.verdict<>'approved' OR d.who='' OR d.fingerprint='')"
    for item, state, verdict, who in ask(sql, [key, stage, *SAID_YES]):
        word = f"the last decision on it is {verdict!r} by {who or 'nobody'}" if verdict else "nobody decided on it"
        detail = f"it is {'published' if state == ItemState.DONE else 'approved'}, but {word}"
        yield Violation("I1", f"{key} {item}", detail, _mend(look, state, item))


def _mend(look: Look, state: str, item: int) -> str:
    site = look.site.name if look.site else "SITE"
    return f"penstock unpublish {site} {item}" if state == ItemState.DONE else f"penstock review show {site} {item}"
