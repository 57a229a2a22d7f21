"""The verbs on runs as pages call them: the command line and the API call the same functions."""

from __future__ import annotations

from collections.abc import Callable

from penstock.accounts.models import Site
from penstock.engine.clock import Clock, SystemClock
from penstock.engine.errors import NotFound, Refused, UsageError
from penstock.engine.ids import Ids, RandomIds
from penstock.ledger import control, lock
from penstock.ledger.models import Run

CLOCK: Clock = SystemClock()
IDS: Ids = RandomIds()
VERBS: dict[str, Callable[[Run, str], Run]] = {
    "pause": lambda run, who: control.pause(run, CLOCK, who),
    "resume": lambda run, who: control.resume(run, CLOCK, who),
    "cancel": lambda run, who: control.cancel(run, CLOCK, who=who),
    "abort": lambda run, who: control.cancel(run, CLOCK, abort=True, who=who),
}


def start(site: Site, who: str) -> Run:
    """A run over everything that waits. Raises Refused."""
    return control.start(site, CLOCK, IDS, who=who)


def ask(run: Run, verb: str, who: str) -> Run:
    """Pause, resume, cancel or abort. Raises UsageError for another verb, IllegalMove when it does not fit."""
    if verb not in VERBS:
        raise UsageError(f"there is no verb {verb[:20]!r}; load the page again")
    return VERBS[verb](run, who)


def on_open_run(site: Site, run: str, verb: str, who: str) -> Run:
    """The verb on the run that the page showed. Raises Refused when another one is open by now, or none."""
    held = lock.holding(site)
    if held is None or held.id != run:
        raise Refused("that run is not open any more; what you see below is how things stand now")
    return ask(held, verb, who)


def retry(run: Run, stage: str, who: str) -> Run:
    """What failed in a run goes back to the backlog, to its own stage or to that number, and a run starts with it."""
    if stage and not stage.isdecimal():
        raise NotFound(f"there is no stage {stage[:20]!r}")
    return control.retry(run, CLOCK, IDS, stage=int(stage) if stage else None, who=who)
