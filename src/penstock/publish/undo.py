"""Unpublish: take back what is ours, rows before files, and let the item wait for a person again.

Every step looks before it acts, so a killed unpublish is finished by running it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock.accounts.models import Site
from penstock.engine.clock import Clock
from penstock.engine.errors import ItemError, NotFound, Refused, Transient, Unavailable
from penstock.engine.failpoint import declare, failpoint
from penstock.engine.states import ItemState
from penstock.ledger import events, rows
from penstock.ledger.counters import Tally
from penstock.ledger.tx import commits, write
from penstock.publish import targets
from penstock.publish.form import form_of
from penstock.publish.history import known, may_stand
from penstock.publish.models import LEFT, UNDOING, UNDONE, Delivery
from penstock.publish.outlets import from_receipt
from penstock.publish.pipeline import goods, rendered
from penstock.publish.settling import move_item
from penstock.review.gate import fingerprint, gate_of
from penstock.review.models import Decision

commits("unpublish.ask", "unpublish.withdraw", "unpublish.end")
declare("unpublish.asked", "unpublish.before_withdraw", "unpublish.after_withdraw", "unpublish.before_end")


def unpublish(site: Site, items: Sequence[int], who: str, clock: Clock) -> dict[str, Any]:
    """Take items back from all targets; answers counts and one row per item (`unpublished`, `conflict`, `failed`).

    An item of which one target holds something that is not ours stays published there, and is told. Raises NotFound
    for an item that the site does not have; nothing is touched then."""
    table = form_of(site).table
    there = set(rows.model_of(table).objects.filter(site=site, id__in=items).values_list("id", flat=True))
    for item in items:
        if item not in there:
            raise NotFound(f"site {site.name} has no item {item}")
    found = [{"id": item, **_one(site, table, item, who, clock)} for item in dict.fromkeys(items)]
    counts = {word: sum(row["status"] == word for row in found) for word in ("unpublished", "failed")}
    return {**counts, "conflicts": sum(row["status"] == "conflict" for row in found), "rows": found}


def _one(site: Site, table: str, item: int, who: str, clock: Clock) -> dict[str, str]:
    try:
        _ask(site, table, item, who, clock)
        left = list(may_stand(table, item))
        for delivery in left:
            _withdraw(delivery, who, clock, last=delivery is left[-1])
        _end(site, table, item, who, clock)
    except ItemError as error:
        return {"status": "conflict" if error.code == "conflict" else "failed", "error": str(error)}
    except (Refused, Transient, Unavailable) as error:
        return {"status": "failed", "error": str(error)}
    return {"status": "unpublished", "error": ""}


def _ask(site: Site, table: str, item: int, who: str, clock: Clock) -> None:
    """Write down what is about to be undone. Raises Refused when there is nothing, or it is just being published."""
    with write("unpublish.ask"):
        mine = Delivery.objects.filter(table=table, item=item)
        if mine.filter(state=ItemState.LEASED).exists():
            raise Refused(f"item {item} is being published; pause or cancel that run first")
        asked = mine.filter(outcome__in=LEFT)
        published = rows.read(table, [item])[0]["state"] == ItemState.DONE  # so it is too when only the end is lacking
        if not (asked.exists() or published):
            raise Refused(f"item {item} is not published")
        if asked.exclude(outcome=UNDOING).update(outcome=UNDOING):
            line = f"id={item} unpublish asked by {who}"
            events.record(clock.wall(), "unpublish", site=site.pk, who=who, lines=[("INFO", line)])
    failpoint("unpublish.asked", item=item)


def _withdraw(delivery: Delivery, who: str, clock: Clock, *, last: bool) -> None:
    """Take one delivery back; what a conflict left of ours goes too. With the last one the item waits again, in the
    same transaction: nothing counts as published that stands nowhere."""
    outlet = targets.opened(delivery.target)
    failpoint("unpublish.before_withdraw", item=delivery.item, target=delivery.target.name)
    outlet.withdraw(standing(delivery))
    failpoint("unpublish.after_withdraw", item=delivery.item, target=delivery.target.name)
    done = delivery.state == ItemState.DONE
    move = ("delivery", delivery.pk, f"{delivery.stage}/{delivery.state}", f"{delivery.stage}/{ItemState.WAITING}")
    with write("unpublish.withdraw") as cursor:
        state = ItemState.WAITING if done else ItemState(delivery.state)
        Delivery.objects.filter(id=delivery.pk).update(outcome=UNDONE, state=state)
        tally = Tally()
        tally.move(delivery.run, "delivery", (delivery.stage, delivery.state), (delivery.stage, state.value))
        tally.write(cursor, delivery.site_id)
        line = f"id={delivery.item} taken back from {delivery.target.name}"
        events.record(
            clock.wall(), "withdrawn", site=delivery.site_id, run=delivery.run, stage=delivery.stage, who=who,
            moves=[move] if done else [], lines=[("INFO", line)],
        )  # fmt: skip
        if last:
            _end(delivery.site, delivery.table, delivery.item, who, clock)


def standing(delivery: Delivery) -> Any:
    """What should stand on the target for a delivery: by its receipt, or by what it set out to send."""
    if delivery.receipt:
        return from_receipt(delivery.receipt, known(delivery))
    return goods(delivery, delivery.files or rendered(delivery))


def _end(site: Site, table: str, item: int, who: str, clock: Clock) -> None:
    """Nothing of it stands anywhere: the item waits for a decision again, and looks as before it was published."""
    failpoint("unpublish.before_end", item=item)
    with write("unpublish.end"):
        row = rows.read(table, [item])[0]
        if row["state"] not in (ItemState.DONE, ItemState.APPROVED):
            return
        delivery = Delivery.objects.select_related("site").filter(table=table, item=item).order_by("-id")[0]
        move_item(delivery, row, ItemState.WAITING, {**delivery.payload["before"], "revision": row["revision"] + 1})
        _decide(site, table, item, who, clock)
        move = (table, item, f"{row['stage']}/{row['state']}", f"{row['stage']}/{ItemState.WAITING}")
        line = f"id={item} unpublished by {who}"
        events.record(
            clock.wall(), "unpublished", site=site.pk, run=row["run"], who=who, moves=[move], lines=[("INFO", line)]
        )


def _decide(site: Site, table: str, item: int, who: str, clock: Clock) -> None:
    """The approval is spent: publishing again needs a new one."""
    print_ = fingerprint(gate_of(table), rows.read(table, [item])[0])
    Decision.objects.create(
        site=site,
        table=table,
        item=item,
        verdict="pending",
        fingerprint=print_,
        who=who,
        at=clock.wall(),
        reason="unpublished",
    )
