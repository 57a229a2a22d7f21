"""What a photo run leaves behind besides its rows: the name list, the QC report, the run summary line."""

from __future__ import annotations

from typing import Any

from penstock import __version__
from penstock.accounts.models import Site
from penstock.adapters.files import append
from penstock.ledger.events import clean
from penstock.ledger.models import Run, StageRun
from penstock.pipelines.photos import namebook, taxonomyfiles
from penstock.pipelines.photos.models import Photo, PhotoSet, Taxon


def write(run: Any) -> None:
    """Projections of a photo run that came to rest; writing them again changes nothing but their time."""
    from penstock.pipelines.photos import opening  # not for `mend`, which every start does

    namebook.write_copy(run.site)
    if not opening.own_copy(run).exists():
        _empty_report(run)
    _summary(run)


def after_rollback(run: Any) -> None:
    """Names were given free, and the run's report speaks of rows that are gone."""
    from penstock.pipelines.photos import opening

    namebook.write_copy(run.site)
    opening.go_back(run)


def mend() -> None:
    """Bring the copies of names, folders and locations up to the database, where a site has any: a crash may have come
    between a commit and its copy, and a site that knew nothing later would take over what the copy says."""
    for site in Site.objects.all():
        if PhotoSet.objects.filter(site=site).exists():
            namebook.write_copy(site)
        if Taxon.objects.filter(site=site).exists():
            taxonomyfiles.write_copies(site)


def _empty_report(run: Run) -> None:
    """A run with nothing in scope leaves a report too: a stale one would speak of another run."""
    from penstock.pipelines.photos import opening

    opening.write(run, opening.scan(run, []))


def _summary(run: Run) -> None:
    """One line per run in `data/run_log.txt`: time, build, event, message, separated by tabs."""
    file = run.site.root / "data" / "run_log.txt"
    if file.exists() and _told(run, file.read_text(encoding="utf-8", errors="replace")):
        return
    last = StageRun.objects.filter(run=run).order_by("-number").first()
    broken = Photo.objects.filter(run=run.id, state__in=["failed", "quarantined"]).count()
    waiting = last.waiting if last else 0
    stamp = (run.completed_at or run.started_at).isoformat(timespec="seconds")
    text = f"run={run.id} status={run.status} pending={waiting} failed={broken} {run.error_message}".strip()
    append(file, f"{stamp}\tbuild={__version__}\t{run.kind.upper()}_{run.status.upper()}\t{clean(text)}\n")


def _told(run: Run, text: str) -> bool:
    """Whether a whole line is about the run: a loss of power may have left part of one."""
    return any(f"run={run.id} " in line and line.endswith("\n") for line in text.splitlines(keepends=True))
