"""Bring the local mirror to what was published, when a person says so. No other place is written."""

from __future__ import annotations

from penstock.accounts.models import Site
from penstock.engine.clock import Clock
from penstock.engine.failpoint import declare, failpoint
from penstock.ledger import events
from penstock.ledger.tx import commits, write
from penstock.publish import targets
from penstock.publish.history import number_on_server
from penstock.publish.models import MIRROR, THERE, Delivery
from penstock.publish.outlets import Goods
from penstock.publish.outlets.rows import RowOutlet
from penstock.publish.website import KEY

commits("mirror.renew")
declare("mirror.before_put", "mirror.after_put")


def renew(site: Site, who: str, clock: Clock) -> int:
    """Write every published row of the mirrors as it was delivered, under its number on the server; answers how many
    were not right. Rows that others put there stay. Repeating it changes nothing."""
    changed = 0
    for target in targets.listed(site):
        if target.rank == MIRROR:
            outlet = targets.opened(target)
            assert isinstance(outlet, RowOutlet)
            there = target.deliveries.select_related("target").filter(outcome__in=THERE).order_by("id")
            latest = {one.item: one for one in there}
            changed += sum(_put(outlet, delivery, who, clock) for delivery in latest.values())
    return changed


def _put(outlet: RowOutlet, delivery: Delivery, who: str, clock: Clock) -> bool:
    """One row; what is in its place is ours to overwrite, for the mirror is a copy."""
    row = delivery.receipt["row"]
    number = number_on_server(delivery) or delivery.receipt["id"]
    standing = outlet.table.rows(row[KEY])
    failpoint("mirror.before_put", item=delivery.item)
    answer, number = outlet.put(Goods(files={}, row=row, known=standing, id=number))
    failpoint("mirror.after_put", item=delivery.item)
    if answer == "sent" or number != delivery.receipt["id"]:
        with write("mirror.renew"):
            Delivery.objects.filter(id=delivery.pk).update(receipt={**delivery.receipt, "id": number})
            line = f"id={delivery.item} row {number} of {delivery.target.name} written anew by {who}"
            events.record(clock.wall(), "mirrored", site=delivery.site_id, who=who, lines=[("INFO", line)])
    return answer == "sent"
