"""The deliveries of an approved item: made once per (item, target, approval), taken up again after a failure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from penstock.accounts.models import Site
from penstock.engine.settle import FRESH
from penstock.engine.states import ItemState
from penstock.ledger import events
from penstock.ledger.counters import Tally
from penstock.publish.form import Form
from penstock.publish.models import THERE, UNDOING, UNKNOWN, UNTOUCHED, Delivery, Target
from penstock.review.gate import Approved

FIRST = {0: "render", 1: "send", 2: "send"}  # rank of a target → where its deliveries begin


@dataclass
class Packer:
    """Packs one item after the other, inside the caller's transaction."""

    site: Site
    form: Form
    targets: Sequence[Target]
    tally: Tally = field(default_factory=Tally)
    moves: list[events.Move] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)
    complete: list[Delivery] = field(default_factory=list)  # of items that lack nothing any more

    def pack(self, key: Approved, payload: dict[str, Any]) -> str:
        """Make or take up what the item still needs; answers why that cannot be ("" = it can)."""
        mine = list(Delivery.objects.filter(table=key.table, item=key.item))
        if any(delivery.outcome == UNDOING for delivery in mine):
            return "it is being unpublished; run unpublish again to finish"
        self._void([one for one in mine if one.fingerprint != key.fingerprint and one.state == ItemState.READY])
        there = {one.target_id: one for one in mine if one.fingerprint == key.fingerprint}
        chosen = [there.get(target.pk) or self._new(key, target) for target in self.targets]
        wanted = [one for one in chosen if not (one.state == ItemState.DONE and one.outcome in THERE)]
        self._chain(wanted, payload, key.who)
        if not wanted:
            self.complete.append(chosen[-1])
        return ""

    def _new(self, key: Approved, target: Target) -> Delivery:
        return Delivery(
            site=self.site,
            table=key.table,
            item=key.item,
            target=target,
            fingerprint=key.fingerprint,
            stage=FIRST[target.rank],
        )

    def _chain(self, wanted: Sequence[Delivery], payload: dict[str, Any], who: str) -> None:
        """One after the other: files before rows, and what is rendered for the first serves all."""
        following = ""
        for position, delivery in reversed(list(enumerate(wanted))):
            delivery.parent, delivery.open_children = following, int(position > 0)
            if delivery.outcome != UNKNOWN:  # what may be on its way stays what it was
                delivery.payload, delivery.outcome, delivery.receipt = payload, UNTOUCHED, {}
            delivery.who, delivery.ordinal = who, len(self.ids)
            self._ready(delivery)
            following = f"delivery:{delivery.pk}"
        self.ids += [delivery.pk for delivery in wanted]

    def _ready(self, delivery: Delivery) -> None:
        """Back to the start, in nobody's run; counted and told."""
        old = (delivery.stage, delivery.state) if delivery.pk else None
        new = (FIRST[delivery.target.rank], ItemState.READY.value)
        if old is not None:
            self.tally.add(delivery.run, "delivery", old, -1)
        self.tally.add(None, "delivery", new, 1)
        for name, value in FRESH.items():
            setattr(delivery, name, value)
        delivery.stage, delivery.state, delivery.run = *new, None
        delivery.save()
        if old != new:
            self.moves.append(("delivery", delivery.pk, "/".join(old or ()), "/".join(new)))

    def _void(self, stale: Sequence[Delivery]) -> None:
        """What was planned under an earlier approval and never sent is not sent any more."""
        for delivery in stale:
            old, new = (delivery.stage, delivery.state), (delivery.stage, ItemState.FAILED.value)
            self.tally.move(delivery.run, "delivery", old, new)
            self.moves.append(("delivery", delivery.pk, "/".join(old), "/".join(new)))
            delivery.state, delivery.error, delivery.error_code = new[1], "approved anew since it was planned", "void"
            delivery.save(update_fields=["state", "error", "error_code"])
