"""Runs: start, pause, resume, cancel, retry, roll back, recover."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from penstock.cli.follow import conclude, follow, served
from penstock.cli.lazy import Leaf
from penstock.cli.session import Home, Session
from penstock.cli.show import Show, count

if TYPE_CHECKING:
    from penstock.accounts.models import Site
    from penstock.ledger.models import Run

DETACH = click.option("--detach", is_flag=True, help="Only start it; a running `penstock up` works on it.")
DRY = click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")


@click.command(cls=Leaf)
@click.argument("site")
@DETACH
@click.option("--sample", type=click.IntRange(min=1), metavar="N", help="Take N items spread over the folders.")
@click.pass_obj
def run(session: Session, site: str, detach: bool, sample: int | None) -> int:
    """Start a run of SITE over everything that waits, and follow it up to the review."""
    from penstock.accounts.models import site_named
    from penstock.ledger import control

    home = session.open()
    owner = site_named(site)
    scope = sampled(owner, sample) if sample else None
    one = control.start(owner, home.clock, home.ids, plan=dict(owner.settings), scope=scope, who=home.who)
    return go_on(home, one.id, session.show, detach)


def sampled(site: Site, n: int) -> Any:
    """The scope of a smoke batch, as the site's pipeline spreads it."""
    from importlib import import_module

    from penstock.engine.errors import UsageError

    if site.pipeline != "photos":
        raise UsageError(f"site {site.name} runs {site.pipeline}, which takes no --sample")
    return import_module("penstock.pipelines.photos.intake").sample(site, n)


def go_on(home: Home, run_id: str, show: Show, detach: bool) -> int:
    """Follow a run that was started or resumed, or leave it to the program that serves the home."""
    if detach:
        return _detached(home, run_id, show)
    show.note(f"Run {run_id}. Ctrl-C stops it safely; `penstock status {run_id}` looks from elsewhere.")
    finished = follow(home, run_id, show)
    return conclude(home, run_id, show, stopped=not finished)


def _detached(home: Home, run_id: str, show: Show) -> int:
    from penstock.ledger import control
    from penstock.records.overview import headline, run_view

    view = run_view(control.find(run_id))
    show.document(view)
    show.say(headline(view))
    if not served(home):
        show.warn(f"Nothing serves this home now: `penstock up` or `penstock resume {run_id}` works on it.")
    return 0


@click.command(cls=Leaf)
@click.argument("run")
@click.pass_obj
def pause(session: Session, run: str) -> int:
    """Stop RUN after the items in hand. `penstock resume RUN` goes on."""
    from penstock.ledger import control

    home = session.open()
    one = control.pause(control.find(run), home.clock, who=home.who)
    return _asked(home, one, session.show, "paused", "It pauses after the items in hand")


@click.command(cls=Leaf)
@click.argument("run")
@DETACH
@click.pass_obj
def resume(session: Session, run: str, detach: bool) -> int:
    """Take a paused or interrupted RUN up again, and follow it."""
    from penstock.ledger import control

    home = session.open()
    one = control.find(run)
    if one.status != "running" or one.pause_requested:
        control.resume(one, home.clock, who=home.who)
    return go_on(home, run, session.show, detach)


@click.command(cls=Leaf)
@click.argument("run")
@click.option("--abort", is_flag=True, help="End what is under way in mid-item, too.")
@click.pass_obj
def cancel(session: Session, run: str, abort: bool) -> int:
    """End RUN. Items that are not finished wait for the next run; finished ones keep their results."""
    from penstock.ledger import control

    home = session.open()
    one = control.cancel(control.find(run), home.clock, abort=abort, who=home.who)
    return _asked(home, one, session.show, "cancelled", "It ends after the items in hand")


def _asked(home: Home, run: Run, show: Show, word: str, otherwise: str) -> int:
    """A pause or cancel holds at once when nobody drives the run; else its driver heeds it in a moment."""
    from penstock.ledger import control
    from penstock.ledger.drive import drive
    from penstock.records.overview import headline, run_view

    if not served(home):
        drive(home.config, only=run.id)
    one = control.find(run.id)
    view = run_view(one)
    show.document(view)
    show.say(headline(view) if one.status == word else f"{otherwise}. See: penstock status {run.id}")
    return 0


@click.command(cls=Leaf)
@click.argument("run")
@click.option("--stage", type=click.IntRange(min=1), metavar="N", help="Send them back to stage N.")
@DETACH
@click.pass_obj
def retry(session: Session, run: str, stage: int | None, detach: bool) -> int:
    """Start a new run over what failed in RUN, and follow it."""
    from penstock.ledger import control

    home = session.open()
    one = control.retry(control.find(run), home.clock, home.ids, stage=stage, who=home.who)
    return go_on(home, one.id, session.show, detach)


@click.command(cls=Leaf)
@click.argument("run")
@DRY
@click.pass_obj
def rollback(session: Session, run: str, dry_run: bool) -> int:
    """Undo RUN: its rows go, files and names are given back. What is published stays."""
    from penstock.ledger import control
    from penstock.ledger.rollback import preview
    from penstock.ledger.rollback import rollback as undo

    home = session.open()
    one = control.find(run)
    done_before = one.rolled_back_at is not None
    undone = preview(one) if dry_run else undo(one, home.now(), who=home.who)
    numbers = {name: getattr(undone, name) for name in ("rows", "restored", "files", "names", "skipped_published")}
    session.show.document({"run_id": run, "dry_run": dry_run, "already": done_before, **numbers})
    if done_before and not dry_run:
        session.show.say(f"Run {run} was rolled back before; nothing was left to undo.")
        return 0
    for line in _undone(run, numbers, dry_run):
        session.show.say(line)
    return 0


def _undone(run: str, numbers: dict[str, int], dry_run: bool) -> list[str]:
    parts = [
        f"{count(numbers['rows'], 'row')} removed",
        f"{count(numbers['restored'], 'row')} as before",
        f"{count(numbers['files'], 'file')} back",
        f"{count(numbers['names'], 'name')} released",
    ]
    head = f"A rollback of run {run} would do this: " if dry_run else f"Run {run} is rolled back: "
    lines = [head + ", ".join(parts) + "."]
    if numbers["skipped_published"]:
        kept = count(numbers["skipped_published"], "item")
        lines.append(f"{kept} stay: published, or on the way. `penstock unpublish SITE ITEM` takes those back.")
    return lines


@click.command(cls=Leaf)
@DRY
@click.pass_obj
def recover(session: Session, dry_run: bool) -> int:
    """Bring what a crash left half done in order. It runs nothing; every start does this by itself."""
    from dataclasses import asdict

    from penstock.engine.errors import Refused
    from penstock.ledger.drive import ledger_of, live_driver
    from penstock.ledger.sweep import recover as sweep

    home = session.open()
    lock = None if dry_run else live_driver(home.config)
    if lock is None and not dry_run:
        raise Refused("another Penstock program serves this home and recovered it when it started; stop it first")
    done = sweep(ledger_of(home.config, home.clock), dry_run=dry_run)
    if lock is not None:
        lock.release()
    session.show.document({"dry_run": dry_run, **asdict(done)})
    _recovered(session.show, asdict(done), dry_run)
    return 0


WORDS = {
    "interrupted": "runs that were interrupted",
    "starts": "runs that were still taking their backlog",
    "batches": "batches of programs that have gone, given back",
    "items": "items that are ready again",
    "files": "finished files put in place",
    "rollbacks": "rollbacks completed",
    "effects": "file moves undone",
    "records": "reports of ended runs written",
}


def _recovered(show: Show, done: dict[str, int], dry_run: bool) -> None:
    found = {name: n for name, n in done.items() if n}
    if not found:
        show.say("Everything is in order; there is nothing to recover.")
        return
    show.say("Recovery would do this:" if dry_run else "Recovered:")
    show.table(("", "what"), [(n, WORDS.get(name, name)) for name, n in found.items()])
    show.say("See the runs: penstock status; go on with one: penstock resume RUN")
