"""Decisions as the editor's queue sends them: in order, each once, each refused alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.db import OperationalError
from django.http import HttpRequest

from penstock.accounts.models import Site
from penstock.console.cards import LABELS, shown
from penstock.console.editor.shapes import Decisions, Wanted
from penstock.console.editor.sheet import Sheets
from penstock.console.editor.wire import BUSY, log, takes, told
from penstock.console.signin import who_is
from penstock.engine.clock import SystemClock
from penstock.engine.errors import PenstockError, Refused, UsageError
from penstock.ledger.tx import commits, write
from penstock.pipelines.photos import regenerate
from penstock.review import gate as verbs
from penstock.review.models import Decision

commits("editor.save_and_approve")

CLOCK = SystemClock()
Row = Mapping[str, Any]


@takes(Decisions)
def decide(request: HttpRequest, site: Site, body: Decisions) -> Mapping[str, Any]:
    """Carry them out one by one. When the database is busy the rest is left: the sender repeats it."""
    sheets, who = Sheets(site), who_is(request)
    results: list[dict[str, Any]] = []
    for wanted in body.decisions:
        try:
            results.append(_one(sheets, wanted, who))
        except OperationalError as error:
            log.warning("decision on item %s: %s", wanted.item, error)
            return {"results": results, "busy": BUSY}
    return {"results": results, "busy": ""}


def _one(sheets: Sheets, wanted: Wanted, who: str) -> dict[str, Any]:
    """What became of one; refused ones bring the row as it is now."""
    answer = {"decision_id": wanted.decision_id, "item": wanted.item}
    try:
        row = sheets.row(wanted.item)
        by = {"who": who, "at": CLOCK.wall(), "revision": wanted.revision}
        _VERBS[wanted.verb](sheets, row, wanted, by)
    except PenstockError as error:
        now = sheets.whole([wanted.item])
        return {**answer, "ok": False, **told(error), "field": _field(error), "row": now[0] if now else None}
    overtaken = _overtaken(sheets, wanted)
    return {**answer, "ok": True, "overtaken": overtaken, "row": sheets.whole([wanted.item])[0]}


def _overtaken(sheets: Sheets, wanted: Wanted) -> bool:
    """Whether this decision was taken before, and another came after it: what builds on it must be looked at."""
    newest = Decision.objects.filter(table=sheets.gate.table, item=wanted.item).order_by("-id").first()
    mine = (wanted.decision_id, f"{wanted.decision_id}-edit")
    if newest is None or newest.decision_id in mine:
        return False
    return Decision.objects.filter(decision_id__in=mine).exists()


def _field(error: PenstockError) -> str:
    """The field that an error is about, when it names one."""
    named = str(error).partition(":")[0]
    named = {"filename": "File_Name", "folder": "Folder", "location": "Location"}.get(named, named)
    return "File_Name" if str(error).startswith("file name ") else named if named in LABELS else ""


def _approve(sheets: Sheets, row: Row, wanted: Wanted, by: dict[str, Any]) -> None:
    verbs.approve(sheets.gate.table, row["id"], seen=wanted.seen, decision_id=wanted.decision_id, **by)


def _reject(sheets: Sheets, row: Row, wanted: Wanted, by: dict[str, Any]) -> None:
    if not wanted.reason.strip():
        raise UsageError("a rejection needs a reason: choose one, or write one")
    verbs.reject(sheets.gate.table, row["id"], reason=wanted.reason, decision_id=wanted.decision_id, **by)


def _send_back(sheets: Sheets, row: Row, wanted: Wanted, by: dict[str, Any]) -> None:
    verbs.send_back(sheets.gate.table, row["id"], decision_id=wanted.decision_id, **by)


def _hold(value: bool) -> Callable[..., None]:
    def doing(sheets: Sheets, row: Row, wanted: Wanted, by: dict[str, Any]) -> None:
        verbs.edit(sheets.gate.table, row["id"], {"hold": value}, decision_id=wanted.decision_id, **by)

    return doing


def _edit(sheets: Sheets, row: Row, wanted: Wanted, by: dict[str, Any]) -> None:
    verbs.edit(sheets.gate.table, row["id"], _differing(wanted, row), decision_id=wanted.decision_id, **by)


def _save_and_approve(sheets: Sheets, row: Row, wanted: Wanted, by: dict[str, Any]) -> None:
    """Both or neither. The approval bears the id; the edit is told apart by its ending."""
    table, once = sheets.gate.table, wanted.decision_id
    if Decision.objects.filter(decision_id=once, table=table, item=row["id"]).exists():
        return
    if wanted.seen is not None and wanted.seen != verbs.fingerprint(sheets.gate, row):
        raise Refused(f"item {row['id']} changed since it was shown; look at it again", code="changed")
    with write("editor.save_and_approve"):
        after = verbs.edit(table, row["id"], _differing(wanted, row), decision_id=f"{once}-edit", **by)
        verbs.approve(table, row["id"], decision_id=once, **{**by, "revision": after["revision"]})


def _generated(sheets: Sheets, row: Row, wanted: Wanted, by: dict[str, Any]) -> None:
    if wanted.job is None:
        raise UsageError("this names no generation; load the page again")
    regenerate.take(sheets.site, wanted.job, row, list(wanted.fields), decision_id=wanted.decision_id, **by)


def _differing(wanted: Wanted, row: Row) -> dict[str, str]:
    """The gate sees nothing that the person left as it was."""
    return {name: value for name, value in wanted.fields.items() if value != shown(row[name])}


_VERBS: dict[str, Callable[[Sheets, Row, Wanted, dict[str, Any]], None]] = {
    "approve": _approve,
    "reject": _reject,
    "pending": _send_back,
    "hold": _hold(True),
    "unhold": _hold(False),
    "edit": _edit,
    "save_approve": _save_and_approve,
    "generated": _generated,
}
