"""Publishing: what would be sent, a run that sends it, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from penstock.accounts.models import Site
from penstock.engine.clock import Clock
from penstock.engine.errors import Refused
from penstock.engine.ids import Ids
from penstock.engine.states import BROKEN, ItemState
from penstock.ledger import control, events, rows
from penstock.ledger.models import BeforeImage, Run
from penstock.ledger.tx import commits, write
from penstock.publish import settling, targets
from penstock.publish.form import Form, form_of
from penstock.publish.models import CONFLICT, LEFT, THERE, Delivery, Target
from penstock.publish.packing import Packer
from penstock.publish.pipeline import goods, rendered
from penstock.review import gate
from penstock.review.gate import Approved

commits("publish.start")

CHANGED = "it changed while the publishing was being prepared; publish again"


@dataclass(frozen=True)
class Planned:
    """One item and one target. `detail` says why when it is blocked or in conflict."""

    item: int
    target: str
    title: str
    detail: str = ""


@dataclass
class Preview:
    """What a publish would do now; nothing is written."""

    new: list[Planned] = field(default_factory=list)
    changed: list[Planned] = field(default_factory=list)
    unchanged: list[Planned] = field(default_factory=list)
    conflicts: list[Planned] = field(default_factory=list)
    blocked: list[Planned] = field(default_factory=list)


def plan(site: Site, target: str | None = None) -> Preview:
    """A real plan over the real rows: reads approvals, originals and targets, and writes nothing.

    Raises Refused when the site has no target, NotFound for an unknown one, Unavailable when one cannot be reached."""
    form, chosen = form_of(site), _chosen(site, target)
    preview = Preview()
    views = {
        "absent": preview.new, "ours": preview.changed, "same": preview.unchanged, "other": preview.conflicts,
    }  # fmt: skip
    for item, key in _keys(site, form, chosen[0] if target else None):
        if isinstance(key, str):
            preview.blocked.append(Planned(item, "", _title(form, item), key))
            continue
        payload = form.parcel(key.row, site.settings, _base(site))
        for one in chosen:
            view, place = _view(key, one, payload)
            detail = f"{place} holds something that we did not put there" if view == "other" else place
            views[view].append(Planned(item, one.name, payload["title"], detail))
    return preview


def start(site: Site, clock: Clock, ids: Ids, who: str, target: str | None = None) -> Run:
    """Pack every approved item and start the run that sends it; items that cannot be are told in its result.

    With `target`, only that one is published to, and items that were published before go there too.
    Raises Refused when the site has no target or a publish run is open, NotFound for an unknown target."""
    form, chosen = form_of(site), _chosen(site, target)
    keys = list(_keys(site, form, chosen[0] if target else None))
    blocked = {item: key for item, key in keys if isinstance(key, str)}
    with write("publish.start") as cursor:
        packer = Packer(site, form, chosen)
        for key in (key for _, key in keys if isinstance(key, Approved)):
            why = _pack(packer, key)
            if why:
                blocked[key.item] = why
        packer.tally.write(cursor, site.pk)
        settings = {**site.settings, "on_blocking": "pause", "blocked": {str(k): v for k, v in blocked.items()}}
        run = control.start(
            site, clock, ids, kind="publish", pipeline="publish", plan=settings, scope={"delivery": packer.ids}, who=who
        )
        lines = [("ERROR", f"[SKIP] id={item} {_title(form, item)}: {why}") for item, why in sorted(blocked.items())]
        events.record(clock.wall(), "packed", site=site.pk, run=run.id, who=who, moves=packer.moves, lines=lines)
        for delivery in packer.complete:
            settling.complete(run, delivery)
    return run


def result(run: Run) -> dict[str, Any]:
    """What became of the items of a publish run: counts and one row per item.

    `unchanged` are items that stood on all targets already; a conflict is counted apart from failures."""
    scope = BeforeImage.objects.filter(run=run.id, table="delivery").values_list("item", flat=True)
    mine = list(Delivery.objects.filter(id__in=list(scope)).order_by("ordinal", "target__rank", "id"))
    by_item: dict[int, list[Delivery]] = {}
    for delivery in mine:
        by_item.setdefault(delivery.item, []).append(delivery)
    found = [{"id": item, **_word(deliveries)} for item, deliveries in by_item.items()]
    found += [{"id": int(item), "status": "failed", "error": why} for item, why in run.plan.get("blocked", {}).items()]
    found += [{"id": item, "status": "unchanged", "error": ""} for item in _settled_before(run, by_item)]
    counts = {word: sum(row["status"] == word for row in found) for word in ("published", "failed", "unchanged")}
    return {**counts, "conflicts": sum(row["status"] == "conflict" for row in found), "rows": found}


def _chosen(site: Site, name: str | None) -> list[Target]:
    found = targets.listed(site) if name is None else [targets.named(site, name)]
    tables = [one.name for one in found if one.rank and not form_of(site).rows]
    if tables:
        raise Refused(
            f"target {tables[0]} is a table, and what site {site.name} publishes goes to files only; "
            f"remove it: penstock target remove {site.name} {tables[0]}"
        )
    if not found:
        raise Refused(
            f"site {site.name} has no target; add one: penstock target add {site.name} NAME --kind folder --url PATH"
        )
    return found


def _keys(site: Site, form: Form, target: Target | None) -> Iterator[tuple[int, Approved | str]]:
    """Every approved item with its key, or why it has none; and published ones that a named target lacks."""
    stage = gate.gate_of(form.table).stage
    there = rows.model_of(form.table).objects.filter(site=site, stage=stage)
    found = there.filter(state=ItemState.APPROVED)
    if target is not None:
        has = target.deliveries.filter(table=form.table, outcome__in=LEFT).values_list("item", flat=True)
        found = found | there.filter(state=ItemState.DONE).exclude(id__in=list(has))
    for item in list(found.order_by("ordinal", "id").values_list("id", flat=True)):
        try:
            yield item, gate.approved(form.table, item)
        except Refused as error:
            yield item, str(error)


def _base(site: Site) -> str:
    """Where the files lie when the site has no public address: in its first folder, if any."""
    folders = [target for target in targets.listed(site) if target.rank == 0 and "://" not in target.url]
    return folders[0].url if folders else ""


def _title(form: Form, item: int) -> str:
    return gate.gate_of(form.table).title(rows.read(form.table, [item])[0])


def _view(key: Approved, target: Target, payload: Mapping[str, Any]) -> tuple[str, str]:
    """What stands on the target at the item's place, and where that is."""
    same = Delivery.objects.select_related("target", "site").filter(
        table=key.table, item=key.item, target=target, fingerprint=key.fingerprint
    )
    fresh = Delivery(
        site=target.site, table=key.table, item=key.item, target=target, fingerprint=key.fingerprint, payload=payload
    )
    delivery = same.first() or fresh
    wanted = goods(delivery, rendered(delivery))
    place = payload["places"]["full"] if target.rank == 0 else payload["title"]
    return targets.opened(target).look(wanted), f"{target.url}: {place}"


def _pack(packer: Packer, key: Approved) -> str:
    """Pack an item unless somebody changed it since its key was made."""
    now = rows.read(key.table, [key.item])
    if not now or (now[0]["revision"], now[0]["state"]) != (key.row["revision"], key.row["state"]):
        return CHANGED
    return packer.pack(key, packer.form.parcel(key.row, packer.site.settings, _base(packer.site)))


def _word(deliveries: Sequence[Delivery]) -> dict[str, str]:
    """One word for what became of an item, and its first error."""
    broken = [one for one in deliveries if one.state in BROKEN]
    error = next((one.error for one in broken), "")
    if any(one.outcome == CONFLICT for one in broken):
        clash = next(one.error for one in broken if one.outcome == CONFLICT)
        return {"status": "conflict", "error": clash}
    if broken:
        return {"status": "failed", "error": error}
    done = all(one.state == ItemState.DONE for one in deliveries)
    return {"status": "published" if done else "pending", "error": ""}


def _settled_before(run: Run, by_item: Mapping[int, Any]) -> list[int]:
    """Items that stood on their targets when this run started, and still do."""
    later = Run.objects.filter(site=run.site_id, kind="publish", started_at__gte=run.started_at).values("id")
    there = Delivery.objects.filter(site=run.site_id, state=ItemState.DONE, outcome__in=THERE).exclude(run__in=later)
    found = there.order_by("item").values_list("item", flat=True).distinct()
    return [item for item in found if item not in by_item and str(item) not in run.plan.get("blocked", {})]
