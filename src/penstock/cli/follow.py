"""Drives a run here, or follows it where another program drives it, to its rest; and says how it ended."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from penstock.cli.errors import FAILED, OUTSIDE, STOPPED
from penstock.cli.progress import Plain, Rich, Watcher, duration
from penstock.cli.session import Home
from penstock.cli.show import Show, count, on_terminal
from penstock.engine.errors import PenstockError

if TYPE_CHECKING:
    from penstock.ledger.models import Run

EVERY = 0.4  # seconds between two looks


class Left(PenstockError):
    """Stopped following; the run goes on in the program that serves this home."""

    code = "stopped"
    exit_code = STOPPED


def follow(home: Home, run_id: str, show: Show) -> bool:
    """Bring a run to rest, here or by watching who drives it. Answers False when the user stopped it."""
    from penstock.ledger import control
    from penstock.ledger.drive import drive

    while control.find(run_id).status == "running":
        if served(home):
            try:
                _watch(home, run_id, show)
            except KeyboardInterrupt:
                raise Left from None
            continue
        with reporting(home, run_id, show):
            finished = drive(home.config, only=run_id)
        if not finished:
            return False
    return True


def served(home: Home) -> bool:
    """Whether a live program serves the home."""
    from penstock.ledger.drive import live_driver

    lock = live_driver(home.config)
    if lock is not None:
        lock.release()
    return lock is None


def _watch(home: Home, run_id: str, show: Show) -> None:
    """Until the run rests, or the program that serves the home has gone."""
    from penstock.ledger import control

    show.note("Another Penstock program serves this home; following what it does. Ctrl-C only stops following.")
    pause = threading.Event()
    with reporting(home, run_id, show):
        while control.find(run_id).status == "running":
            pause.wait(EVERY)
            if not served(home):
                return


@contextmanager
def reporting(home: Home, run_id: str, show: Show) -> Iterator[None]:
    """Progress on standard error while the block runs: a thread with its own connection reads it."""
    if show.quiet:
        yield
        return
    over = threading.Event()
    told = (home, Watcher(run_id, _last_event(run_id)), show, over)
    thread = threading.Thread(target=_report, args=told, name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _report(home: Home, watcher: Watcher, show: Show, over: threading.Event) -> None:
    from django.db import DatabaseError, connection

    view = _view(show)
    try:
        while True:
            ending = over.wait(EVERY)
            try:
                view.show(watcher.look(home.now()), home.now())
            except DatabaseError as error:  # progress is not worth a run: the next look may succeed
                show.warn(f"Progress cannot be read just now: {error}")
            if ending:
                return
    finally:
        view.close()
        connection.close()


def _last_event(run_id: str) -> int:
    """What the log said before this following began is not told again."""
    from penstock.ledger.models import Event

    last = Event.objects.filter(run=run_id).order_by("-id").values_list("id", flat=True).first()
    return last or 0


def _view(show: Show) -> Plain | Rich:
    if not on_terminal(sys.stderr):
        return Plain(show.note, show.verbose)
    from rich.console import Console

    return Rich(Console(stderr=True), show.verbose)


def conclude(home: Home, run_id: str, show: Show, *, stopped: bool = False) -> int:
    """Say how the run ended and what to do next; answer the exit code."""
    from penstock.ledger import control
    from penstock.records.overview import run_view

    run = control.find(run_id)
    view = run_view(run)
    show.document(view)
    _summary(run, view, show)
    for line in _next(run, view, stopped):
        show.say(line)
    return exit_code(view)


def exit_code(view: dict[str, Any]) -> int:
    """0 done, 1 something failed, 5 held because something outside is down, 130 stopped by a person."""
    from penstock.records.overview import broken

    if view["status"] == "paused":
        return OUTSIDE if view["error_message"] else STOPPED
    if view["status"] in ("running", "cancelled"):
        return STOPPED
    return FAILED if view["status"] == "failed" or broken(view) else 0


def _summary(run: Run, view: dict[str, Any], show: Show) -> None:
    from penstock.records.overview import causes, headline

    took = f", after {duration((run.completed_at - run.started_at).total_seconds())}" if run.completed_at else ""
    show.say(headline(view) + took)
    stage_table(view, show)
    found = causes(run)
    if found:
        rows = [(c.n, f"{c.stage} ({c.code})", c.reason, f"{c.table} {c.example}") for c in found]
        show.say("What failed, by cause:")
        show.table(("items", "stage", "reason", "for example"), rows, wrap=("reason",))


def stage_table(view: dict[str, Any], show: Show) -> None:
    """The stages of a run, one line each."""
    rows = [
        (
            s["number"],
            s["title"],
            s["done"],
            s["failed"] + s["quarantined"],
            s["pending"],
            float(s["seconds"]),
        )
        for s in view["stages"]
    ]
    show.table(("stage", "", "done", "failed", "left", "seconds of work"), rows)


def _next(run: Run, view: dict[str, Any], stopped: bool) -> Iterator[str]:
    """What to type next."""
    site, waiting, failed = view["site"], view["items"].get("waiting", 0), view["items"].get("failed", 0)
    failed += view["items"].get("quarantined", 0)
    if stopped or view["status"] == "running":
        yield f"Stopped; nothing is lost. Go on: penstock resume {run.id}"
    elif view["status"] == "paused":
        yield f"It is paused. Go on: penstock resume {run.id}"
    elif view["status"] == "failed":
        back = " and was rolled back: photos and names are as before" if run.rolled_back_at else ""
        yield f"The run failed{back}. Its log: penstock logs {run.id}"
        yield f"Is everything ready? penstock check {site}"
    elif not view["items"]:
        yield f"There was nothing to do. {_more(run.pipeline, site)}"
    if waiting and view["status"] != "running":
        yield f"{count(waiting, 'item')} wait{'s' if waiting == 1 else ''} for your review: penstock up"
        yield f"  or here: penstock review list {site}"
    if failed and not run.open:
        yield f"Try {'it' if failed == 1 else 'them'} again once the cause is mended: penstock retry {run.id}"


def _more(pipeline: str, site: str) -> str:
    if pipeline == "content":
        return f"Add keywords: penstock content import FILE.csv --site {site}"
    return f"Add photos: penstock photos add FOLDER --site {site} --help"
