"""What the deliveries of an item say about the targets: what is ours there, what is complete, what holds the item."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from penstock.publish.models import CONFLICT, LEFT, THERE, UNDOING, UNDONE, UNKNOWN, Delivery, Target


def known(delivery: Delivery) -> list[Any]:
    """Marks of what we may have put on the delivery's target for its item: hashes of files, or whole rows."""
    mine = Delivery.objects.filter(table=delivery.table, item=delivery.item)
    if delivery.target.rank == 0:
        rendered = mine.exclude(files={}).values_list("files", flat=True)
        return sorted({file["sha256"] for files in rendered for file in files.values()})
    left = mine.filter(target=delivery.target_id, outcome__in=LEFT).order_by("id")
    return [one.receipt.get("row") or one.payload["row"] for one in left]


def unfinished_before(delivery: Delivery) -> list[str]:
    """Names of the site's targets that come before the delivery's own and lack this approval of the item."""
    before = Target.objects.filter(site=delivery.site_id, retired=False, rank__lt=delivery.target.rank)
    return _lacking(delivery, before.order_by("rank", "id"))


def number_on_server(delivery: Delivery) -> int:
    """The number that the site's first row target gave the delivery's item; 0 when there is none."""
    first = Target.objects.filter(site=delivery.site_id, retired=False, rank=1).order_by("id").first()
    mine = Delivery.objects.filter(table=delivery.table, item=delivery.item, target=first, outcome__in=THERE)
    latest = mine.order_by("-id").first() if first is not None else None
    return int(latest.receipt.get("id", 0)) if latest is not None else 0


def unfinished(delivery: Delivery) -> list[str]:
    """Names of the site's targets on which this approval of the item does not stand yet."""
    return _lacking(delivery, Target.objects.filter(site=delivery.site_id, retired=False).order_by("id"))


def _lacking(delivery: Delivery, targets: Iterable[Target]) -> list[str]:
    same = Delivery.objects.filter(table=delivery.table, item=delivery.item, fingerprint=delivery.fingerprint)
    there = set(same.filter(state="done", outcome__in=THERE).values_list("target", flat=True))
    return [target.name for target in targets if target.pk not in there]


def holding(table: str, item: int) -> str:
    """Why a row cannot be edited, rejected or sent back now; "" when it can."""
    mine = Delivery.objects.filter(table=table, item=item)
    if mine.filter(state="leased").exists():
        return "it is being published; wait until that is over"
    if mine.filter(outcome=UNDOING).exists():
        return "it is being unpublished; run unpublish again to finish"
    if mine.filter(outcome=UNKNOWN).exists():
        return "nobody knows yet whether its last publishing arrived; publish again, or unpublish it"
    if mine.filter(outcome__in=THERE).exists():
        return "parts of it are published; publish again to finish, or unpublish it first"
    return ""


def kept(table: str, ids: list[int]) -> set[int]:
    """Which rows a rollback leaves alone: deliveries, items that are published, and items on their way."""
    if table == "delivery":
        return set(ids)
    mine = Delivery.objects.filter(table=table, item__in=ids).exclude(outcome=UNDONE)
    return set(mine.values_list("item", flat=True))


def may_stand(table: str, item: int) -> Any:
    """Deliveries of which something stands on a target or may, rows before files, in the order of taking back."""
    left = Delivery.objects.select_related("target", "site").filter(table=table, item=item)
    return left.filter(outcome__in=[*LEFT, CONFLICT]).order_by("-target__rank", "-id")
