"""The lock of a site, as people see it: the run that holds the site, and its newest live driver."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from filelock import FileLock, Timeout

from penstock.accounts.models import Site
from penstock.engine.clock import Clock, boot_id
from penstock.engine.errors import Refused, UsageError
from penstock.engine.ids import ProcessIdentity
from penstock.engine.states import RunState
from penstock.ledger import adoption, control, sweep
from penstock.ledger.models import Batch, Run
from penstock.ledger.store import DjangoLedger


@dataclass(frozen=True)
class Lock:
    """Who holds a site. `epoch` is the newest open batch; `alive`: somebody works on the run, or it is paused."""

    key: str
    held: bool = False
    run_id: str | None = None
    owner: str | None = None
    host: str | None = None
    epoch: int | None = None
    since: datetime | None = None
    heartbeat_at: datetime | None = None
    expires_at: datetime | None = None
    alive: bool = False


def view(site: Site, clock: Clock) -> Lock:
    """The lock now."""
    key = f"automation_lock_{site.pk}"
    run = holding(site)
    if run is None:
        return Lock(key)
    batch = Batch.objects.filter(run=run, open=True).order_by("-id").first()
    holder = _identity(batch.holder if batch else run.driver)
    return Lock(
        key, True, run.id, f"process {holder.pid}" if holder else None, holder.host if holder else None,
        batch.id if batch else None, run.started_at, run.heartbeat_at, _wall(batch, clock), alive(run, clock),
    )  # fmt: skip


def holding(site: Site) -> Run | None:
    """The running or paused run of a site."""
    return Run.objects.filter(active_key=f"{site.pk}:run").defer("plan").first()


def alive(run: Run, clock: Clock) -> bool:
    """Whether the run is held by anybody: a person who paused it, a program that serves the home, or a batch whose
    holder lives (of another host: whose lease has not run out)."""
    if run.status == RunState.PAUSED or served():
        return True
    return any(_lives(batch, clock) for batch in Batch.objects.filter(run=run, open=True))


def _lives(batch: Batch, clock: Clock) -> bool:
    holder = _identity(batch.holder)
    if holder is not None and (holder.gone() or batch.boot != boot_id()):
        return False
    return batch.until >= clock.monotonic()


def served() -> bool:
    """Whether a live program drives the runs of this home."""
    lock = FileLock(str(Path(settings.PENSTOCK.home) / "driver.lock"), timeout=0)
    try:
        with lock:
            return False
    except Timeout:
        return True


def interrupted(run: Run, clock: Clock) -> bool:
    """Whether the holder of an open run died and nobody has taken the run up since. One that nobody has begun waits."""
    if not run.open or run.interrupted:
        return run.open
    begun = bool(run.driver) or Batch.objects.filter(run=run, open=True).exists()
    return run.status == RunState.RUNNING and begun and not alive(run, clock)


def release(site: Site, ledger: DjangoLedger, who: str = "") -> Lock:
    """Let go of a site whose holder is dead: its run ends as cancelled, and what is unfinished returns to the backlog.

    Raises Refused: `lock_alive` while somebody holds it, `not_locked` when nobody does."""
    run = holding(site)
    if run is None:
        raise Refused(f"site {site.name} is not locked", code="not_locked")
    if alive(run, ledger.clock):
        raise Refused(_alive_sentence(run), code="lock_alive", facts={"lock": view(site, ledger.clock)})
    for batch in Batch.objects.filter(run=run, open=True):
        sweep.free(ledger, batch)
    if run.adopting:
        adoption.go_on(run, ledger.clock)
    control.cancel(control.find(run.id), ledger.clock, who=who)
    ledger.rest(run.id)
    return view(site, ledger.clock)


def _alive_sentence(run: Run) -> str:
    if run.status == RunState.PAUSED:
        return f"run {run.id} is paused, not dead; resume or cancel it"
    return f"run {run.id} is being worked on; pause or cancel it"


def _identity(text: str) -> ProcessIdentity | None:
    try:
        return ProcessIdentity.from_text(text)
    except UsageError:
        return None


def _wall(batch: Batch | None, clock: Clock) -> datetime | None:
    """When the lease ends, on people's clock."""
    if batch is None or batch.boot != boot_id():
        return None
    return clock.wall() + timedelta(seconds=batch.until - clock.monotonic())


def facts(lock: Lock) -> dict[str, Any]:
    """As JSON takes it."""
    times = {name: getattr(lock, name) for name in ("since", "heartbeat_at", "expires_at")}
    return {**vars(lock), **{name: at.isoformat(timespec="seconds") if at else None for name, at in times.items()}}
