"""Retention: whole runs that ended long ago go, with their journal and their files; the rows that they left stay.

A run goes when it ended more than `keep_days` ago, is not among the newest `keep_runs` of its site, and nobody needs it
any more (`needed`). It goes in short transactions, oldest run first; killed anywhere, the next look goes on. From its
first step on it can be neither rolled back nor retried: an event says so, and stays when everything else has gone.

What still speaks of rows that stay is handed to them: the last word of the events on each row (so that what is, follows
from the events), and the newest entry on each of their files and originals (so that `doctor` can compare the bytes).
"""

from __future__ import annotations

import logging
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db.models import F

from penstock.engine.errors import IllegalMove, Refused
from penstock.engine.failpoint import declare, failpoint
from penstock.engine.states import BROKEN, TERMINAL_RUN, ItemState, RunState
from penstock.ledger import TABLES, events, rows, runlog
from penstock.ledger import models as m
from penstock.ledger.counters import Tally
from penstock.ledger.tx import commits, write

commits("retention.resolve", "retention.begin", "retention.rows", "retention.events", "retention.forget")
commits("retention.hand_over", "retention.end")
declare("retention.before_files", "retention.after_files")

CHUNK = 100  # rows of the ledger per transaction: a driver waits for a few milliseconds
PAGE = 20  # events per transaction: each may hold a hundred moves
RETIRED, RESOLVED, KEPT = "retired", "resolved", "kept"
LAST = (RETIRED, RESOLVED, "rolled_back")  # what must be known of a run until its last step
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Rule:
    """What a home keeps."""

    days: int
    runs: int


def old(rule: Rule, at: datetime) -> list[m.Run]:
    """Runs that are past the rule, oldest first; those that are half gone before all others."""
    begun = set(m.Event.objects.filter(kind=RETIRED, run__in=m.Run.objects.values("id")).values_list("run", flat=True))
    ended = m.Run.objects.select_related("site").filter(status__in=list(TERMINAL_RUN), completed_at__isnull=False)
    found = []
    for site in ended.order_by().values_list("site", flat=True).distinct():
        newest = m.Run.objects.filter(site=site).order_by("-started_at", "-id").values_list("id", flat=True)
        past = ended.filter(site=site, completed_at__lt=at - timedelta(days=rule.days))
        found += list(past.exclude(id__in=[*newest[: rule.runs], *begun]))
    found += list(ended.filter(id__in=begun))
    return sorted(found, key=lambda run: (run.id not in begun, run.started_at, run.id))


def needed(run: m.Run) -> str:
    """Why a run that is old enough must stay yet; "" when nothing speaks for it."""
    if retired(run.id):
        return ""
    if run.undoing or run.active_key or not run.recorded:
        return "it is not at rest"
    if m.Batch.objects.filter(run=run, open=True).exists():
        return "a batch of it is open"
    if m.Effect.objects.filter(run=run.id, state="undoing").exists():
        return "side effects of it are still to be undone"
    if _has(run, (ItemState.WAITING, ItemState.APPROVED)):
        return "rows of it wait for a person or for publishing"
    if (run.status == RunState.FAILED or _has(run, tuple(BROKEN))) and not _said(run.id, RESOLVED):
        return f"something in it failed; penstock history {run.site.name} --resolve {run.id}"
    return ""


def _has(run: m.Run, states: Sequence[ItemState]) -> bool:
    words = [state.value for state in states]
    return any(TABLES[table].objects.filter(run=run.id, state__in=words).exists() for table in _tables())


def _tables() -> list[str]:
    return [table for table in TABLES if rows.is_item(table)]


def _said(run: str, kind: str) -> bool:
    return m.Event.objects.filter(run=run, kind=kind).exists()


def retired(run: str) -> bool:
    """Whether retention has begun to remove the run, or has done so."""
    return _said(run, RETIRED)


def refuse_retired(run: str) -> None:
    """Raise Refused when the run's journal is no longer kept: nothing can be undone or repeated by it."""
    event = m.Event.objects.filter(run=run, kind=RETIRED).first()
    if event is not None:
        what = f"run {run} ended on {event.data['ended']} and is past what is kept (keep_days, keep_runs)"
        raise Refused(f"{what}: its journal is removed, its rows and files stay as they are", code=RETIRED)


def resolve(run: m.Run, at: datetime, who: str = "") -> None:
    """A person says that nothing is left to do about what failed in the run. Repeating it changes nothing.

    Raises IllegalMove while the run is open."""
    if run.open:
        raise IllegalMove(f"run {run.id} is {run.status}; only a run that has ended can be resolved")
    with write("retention.resolve"):
        if not _said(run.id, RESOLVED):
            lines = [("INFO", f"marked as resolved by {who or 'the system'}")]
            events.record(at, RESOLVED, site=run.site_id, run=run.id, who=who, lines=lines)


def prune(rule: Rule, at: datetime) -> Iterator[str]:
    """Remove what is past the rule; yields the run after each transaction, so that others may work in between."""
    for run in old(rule, at):
        try:
            if _begin(run, at):
                yield from _remove(run)
        except OSError as error:
            log.warning("retention: files of run %s cannot be removed yet: %s", run.id, error)


def _begin(run: m.Run, at: datetime) -> bool:
    """The mark by which everybody knows; False when the run is needed after all."""
    with write("retention.begin", driver=True):
        fresh = m.Run.objects.select_related("site").filter(id=run.id).first()
        if fresh is None or needed(fresh):
            return False
        if not retired(run.id):
            data = {"ended": f"{fresh.completed_at:%Y-%m-%d}", "status": fresh.status}
            events.record(at, RETIRED, site=run.site_id, run=run.id, data=data)
    return True


def _remove(run: m.Run) -> Iterator[str]:
    steps: list[Callable[[], int]] = [partial(_let_go, run, table) for table in _tables()]
    steps += [_Words(run).step, partial(_forget, m.BeforeImage, run), partial(_forget, m.Batch, run)]
    steps += [partial(_hand_over, m.Effect, run, "target"), partial(_hand_over, m.Artefact, run, "path")]
    steps += [partial(_forget_files, run), partial(_end, run)]
    for step in steps:
        while step():
            yield run.id


def _let_go(run: m.Run, table: str) -> int:
    """Rows belong to no run any more: the run's counters fall, the site's stay."""
    model, tally = TABLES[table], Tally()
    with write("retention.rows", driver=True) as cursor:
        found = list(model.objects.filter(run=run.id).values_list("id", "stage", "state")[:CHUNK])
        for (stage, state), n in Counter((stage, state) for _, stage, state in found).items():
            tally.add(run.id, table, (stage, state), -n)
            tally.add(None, table, (stage, state), n)
        tally.write(cursor, run.site_id)
        model.objects.filter(id__in=[one for one, _, _ in found]).update(run=None)
    return len(found)


class _Words:
    """Events go, newest first; of each that holds the run's last word on a row, those words stay in their place."""

    def __init__(self, run: m.Run) -> None:
        self.run, self.before = run, 2**62
        self.seen: dict[str, set[int]] = {}

    def step(self) -> int:
        """A page of events; answers how many were looked at."""
        mine = m.Event.objects.filter(run=self.run.id, id__lt=self.before).exclude(kind__in=LAST)
        page = list(mine.order_by("-id")[:PAGE])
        words = {event.pk: self.last(event.moves) for event in page}
        self.before = min(words, default=0)
        with write("retention.events", driver=True):
            there = set(m.Event.objects.filter(id__in=list(words)).values_list("id", "kind"))
            same = [event for event in page if (event.pk, event.kind) in there]  # another process may prune too
            m.Event.objects.filter(id__in=[event.pk for event in same if not words[event.pk]]).delete()
            for event in same:
                if words[event.pk] and (event.kind != KEPT or words[event.pk] != event.moves):
                    m.Event.objects.filter(pk=event.pk).update(kind=KEPT, moves=words[event.pk], lines=[], data={})
            _count_down(self.run, same)
        return len(page)

    def last(self, moves: Sequence[Any]) -> list[Any]:
        """Of stored moves those after which the run says nothing more of a row."""
        found = []
        for table, old, new, items in reversed(moves):
            known = self.seen.setdefault(table, set())
            fresh = [item for item in items if item not in known]
            known.update(fresh)
            if fresh:
                found.append([table, old, new, fresh])
        return found[::-1]


def _count_down(run: m.Run, gone: Sequence[m.Event]) -> None:
    """What a stage has passed equals the sum over its events, at every moment."""
    passed = Counter[str]()
    for event in gone:
        passed[event.stage] += int(event.data.get("passed", 0)) if event.kind == "settled" else 0
    for stage, n in passed.items():
        if n:
            m.StageRun.objects.filter(run=run, name=stage).update(passed=F("passed") - n)


def _forget(model: Any, run: m.Run) -> int:
    with write("retention.forget", driver=True):
        ids = list(model.objects.filter(run=run.pk).values_list("id", flat=True)[:CHUNK])
        model.objects.filter(id__in=ids).delete()
    return len(ids)


def _hand_over(model: Any, run: m.Run, place: str) -> int:
    """Entries on rows that stay lose their run and replace older such entries on the same place; the others go."""
    with write("retention.hand_over", driver=True):
        found = list(model.objects.filter(run=run.id)[:CHUNK])
        gone = set[int]()
        for table in {entry.table for entry in found}:
            gone |= _superseded(model, table, [entry for entry in found if entry.table == table], place)
        model.objects.filter(id__in=gone).delete()
        model.objects.filter(id__in={entry.pk for entry in found} - gone).update(run="")
    return len(found)


def _superseded(model: Any, table: str, entries: Sequence[Any], place: str) -> set[int]:
    """Of these entries and of those without a run: which nothing needs, for their row is gone, they were undone, or
    a newer one without a run is on the same place."""
    items = [entry.item for entry in entries]
    there = set(TABLES[table].objects.filter(id__in=items).values_list("id", flat=True))
    gone = {e.pk for e in entries if e.item not in there or getattr(e, "state", "") == "undone"}
    free = model.objects.filter(run="", table=table, item__in=items)
    newest: dict[tuple[int, str], int] = {}
    pairs = [*free.values_list("item", place, "id"), *((e.item, getattr(e, place), e.pk) for e in entries)]
    for item, at, entry in sorted(pairs, key=lambda pair: pair[2]):
        if entry not in gone:
            gone |= {newest[item, at]} if (item, at) in newest else set()
            newest[item, at] = entry
    return gone


def _forget_files(run: m.Run) -> int:
    """The run's own copies and its log. Repeatable, so no step of its own is counted."""
    failpoint("retention.before_files")
    folder = run.site.root / "runs" / run.id
    if folder.exists():
        shutil.rmtree(folder)
    runlog.run_file(run).unlink(missing_ok=True)
    failpoint("retention.after_files")
    return 0


def _end(run: m.Run) -> int:
    """The run itself, and what had to be known until now. Answers 0: there is nothing after it."""
    with write("retention.end", driver=True):
        for table in _tables():  # a rollback of a later run may have given it some back
            while _let_go(run, table):
                pass
        m.Event.objects.filter(run=run.id, kind="rolled_back").update(kind=KEPT, lines=[], data={})
        m.Event.objects.filter(run=run.id, kind=RESOLVED).delete()
        m.StageRun.objects.filter(run=run).delete()
        m.Run.objects.filter(id=run.id).delete()
    return 0
