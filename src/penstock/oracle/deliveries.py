"""I1, I4: what was sent was approved with exactly that fingerprint, once per target, and its item says so."""

from __future__ import annotations

from collections.abc import Iterator

from penstock.engine.states import ItemState
from penstock.ledger import TABLES, rows
from penstock.oracle.violation import Look, Violation, ask, name
from penstock.publish.models import LEFT, THERE, Delivery
from penstock.review import GATES
from penstock.review.models import Decision

DELIVERY, DECISION = rows.quoted(Delivery), rows.quoted(Decision)
SAME = f"d.{name('table')}=v.{name('table')} AND d.item=v.item"


def check(look: Look) -> Iterator[Violation]:
    """Deliveries without an approval, twice, or of items that say otherwise."""
    yield from _unapproved(look)
    yield from _twice(look)
    for key in GATES:
        if key in TABLES:
            yield from _unpublished(look, key)
            yield from _undelivered(look, key)


def _words(outcomes: tuple[str, ...]) -> str:
    return ", ".join(f"'{outcome}'" for outcome in outcomes)


def _unapproved(look: Look) -> Iterator[Violation]:
    sql = f"SELECT v.id, v.{name('table')}, v.item, v.outcome, v.fingerprint FROM {DELIVERY} v"
    sql += (
        f" WHERE v.outcome IN ({_words(LEFT)}) AND {look.only('v.site_id')} AND NOT EXISTS (SELECT 1 FROM {DECISION} d"
    )
    for delivery, key, item, outcome, print_ in ask(
        sql + f" WHERE {SAME} AND d.verdict='approved' AND d.fingerprint=v.fingerprint)"
    ):
        detail = f"{key} {item} left for its target ({outcome}) as {print_[:12]}…, which nobody approved"
        yield Violation("I1", f"delivery {delivery}", detail, f"penstock unpublish {_site(look)} {item}")


def _twice(look: Look) -> Iterator[Violation]:
    """The unique index sees to it, as long as it is there."""
    sql = f"SELECT {name('table')}, item, target_id, fingerprint, COUNT(*), MAX(id) FROM {DELIVERY} WHERE {look.only()}"
    sql += f" GROUP BY {name('table')}, item, target_id, fingerprint HAVING COUNT(*)>1"
    for key, item, target, _, n, last in ask(sql):
        detail = f"{key} {item} has {n} deliveries to target {target} for one approval"
        yield Violation("I4", f"delivery {last}", detail, "penstock db restore FILE")


def _unpublished(look: Look, key: str) -> Iterator[Violation]:
    """Something stands on a target, but the item is neither published nor approved and on its way."""
    sql = f"SELECT v.id, v.item, t.state FROM {DELIVERY} v LEFT JOIN {rows.quoted(TABLES[key])} t ON t.id=v.item"
    sql += f" WHERE v.{name('table')}=%s AND v.outcome IN ({_words(THERE)}) AND {look.only('v.site_id')}"
    for delivery, item, state in ask(sql + " AND (t.id IS NULL OR t.state NOT IN ('approved', 'done'))", [key]):
        detail = f"{key} {item} stands on its target, but " + (f"is {state} here" if state else "is gone here")
        yield Violation("I1", f"delivery {delivery}", detail, f"penstock unpublish {_site(look)} {item}")


def _undelivered(look: Look, key: str) -> Iterator[Violation]:
    gate = GATES[key]
    sql = f"SELECT t.id FROM {rows.quoted(TABLES[key])} t WHERE t.stage=%s AND t.state=%s AND {look.only('t.site_id')}"
    sql += f" AND NOT EXISTS (SELECT 1 FROM {DELIVERY} v WHERE v.{name('table')}=%s AND v.item=t.id"
    for (item,) in ask(sql + f" AND v.outcome IN ({_words(LEFT)}))", [gate.stage, ItemState.DONE.value, key]):
        detail = "it counts as published, but no delivery of it reached a target"
        yield Violation(
            "I4", f"{key} {item}", detail, f"penstock unpublish {_site(look)} {item} (it ends what was begun)"
        )


def _site(look: Look) -> str:
    return look.site.name if look.site else "SITE"
