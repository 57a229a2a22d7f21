"""Recovery: frees what dead holders held, finishes renames, undos and records. It re-queues, it never executes."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from penstock.accounts.models import Site
from penstock.engine import PIPELINES
from penstock.engine.errors import PenstockError
from penstock.engine.ids import ProcessIdentity
from penstock.engine.outcome import File
from penstock.engine.settle import Change
from penstock.engine.states import TERMINAL_RUN, RunState
from penstock.ledger import AFTER_RECOVERY, EFFECTS, TABLES, adoption, apply, effects, events, restoring, rows, runlog
from penstock.ledger import models as m
from penstock.ledger.counters import Tally
from penstock.ledger.rollback import undo_run
from penstock.ledger.store import DjangoLedger, record
from penstock.ledger.tx import commits, write

commits("recover.free", "recover.boot", "recover.effect")
BOUND = 100  # batches freed in one go
MAX_LOSSES = 10
log = logging.getLogger(__name__)


@dataclass
class Recovered:
    """What recovery did, or would do."""

    batches: int = 0
    items: int = 0
    interrupted: int = 0
    starts: int = 0
    files: int = 0
    rollbacks: int = 0
    effects: int = 0
    records: int = 0
    stuck: int = 0  # what could not be finished now; the next recovery tries again

    @property
    def nothing(self) -> bool:
        """Whether there was nothing to recover."""
        return not any(asdict(self).values())


def recover(ledger: DjangoLedger, *, dry_run: bool = False) -> Recovered:
    """Bring everything that a crash left half done to rest. Idempotent; it may itself be killed."""
    if not dry_run:
        _note_boot(ledger)
    dead = [batch for batch in m.Batch.objects.filter(open=True).order_by("id") if _is_dead(ledger, batch)]
    undoing = list(m.Run.objects.select_related("site").exclude(undoing=""))
    adopting = list(m.Run.objects.filter(adopting=True))
    unrecorded = list(m.Run.objects.select_related("site").filter(recorded=False, status__in=list(TERMINAL_RUN)))
    done = Recovered(
        batches=len(dead),
        items=sum(_held(batch) for batch in dead),
        interrupted=len({batch.run_id for batch in dead}),
        starts=len(adopting),
        rollbacks=len(undoing),
        effects=m.Effect.objects.filter(state="undoing").count(),
        records=len(unrecorded),
    )
    if dry_run:
        return done
    for batch in dead:
        done.files += free(ledger, batch)
    for run in adopting:
        _attempt(done, adoption.go_on, run, ledger.clock)
    for run in undoing:
        _attempt(done, undo_run, run, ledger.clock.wall(), "recovery")
    _attempt(done, effects.undo_pending)
    restoring.drop_ownerless()
    _look_at_effects()
    for run in unrecorded:
        _attempt(done, record, run)
    for mend in AFTER_RECOVERY:
        _attempt(done, mend)
    _sweep_work()
    return done


def _attempt(done: Recovered, step: Callable[..., Any], *args: Any) -> None:
    """One thing that cannot be finished now (a folder that may not be written, say) does not stop the rest."""
    try:
        step(*args)
    except (OSError, PenstockError) as error:
        done.stuck += 1
        log.warning("recovery: %s", error)


def free_expired(ledger: DjangoLedger) -> int:
    """A bounded look for dead holders while others work. Answers how many batches were freed."""
    found = m.Batch.objects.filter(open=True).exclude(holder=ledger.me.to_text()).order_by("until")[:BOUND]
    dead = [batch for batch in found if _is_dead(ledger, batch)]
    for batch in dead:
        free(ledger, batch)
    for run in m.Run.objects.filter(adopting=True):
        adoption.go_on(run, ledger.clock)
    return len(dead)


def _is_dead(ledger: DjangoLedger, batch: m.Batch) -> bool:
    """Another boot, a lease run out, or a holder that is of this host and gone. In doubt the lease decides."""
    holder = ProcessIdentity.from_text(batch.holder)
    here = holder.host == ledger.me.host
    if here and (batch.boot != ledger.boot or not holder.alive()):
        return True
    return batch.until < ledger.clock.monotonic()


def free(ledger: DjangoLedger, batch: m.Batch) -> int:
    """Give the items of a dead holder back; finish the renames of what it had committed. Answers the files placed."""
    stage = ledger.pipeline(batch.run_id).stage(batch.stage)
    with write("recover.free") as cursor:
        if m.Batch.objects.filter(id=batch.id, open=True).update(open=False) != 1:
            return 0
        run = m.Run.objects.select_related("site").get(id=batch.run_id)
        _give_back(cursor, ledger, run, stage, batch)
        m.Run.objects.filter(id=run.id, status=RunState.RUNNING).update(interrupted=True)
    waiting = [File(a.work, a.path, a.sha256, a.size) for a in m.Artefact.objects.filter(batch=batch.id)]
    waiting = [file for file in waiting if Path(file.work).exists()]
    apply.place(waiting)
    return len(waiting)


def _give_back(cursor: Any, ledger: DjangoLedger, run: m.Run, stage: Any, batch: m.Batch) -> None:
    model = rows.model_of(stage.takes)
    columns = ("id", "losses", "attempts", "parent")
    held = list(_held_by(model, batch).values_list(*columns))
    tally, moves = Tally(), []
    status = ledger.pipeline(run.id).status
    charge = 1 if stage.per == "item" else 0  # a whole set cannot be told apart, nor be claimed singly
    for item, losses, attempts, parent in held:
        lost = losses + charge >= MAX_LOSSES
        state = "quarantined" if lost else "ready"
        words = status(stage.takes, stage.name, state) if status else {}
        fields = {
            **words,
            "state": state,
            "batch": None,
            "losses": losses + charge,
            "attempts": max(0, attempts - 1),
        }
        if lost:
            fields |= {"error": f"{MAX_LOSSES} of its holders were lost", "error_code": "lost"}
        rows.update_leased(cursor, stage.takes, {item: batch.id}, [Change(item, fields, {})])
        if lost and parent:
            rows.lower_children(cursor, parent, 1)
        tally.move(run.id, stage.takes, (stage.name, "leased"), (stage.name, state))
        moves.append((stage.takes, item, f"{stage.name}/leased", f"{stage.name}/{state}"))
    tally.write(cursor, run.site_id)
    line = f"Batch {batch.id} of a lost holder freed: {len(held)} items are ready again"
    lines = [("WARN", line)]
    events.record(
        ledger.clock.wall(), "freed", site=run.site_id, run=run.id, stage=stage.name, moves=moves, lines=lines
    )


def _held(batch: m.Batch) -> int:
    run = m.Run.objects.select_related("site").get(id=batch.run_id)
    table = PIPELINES[run.pipeline](run).stage(batch.stage).takes
    n: int = _held_by(rows.model_of(table), batch).count()
    return n


def _held_by(model: Any, batch: m.Batch) -> Any:
    """Found by its place, for which there is an index: few rows of a run are leased at once."""
    return model.objects.filter(run=batch.run_id, stage=batch.stage, state="leased", batch=batch.id)


def _note_boot(ledger: DjangoLedger) -> None:
    """Ledger seconds of another boot mean nothing: whatever waited for them is due."""
    home, _ = m.Home.objects.get_or_create(id=1, defaults={"boot": ledger.boot})
    if home.boot == ledger.boot:
        return
    with write("recover.boot"):
        for table, model in TABLES.items():
            if rows.is_item(table):
                model.objects.filter(state="ready", available_at__gt=0).update(available_at=0.0)
        m.StageRun.objects.filter(not_before__gt=0).update(not_before=0.0)
        m.Home.objects.filter(id=1).update(boot=ledger.boot)


def _look_at_effects() -> None:
    """Mark planned effects that are visible in the world; work redoes the others."""
    for effect in m.Effect.objects.filter(state="planned"):
        if EFFECTS[effect.kind].happened(effect.source, effect.target, effect.mark):
            with write("recover.effect"):
                m.Effect.objects.filter(id=effect.id, state="planned").update(state="done")


def _sweep_work() -> None:
    """Half logs are nobody's, and so are work files of batches that are over, except what was committed and not yet
    renamed."""
    held = {str(one) for one in m.Batch.objects.filter(open=True).values_list("id", flat=True)}
    for site in Site.objects.all():
        runlog.tidy(site.root)
        folder = site.root / ".work"
        for place in folder.iterdir() if folder.is_dir() else ():
            if place.name.isdigit() and place.name not in held:
                committed = m.Artefact.objects.filter(batch=int(place.name))
                apply.place([File(a.work, a.path, a.sha256, a.size) for a in committed])
                shutil.rmtree(place, ignore_errors=True)
