"""The two stages of a publish run, and what each is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from penstock.accounts.models import Site
from penstock.engine.errors import Refused
from penstock.engine.pipeline import Item, Limits, Pipeline, Stage
from penstock.publish import TARGETS, credentials
from penstock.publish.form import form_of
from penstock.publish.history import known, number_on_server, unfinished_before
from penstock.publish.models import MIRROR, UNKNOWN, Delivery
from penstock.publish.outlets import Goods, Picture
from penstock.review import gate

CHILD = "penstock.publish.sending:run"


def build(run: Any) -> Pipeline:
    """Render, then send: thumbnail, picture, row."""
    memory = int(run.plan.get("child_memory_mb", 3072))
    render = Stage(
        1, "render", "Render pictures", "delivery", "child",
        work=CHILD, load=to_render, lane="cpu", limits=Limits(idle=120, hard=600, memory_mb=memory),
    )  # fmt: skip
    send = Stage(
        2, "send", "Send to targets", "delivery", "child",
        work=CHILD, load=to_send, lane="io", limits=Limits(idle=120, hard=1800),
    )  # fmt: skip
    return Pipeline("publish", (render, send))


def to_render(context: Any, ids: Sequence[int]) -> list[Item]:
    """What to render from and where to; or what is rendered already."""
    items = []
    for delivery in _deliveries(ids):
        folder = rendered_in(delivery.site, delivery.fingerprint)
        item = {"id": delivery.id, "rendered": rendered(delivery), "recipe": delivery.payload["render"]}
        places = delivery.payload["places"].items()
        paths = {f"{part}_path": str(folder / f"{part}{Path(place).suffix.lower()}") for part, place in places}
        items.append({**item, **paths, "work_dir": str(context.work_dir)})
    return items


def to_send(_context: Any, ids: Sequence[int]) -> list[Item]:
    """The goods, after a last look at the approval. From here on the outcome is unknown until it is settled."""
    return [_to_send(delivery) for delivery in _deliveries(ids)]


def rendered_in(site: Site, fingerprint: str) -> Path:
    """Where the pictures of one approval lie, for every target and every retry."""
    return site.root / ".publish" / fingerprint


def rendered(delivery: Delivery) -> dict[str, Any]:
    """What was rendered for this approval, by this delivery or another one, when it is all still there."""
    same = Delivery.objects.filter(table=delivery.table, item=delivery.item, fingerprint=delivery.fingerprint).exclude(
        files={}
    )
    for files in [delivery.files, *same.order_by("id").values_list("files", flat=True)]:
        if files and all(_there(file) for file in files.values()):
            return dict(files)
    return {}


def goods(delivery: Delivery, files: Mapping[str, Any]) -> Goods:
    """What goes to the delivery's target, given what is rendered (perhaps nothing yet)."""
    payload = delivery.payload
    if delivery.target.rank == 0:
        empty = {"source": "", "sha256": "", "size": 0}
        places = payload["places"]
        chosen = {part: {name: files.get(part, empty)[name] for name in empty} for part in places}
        pictures = {part: cast(Picture, {"path": place, **chosen[part]}) for part, place in places.items()}
        return Goods(files=pictures, row={}, known=known(delivery))
    sized = form_of(delivery.site).sized
    row = sized(payload["row"], files["full"]) if files else payload["row"]
    number = number_on_server(delivery) if delivery.target.rank == MIRROR else 0
    return Goods(files={}, row=row, known=known(delivery), id=number)


def _deliveries(ids: Sequence[int]) -> Any:
    return Delivery.objects.select_related("target", "site").filter(id__in=ids).order_by("ordinal", "id")


def _there(file: Mapping[str, Any]) -> bool:
    place = Path(file["source"])
    return place.is_file() and place.stat().st_size == file["size"]


def _to_send(delivery: Delivery) -> Item:
    target = delivery.target
    item: Item = {
        "id": delivery.id, "item": delivery.item, "title": delivery.payload["title"], "target": target.name,
        "maker": TARGETS[target.kind], "url": target.url, "options": target.options,
        "secret": credentials.of(target),
        "again": delivery.outcome == UNKNOWN, "refused": "", "code": "",
    }  # fmt: skip
    files = rendered(delivery)
    item["refused"], item["code"] = _refusal(delivery, files)
    if not item["refused"]:
        item["goods"] = goods(delivery, files)
        payload = {**delivery.payload, "row": item["goods"]["row"] or delivery.payload["row"]}
        Delivery.objects.filter(id=delivery.id).update(outcome=UNKNOWN, payload=payload)
    return item


def _refusal(delivery: Delivery, files: Mapping[str, Any]) -> tuple[str, str]:
    """Why nothing may be sent now: the approval is void, there are no pictures, or a row's files are not there yet."""
    try:
        key = gate.approved(delivery.table, delivery.item)
    except Refused as error:
        return str(error), "void"
    if key.fingerprint != delivery.fingerprint:
        return f"item {delivery.item} was approved anew after this was planned; publish again", "void"
    if not files and not delivery.target.rank:
        return "its rendered pictures are gone; publish again to make them anew", "unrendered"
    lacking = unfinished_before(delivery)
    if lacking:
        what = "row is" if delivery.target.rank == MIRROR else "files are"
        return f"its {what} not on {', '.join(lacking)} yet; publish again once it can be sent", "files"
    return "", ""
