"""The journal of side effects. After a crash recovery looks and marks; only work redoes; undo goes newest first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from penstock.engine.errors import NotUndone, PenstockError
from penstock.engine.failpoint import declare, failpoint
from penstock.engine.pipeline import EffectPlan
from penstock.engine.settle import Plan
from penstock.ledger import EFFECTS, rows
from penstock.ledger.models import Effect
from penstock.ledger.tx import commits, write

commits("ledger.undo")
declare("ledger.before_undo", "ledger.after_undo")


class Doer(Protocol):
    """What a kind of effect must offer the journal. Both look before they act, so they may be repeated."""

    def happened(self, source: str, target: str, mark: str) -> bool:
        """Whether the effect is visible in the world."""

    def undo(self, source: str, target: str, mark: str) -> None:
        """Put things back as they were; nothing to do is fine."""


def plan(context: Any, plans: Sequence[EffectPlan]) -> None:
    """Journal effects before they happen; one that is journaled already is not repeated."""
    table, stage, run = context.stage.takes, context.stage.name, context.run.id
    items = [one.item for one in plans]
    there = set(
        Effect.objects.filter(run=run, table=table, stage=stage, item__in=items)
        .exclude(state="undone")
        .values_list("item", "kind", "target")
    )
    Effect.objects.bulk_create(
        Effect(run=run, table=table, item=e.item, stage=stage, kind=e.kind, source=e.source, target=e.target)
        for e in plans
        if (e.item, e.kind, e.target) not in there
    )


def settle(cursor: Any, run: str, table: str, plan: Plan) -> None:
    """Effects of finished items happened; those of broken items are undone after the commit."""
    if plan.stage.effects is None:
        return
    marks = {one.item: str(one.own.get("content_hash", "")) for one in plan.changes}
    mine = Effect.objects.filter(run=run, table=table, stage=plan.stage.name)
    mine = mine.filter(state__in=["planned", "done"])  # recovery may have marked it already
    happened = [(marks.get(item, ""), one) for one, item in mine.filter(item__in=plan.done).values_list("id", "item")]
    if happened:
        cursor.executemany(f"UPDATE {rows.quoted(Effect)} SET state='done', mark=%s WHERE id=%s", happened)
    if plan.broken:
        mine.filter(item__in=plan.broken).update(state="undoing")


def mark_item_undoing(table: str, item: int) -> None:
    """What was done for this item, in whichever run, is to be undone."""
    Effect.objects.filter(table=table, item=item, state__in=["planned", "done"]).update(state="undoing")


def undo_pending(run: str | None = None, *, of: tuple[str, Sequence[int]] | None = None) -> int:
    """Undo what is marked (of a run; or of items of a table), newest first. Answers how many.

    Raises NotUndone after the last one when some could not be undone: they stay marked."""
    marked = Effect.objects.filter(state="undoing")
    if run is not None:
        marked = marked.filter(run=run)
    if of is not None:
        marked = marked.filter(table=of[0], item__in=of[1])
    n, stuck = 0, []
    for effect in marked.order_by("-id"):
        failpoint("ledger.before_undo")
        try:
            EFFECTS[effect.kind].undo(effect.source, effect.target, effect.mark)
        except (OSError, PenstockError) as error:
            stuck.append(f"{effect.kind} to {effect.target}: {error}")
            continue
        failpoint("ledger.after_undo")
        with write("ledger.undo"):
            Effect.objects.filter(id=effect.id, state="undoing").update(state="undone")
        n += 1
    if stuck:
        raise NotUndone(f"{len(stuck)} side effects could not be undone yet; the first: {stuck[0]}")
    return n
