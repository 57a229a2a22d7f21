"""Looking: status, history, logs, version. Nothing is changed here."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import click

from penstock import __version__
from penstock.cli.follow import EVERY, served, stage_table
from penstock.cli.lazy import Leaf
from penstock.cli.session import Home, Session
from penstock.cli.show import Show, count

if TYPE_CHECKING:
    from penstock.accounts.models import Site
    from penstock.ledger.models import Run

NEWEST = 20


@click.command(cls=Leaf)
@click.argument("what", metavar="[SITE|RUN]", required=False)
@click.pass_obj
def status(session: Session, what: str | None) -> int:
    """How a RUN stands, or the newest run of SITE, or every site."""
    from penstock.accounts.models import Site

    if what is None:
        return _everything(session.show)
    site = Site.objects.filter(name=what).first()
    run = _newest(site) if site else _run(what)
    if run is None:
        session.show.document(empty_view(what))
        session.show.say(f"Site {what} has no run yet. Start one: penstock run {what}")
        return 0
    return _one(session.open(), session.show, run)


def _run(what: str) -> Run:
    from penstock.engine.errors import NotFound
    from penstock.ledger.models import Run

    run = Run.objects.select_related("site").filter(id=what).first()
    if run is None:
        raise NotFound(f"there is no site and no run {what!r}; `penstock status` lists the sites")
    return run


def _newest(site: Site) -> Run | None:
    from penstock.ledger.models import Run

    return Run.objects.select_related("site").filter(site=site, kind="run").order_by("-started_at").first()


def empty_view(site: str) -> dict[str, Any]:
    """The shape of a run, for a site that has none."""
    blank = {"run_id": None, "site": site, "pipeline": None, "status": None, "current_stage": 0}
    return {**blank, "stages": [], "items": {}, "error_message": ""}


def _one(home: Home, show: Show, run: Run) -> int:
    from penstock.records.overview import headline, run_view

    view = run_view(run)
    show.document(view)
    show.say(headline(view))
    stage_table(view, show)
    if run.rolled_back_at:
        show.say("It was rolled back.")
    elif run.status == "running" and not served(home):
        show.say(f"Nothing works on it now. Go on: penstock resume {run.id}")
    elif run.status == "paused":
        show.say(f"Go on: penstock resume {run.id}")
    return 0


def _everything(show: Show) -> int:
    from penstock.accounts.models import Site

    found = [_line(site) for site in Site.objects.order_by("name")]
    show.document({"sites": found})
    if not found:
        show.say("There is no site yet. See one at work: penstock demo; make your own: penstock site create NAME")
    columns = ("site", "pipeline", "newest run", "status", "waiting", "approved", "failed")
    show.table(columns, [[line[name.replace(" ", "_")] for name in columns] for line in found])
    return 0


def _line(site: Site) -> dict[str, Any]:
    from penstock.records.overview import BESIDE, site_items

    run, totals = _newest(site), dict.fromkeys(("waiting", "approved", "failed", "quarantined"), 0)
    for (table, _, state), n in site_items(site.pk).items():
        if state in totals and table not in BESIDE:
            totals[state] += n
    failed = totals["failed"] + totals["quarantined"]
    newest = {"newest_run": run.id if run else None, "status": run.status if run else None}
    counts = {"waiting": totals["waiting"], "approved": totals["approved"], "failed": failed}
    return {"site": site.name, "pipeline": site.pipeline, **newest, **counts}


@click.command(cls=Leaf)
@click.argument("site")
@click.option("--resolve", metavar="RUN", help="Say that what failed in RUN needs no more care: it may go in time.")
@click.pass_obj
def history(session: Session, site: str, resolve: str | None) -> int:
    """The last runs of SITE, newest first."""
    from penstock.accounts.models import site_named
    from penstock.ledger.models import Run

    if resolve is not None:
        return _resolve(session, site, resolve)
    found = Run.objects.filter(site=site_named(site)).order_by("-started_at")[:NEWEST]
    runs = [_past(run) for run in found]
    session.show.document({"site": site, "runs": runs})
    if not runs:
        session.show.say(f"Site {site} has no run yet. Start one: penstock run {site}")
    columns = ("run_id", "kind", "status", "started", "ended", "by", "error_message")
    session.show.table(columns, [[run[name] for name in columns] for run in runs], wrap=("error_message",))
    return 0


def _resolve(session: Session, site: str, run: str) -> int:
    from penstock.accounts.models import site_named
    from penstock.engine.errors import NotFound
    from penstock.ledger import control, retention

    home, one = session.open(), control.find(run)
    if one.site != site_named(site):
        raise NotFound(f"run {run} is of site {one.site.name}, not of {site}")
    retention.resolve(one, home.now(), home.who)
    session.show.document({"run_id": run, "resolved": True})
    session.show.say(f"Run {run} is resolved: it may go when it is past keep_days and keep_runs.")
    return 0


def _past(run: Run) -> dict[str, Any]:
    ended = run.completed_at
    return {
        "run_id": run.id,
        "kind": run.kind,
        "status": "rolled back" if run.rolled_back_at else run.status,
        "started": f"{run.started_at.astimezone():%Y-%m-%d %H:%M}",
        "ended": f"{ended.astimezone():%Y-%m-%d %H:%M}" if ended else None,
        "by": f"retry of {run.retry_of}" if run.retry_of else run.trigger,
        "error_message": run.error_message,
    }


@click.command(cls=Leaf)
@click.argument("run")
@click.option("-n", "lines", type=click.IntRange(min=0), default=100, show_default=True, help="How many lines.")
@click.option("--follow", is_flag=True, help="Go on printing until the run comes to rest.")
@click.pass_obj
def logs(session: Session, run: str, lines: int, follow: bool) -> int:
    """The last lines of RUN's log."""
    from penstock.ledger import control, runlog

    one = control.find(run)
    if session.json:
        session.show.document({"run_id": run, "lines": runlog.tail(one, lines)})
        return 0
    for line in runlog.tail(one, lines):
        session.show.say(line)
    if follow:
        _tail(session.show, one)
    return 0


def _tail(show: Show, run: Run) -> None:
    from penstock.ledger import control, runlog
    from penstock.ledger.models import Event

    pause, last, shown = threading.Event(), None, len(list(runlog.lines(run)))
    while True:
        resting = control.find(run.id).status != "running"
        newest = Event.objects.filter(run=run.id).order_by("-id").values_list("id", flat=True).first()
        if newest != last:
            new = list(runlog.lines(run))
            for line in new[shown:]:
                show.say(line)
            last, shown = newest, len(new)
        if resting:
            show.note(f"The run has come to rest ({count(shown, 'line')}).")
            return
        pause.wait(EVERY)


@click.command(cls=Leaf, home=False)
@click.pass_obj
def version(session: Session) -> int:
    """Print the version."""
    session.show.document({"version": __version__})
    session.show.say(f"penstock {__version__}")
    return 0
