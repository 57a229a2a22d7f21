"""What the children of a publish run do: render once, send and look. No Django here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock.adapters.photo import child
from penstock.engine.errors import ItemError
from penstock.engine.failpoint import declare, failpoint
from penstock.engine.outcome import Done, Fail, Note, Outcome
from penstock.engine.pipeline import Item, Progress
from penstock.publish import outlets

declare("publish.before_send", "publish.before_settle")


def run(stage: str, item: Item, progress: Progress) -> Outcome:
    """Do one stage for one delivery. Raises what the renderer and the outlets raise."""
    return STAGES[stage](item, progress)


def render(item: Item, progress: Progress) -> Outcome:
    """All parts of an item, once per approval: what was rendered for another target is taken as it is."""
    if item["rendered"]:
        return Done({"files": item["rendered"]})
    maker = item["recipe"].get("maker")
    make = outlets.found(maker) if maker else child.run
    done: Any = make("render", {**item, **item["recipe"]}, progress)
    pair = done.fields["rendered"]
    files = {part: {"source": item[f"{part}_path"], **pair[part]} for part in pair}
    return Done({"files": files}, files=done.files)


def send(item: Item, progress: Progress) -> Outcome:
    """Bring one item to one target, unless its approval is void or its files are not there yet."""
    if item["refused"]:
        return Fail(item["refused"], item["code"])
    outlet = outlets.opened(item["maker"], item["url"], item["options"], item["secret"])
    failpoint("publish.before_send", item=item["item"], target=item["target"])
    try:
        changed, receipt = outlet.send(item["goods"], progress)
    except ItemError as error:
        if error.code == "conflict":
            return Fail(str(error), error.code, {"outcome": "conflict"})
        if not outlet.rank:
            raise
        return Fail(str(error), error.code, {"outcome": ""})  # a refused row was rolled back: nothing of it is there
    failpoint("publish.before_settle", item=item["item"], target=item["target"])
    outcome = "sent" if changed or item["again"] else "unchanged"  # what is there already, an earlier try may have sent
    return Done({"outcome": outcome, "receipt": receipt}, notes=(_told(item, outcome, receipt),))


def _told(item: Item, outcome: str, receipt: dict[str, Any]) -> Note:
    number = f" as row {receipt['id']}" if "id" in receipt else ""
    return Note(f"[SENT] id={item['item']} {item['title']} -> {item['target']}{number} ({outcome})")


STAGES: dict[str, Callable[[Item, Progress], Outcome]] = {"render": render, "send": send}
