"""When an item stands on all its targets it is published: in the transaction that settles its last delivery."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import connection

from penstock.engine.states import ItemState
from penstock.ledger import events, rows
from penstock.ledger.counters import Tally
from penstock.ledger.models import Event, Run
from penstock.publish.form import form_of
from penstock.publish.history import unfinished
from penstock.publish.models import Delivery
from penstock.review.gate import gate_of


def settled(run: Run, stage: str, ids: list[int]) -> None:
    """Hook of the ledger: publish the items that these deliveries complete."""
    if run.pipeline != "publish" or stage != "send":
        return
    for delivery in Delivery.objects.select_related("site").filter(id__in=ids).order_by("ordinal", "id"):
        complete(run, delivery)


def complete(run: Run, delivery: Delivery) -> None:
    """Approved becomes published, with the addresses that were delivered, once no target lacks it."""
    row = rows.read(delivery.table, [delivery.item])[0]
    if unfinished(delivery) or row["state"] != ItemState.APPROVED:  # published before: this was a further target
        return
    move_item(delivery, row, ItemState.DONE, form_of(delivery.site).published(delivery.payload))
    line = f"Published id={delivery.item} {delivery.payload['title']}"
    _record(run, delivery, row, line)


def move_item(delivery: Delivery, row: dict[str, Any], state: ItemState, fields: dict[str, Any]) -> None:
    """Write an item's new state with the seeds' words for it, and move the counters, in the caller's transaction."""
    words = gate_of(delivery.table).words(delivery.table, row["stage"], state)
    values = {**words, **fields, "state": state.value}
    with connection.cursor() as cursor:
        rows.update_where(cursor, delivery.table, [row["id"]], values)
        tally = Tally()
        tally.move(row["run"], delivery.table, (row["stage"], row["state"]), (row["stage"], state.value))
        tally.write(cursor, row["site_id"])


def _record(run: Run, delivery: Delivery, row: dict[str, Any], line: str) -> None:
    move = (delivery.table, row["id"], f"{row['stage']}/{row['state']}", f"{row['stage']}/{ItemState.DONE}")
    events.record(
        _now(run), "published", site=run.site_id, run=run.id, stage="send", who=delivery.who,
        moves=[move], lines=[("INFO", line)],
    )  # fmt: skip


def _now(run: Run) -> datetime:
    """The time of the settle that this belongs to: its event was written just before."""
    return Event.objects.filter(run=run.id).order_by("-id").values_list("at", flat=True)[0]
