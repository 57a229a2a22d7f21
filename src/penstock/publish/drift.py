"""Reconcile: what the deliveries say against what stands on the targets. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from penstock.accounts.models import Site
from penstock.publish import targets
from penstock.publish.history import number_on_server
from penstock.publish.models import CONFLICT, LEFT, MIRROR, THERE, UNDOING, Delivery, Target
from penstock.publish.outlets import Outlet, from_receipt
from penstock.publish.undo import standing

What = Literal["missing", "changed", "foreign", "unsettled", "mirror"]


@dataclass(frozen=True)
class Drift:
    """One difference. `item` is 0 for something on the target that no delivery put there.

    missing: was delivered, is (partly) gone · changed: somebody changed it · foreign: not ours · unsettled: a delivery
    or its taking back was broken off, `detail` says what is there · mirror: the local copy has another number."""

    target: str
    item: int
    what: What
    detail: str


def reconcile(site: Site) -> list[Drift]:
    """Every difference, by target. Raises Unavailable when a target cannot be read."""
    found: list[Drift] = []
    for target in targets.listed(site):
        outlet = targets.opened(target)
        there = target.deliveries.select_related("target", "site").filter(outcome__in=[*LEFT, CONFLICT])
        latest = {one.item: one for one in there.order_by("id")}
        found += [drift for one in latest.values() for drift in _compare(target, outlet, one)]
        found += _foreign(target, outlet)
    return [*found, *_numbers(site)]


def _compare(target: Target, outlet: Outlet, delivery: Delivery) -> list[Drift]:
    title = delivery.payload["title"]
    if delivery.outcome not in THERE:
        view = outlet.look(standing(delivery))
        word = "is complete" if view == "same" else "is not there" if view == "absent" else "is not complete"
        if view == "other" or delivery.outcome == CONFLICT:
            word = "is somebody else's"
        mend = "; its taking back broke off: run unpublish again" if delivery.outcome == UNDOING else ""
        return [Drift(target.name, delivery.item, "unsettled", f"{title} {word} on {target.name}{mend}")]
    view = outlet.look(from_receipt(delivery.receipt, []))
    if view == "same":
        return []
    if view == "ours" and target.rank:
        return [
            Drift(target.name, delivery.item, "changed", f"{title} has another number on {target.name} than it had")
        ]
    if view in ("absent", "ours"):
        return [Drift(target.name, delivery.item, "missing", f"{title} is gone from {target.name}, wholly or partly")]
    return [Drift(target.name, delivery.item, "changed", f"{title} was changed on {target.name} by somebody else")]


def _numbers(site: Site) -> list[Drift]:
    """Rows of a local mirror that have another number than on the server that it mirrors."""
    found = []
    for target in targets.listed(site):
        there = target.deliveries.filter(outcome__in=THERE) if target.rank == MIRROR else target.deliveries.none()
        for delivery in {one.item: one for one in there.select_related("target").order_by("id")}.values():
            here, far = delivery.receipt.get("id", 0), number_on_server(delivery)
            if far and here != far:
                detail = f"{delivery.payload['title']} is row {here} on {target.name}, and row {far} on the server"
                found.append(Drift(target.name, delivery.item, "mirror", detail))
    return found


def _foreign(target: Target, outlet: Outlet) -> list[Drift]:
    receipts = [one for one in target.deliveries.filter(outcome__in=LEFT).values_list("receipt", flat=True) if one]
    return [
        Drift(target.name, 0, "foreign", f"{place} on {target.name} was not published from here")
        for place in outlet.strangers(receipts)
    ]
