"""I9, I11, I12: a leased row has an open batch, an open batch has a live holder, a worker kills no more than it may."""

from __future__ import annotations

from collections.abc import Iterator

from penstock.engine.clock import boot_id
from penstock.engine.errors import UsageError
from penstock.engine.ids import ProcessIdentity
from penstock.engine.states import RunState
from penstock.ledger import models as m
from penstock.ledger import rows
from penstock.ledger.sweep import MAX_LOSSES
from penstock.oracle import pipelines
from penstock.oracle.violation import Look, Violation, ask, items, name

BATCH, RUN, STAGE = rows.quoted(m.Batch), rows.quoted(m.Run), rows.quoted(m.StageRun)
OPEN = f"b.{name('open')}"
GRACE = 60.0  # seconds past the end of a lease before nobody having freed it is worth a word


def check(look: Look) -> Iterator[Violation]:
    """Leases from both sides, then deaths and losses."""
    for key, table in items():
        yield from _leased(look, key, table)
        yield from _stray(look, key, table)
        yield from _worn(look, key, table)
    yield from _empty(look)
    yield from _idle_runs(look)
    yield from _holders(look)


def _leased(look: Look, key: str, table: str) -> Iterator[Violation]:
    sql = f"SELECT t.id, t.batch, t.run, t.stage FROM {table} t WHERE t.state='leased' AND {look.only('t.site_id')}"
    sql += f" AND NOT EXISTS (SELECT 1 FROM {BATCH} b WHERE b.id=t.batch AND {OPEN} AND b.run_id=t.run"
    for item, batch, run, stage in ask(sql + " AND b.stage=t.stage)"):
        detail = f"it is leased by batch {batch} at stage {stage} of run {run}, but no such batch is open"
        yield Violation("I9", f"{key} {item}", detail, f"penstock cancel {run}")


def _stray(look: Look, key: str, table: str) -> Iterator[Violation]:
    sql = f"SELECT id, batch, state FROM {table} WHERE batch IS NOT NULL AND state<>'leased' AND {look.only()}"
    for item, batch, state in ask(sql):
        detail = f"it is {state} but still names batch {batch} as its holder"
        yield Violation("I9", f"{key} {item}", detail, "penstock recover")


def _worn(look: Look, key: str, table: str) -> Iterator[Violation]:
    sql = f"SELECT id, site_id, stage, state, deaths, losses FROM {table}"
    sql += f" WHERE (deaths>0 OR losses>={MAX_LOSSES}) AND {look.only()}"
    known = pipelines.Known()
    for item, site, stage, state, deaths, losses in ask(sql, most=10**6):
        most = known.deaths(site, key, stage)
        active = state in ("ready", "leased")
        if deaths > most or (deaths == most and active):
            detail = f"it killed {deaths} workers at stage {stage} and is {state}; {most} must set it aside"
            yield Violation("I12", f"{key} {item}", detail, "penstock recover")
        if losses > MAX_LOSSES or (losses == MAX_LOSSES and active):
            detail = f"{losses} of its holders were lost and it is {state}; {MAX_LOSSES} must set it aside"
            yield Violation("I12", f"{key} {item}", detail, "penstock recover")


def _empty(look: Look) -> Iterator[Violation]:
    """An open batch without a row keeps its run from coming to rest."""
    held = " UNION ALL ".join(f"SELECT batch FROM {table} WHERE state='leased'" for _, table in items())
    sql = f"SELECT b.id, b.run_id, b.stage FROM {BATCH} b JOIN {RUN} r ON r.id=b.run_id"
    sql += f" WHERE {OPEN} AND {look.only('r.site_id')} AND NOT EXISTS"
    for batch, run, stage in ask(f"{sql} (SELECT 1 FROM ({held}) h WHERE h.batch=b.id)"):
        detail = f"it is open at stage {stage} of run {run} and holds no row"
        yield Violation("I9", f"batch {batch}", detail, "penstock recover")


def _idle_runs(look: Look) -> Iterator[Violation]:
    sql = f"SELECT b.id, r.id, r.status FROM {BATCH} b JOIN {RUN} r ON r.id=b.run_id"
    sql += f" WHERE {OPEN} AND r.status<>%s AND {look.only('r.site_id')}"
    for batch, run, status in ask(sql, [RunState.RUNNING.value]):
        yield Violation("I11", f"batch {batch}", f"it is open although run {run} is {status}", "penstock recover")


def _holders(look: Look) -> Iterator[Violation]:
    """A lease that ran out and whose holder is gone waits for a start or for `recover`."""
    now = look.clock.monotonic()
    sql = f"SELECT b.id, b.run_id, b.holder, b.boot, b.until FROM {BATCH} b JOIN {RUN} r ON r.id=b.run_id"
    for batch, run, holder, boot, until in ask(f"{sql} WHERE {OPEN} AND {look.only('r.site_id')}", most=10**5):
        late = now - until
        if (boot == boot_id() and late < GRACE) or _alive(holder):
            continue
        past = f"its lease ran out {late:.0f} s ago" if boot == boot_id() else "the machine was restarted since"
        detail = f"its holder ({holder}) is gone and {past}; run {run} does not go on"
        yield Violation("I11", f"batch {batch}", detail, "penstock recover")


def _alive(holder: str) -> bool:
    try:
        return ProcessIdentity.from_text(holder).alive()
    except UsageError:
        return False
