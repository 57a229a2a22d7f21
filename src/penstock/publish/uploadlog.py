"""`logs/db_uploader.log`: a projection of the events of publish runs, written after the commit, safe to redo."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

from penstock.accounts.models import Site
from penstock.adapters.files import append
from penstock.engine.states import BROKEN, RunState
from penstock.ledger import events
from penstock.ledger.models import Event, Run
from penstock.ledger.runlog import redact, render
from penstock.ledger.tx import commits
from penstock.ledger.tx import write as writing
from penstock.publish.form import form_of
from penstock.publish.models import Delivery
from penstock.publish.outbox import result

commits("publish.tidied")


def write(run: Run) -> None:
    """Hook of the ledger: tidy up after a run without errors, then add the run's lines that the file lacks."""
    if run.kind != "publish":
        return
    _tidy(run)
    file = path(run.site)
    there = set(file.read_text(encoding="utf-8").splitlines()) if file.exists() else set()
    lines = [line for line in _lines(run) if line not in there]
    if lines:
        append(file, "".join(f"{line}\n" for line in lines))


def path(site: Site) -> Path:
    """Where the log lies."""
    return site.root / "logs" / "db_uploader.log"


def _tidy(run: Run) -> None:
    """Temporary files of the model go when everything was published."""
    if run.status != RunState.COMPLETED or not _all_well(run):
        return
    text = form_of(run.site).tidy(run)
    if text and run.completed_at:
        with writing("publish.tidied"):
            events.record(run.completed_at, "tidied", site=run.site_id, run=run.id, lines=[("INFO", text)])
        render(run, durable=True)


def _all_well(run: Run) -> bool:
    counts = result(run)
    return not (counts["failed"] or counts["conflicts"])


def _lines(run: Run) -> Iterator[str]:
    """One line per delivery sent or failed, per item left out, and the closing lines; each names its run."""
    zone = ZoneInfo(run.site.timezone)
    for event in Event.objects.filter(run=run.id).order_by("id"):
        stamp = f"{event.at.astimezone(zone):%Y-%m-%d %H:%M:%S}"
        for level, text in _told(event):
            yield f"{stamp} {level} db_uploader {redact(text)} run={run.id}"


def _told(event: Event) -> Iterator[tuple[str, str]]:
    """What an event says to somebody who reads about uploads."""
    for level, text in event.lines:
        if text.startswith(("[SENT]", "[SKIP]", "[OK]")):
            yield level, text
    if event.kind in ("completed", "cancelled", "failed"):
        yield from ((level, text) for level, text in event.lines)
    moves = events.unpacked(event.moves)
    ids = [move[1] for move in moves if move[0] == "delivery" and move[3].split("/")[-1] in BROKEN]
    for delivery in Delivery.objects.select_related("target").filter(id__in=ids).order_by("ordinal", "id"):
        yield "ERROR", events.clean(_failure(delivery))


def _failure(delivery: Delivery) -> str:
    title, reason = delivery.payload.get("title", ""), delivery.error or "tried again since"
    return f"[UPLOAD ERROR] id={delivery.item} {title} -> {delivery.target.name}: {reason} ({delivery.error_code})"
