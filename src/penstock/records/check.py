"""Preflight: is a site ready for a run? One Check per point; pipelines and targets add theirs to `CHECKS`."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.db import connection
from filelock import FileLock, Timeout

from penstock.accounts.models import Site
from penstock.engine.errors import PenstockError
from penstock.ledger.models import Run
from penstock.records import CHECKS

LOW_DISK, FULL_DISK = 2 * 2**30, 200 * 2**20  # bytes: below the first a warning, below the second a failure
SANE_YEARS = range(2024, 2100)

State = Literal["ok", "warn", "fail"]


@dataclass(frozen=True)
class Check:
    """One point: what was found, and how to mend it ("" when it is ok)."""

    name: str
    state: State
    detail: str
    mend: str = ""

    def to_json(self) -> dict[str, str]:
        """The point as plain data."""
        return asdict(self)


def ok(name: str, detail: str) -> Check:
    """A point that is in order."""
    return Check(name, "ok", detail)


def warn(name: str, detail: str, mend: str = "") -> Check:
    """A point that deserves a look."""
    return Check(name, "warn", detail, mend)


def fail(name: str, detail: str, mend: str) -> Check:
    """A point that stands in the way."""
    return Check(name, "fail", detail, mend)


def check(site: Site) -> list[Check]:
    """All points for a site: those of the home first, then what pipeline and targets add."""
    return [point for ask in (*HOME_CHECKS, *CHECKS) for point in asked(ask, site)]


def asked(ask: Callable[[Any], Iterable[Check]], subject: Any) -> list[Check]:
    """The points that one function finds; an error that has a name is itself a failed point."""
    try:
        return list(ask(subject))
    except (PenstockError, OSError) as error:
        name = ask.__name__.strip("_").replace("_", " ")
        return [fail(name, str(error), "Mend what the message names, then check again.")]


def _paths(site: Site) -> Iterator[Check]:
    """The folders that a run writes to."""
    for folder in dict.fromkeys((settings.PENSTOCK.home, site.root / "data", site.root / "logs")):
        reason = _unwritable(Path(folder))
        if reason:
            yield fail("paths", f"{folder} cannot be written: {reason}", "Give yourself the right to write there.")
            return
    yield ok("paths", f"{site.root} can be written")


def _unwritable(folder: Path) -> str:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return ""
    except OSError as error:
        return error.strerror or str(error)


def _disk(site: Site) -> Iterator[Check]:
    """Room on the disk of the site."""
    free = shutil.disk_usage(settings.PENSTOCK.home).free
    text = f"{free / 2**30:.1f} GiB free where the home is"
    if free < FULL_DISK:
        yield fail("disk", text, "Free some space, or move the home to a larger disk.")
    elif free < LOW_DISK:
        yield warn("disk", text, "Copied photos need room: free some space before a large set.")
    else:
        yield ok("disk", text)


def _database(_site: Site) -> Iterator[Check]:
    """The embedded database: healthy enough to read, its journal as the settings chose it."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA quick_check(1)")
        healthy = cursor.fetchone()[0] == "ok"
        cursor.execute("PRAGMA journal_mode")
        journal = cursor.fetchone()[0]
    place = settings.PENSTOCK.database
    if not healthy:
        yield fail("database", f"{place} is damaged", "Go back to a backup: penstock db restore FILE")
    else:
        yield ok("database", f"{place} is healthy (journal {journal})")


def _locks(site: Site) -> Iterator[Check]:
    """Who works in this home, and whether the site has a run open."""
    run = Run.objects.filter(site=site, active_key__isnull=False).order_by("-started_at").first()
    busy = _held(settings.PENSTOCK.home / "driver.lock")
    if run is not None and run.undoing:
        yield warn("locks", f"run {run.id} is being rolled back", "penstock recover")
    elif run is not None and run.status == "running" and not busy:
        yield warn("locks", f"run {run.id} is open, but nothing works on it", f"penstock resume {run.id}")
    elif run is not None:
        yield warn("locks", f"run {run.id} is {run.status}", f"Follow it: penstock status {run.id}")
    else:
        yield ok("locks", "another Penstock program serves this home" if busy else "nothing holds the site")


def _held(file: Path) -> bool:
    if not file.exists():
        return False
    lock = FileLock(str(file), timeout=0)
    try:
        with lock:
            return False
    except Timeout:
        return True


def _clock(site: Site) -> Iterator[Check]:
    """The site's zone is known, and the machine's date is believable."""
    try:
        zone = ZoneInfo(site.timezone)
    except (ZoneInfoNotFoundError, ValueError):
        mend = f"penstock site set {site.name} timezone=Europe/Amsterdam (or another zone)"
        yield fail("clock", f"this machine does not know the time zone {site.timezone!r}", mend)
        return
    from penstock.engine.clock import SystemClock

    now = SystemClock().wall().astimezone(zone)
    text = f"{now:%Y-%m-%d %H:%M} in {site.timezone}"
    if now.year not in SANE_YEARS:
        yield fail("clock", text, "Set the date of this machine: file names and records carry it.")
    else:
        yield ok("clock", text)


def _slots(_site: Site) -> Iterator[Check]:
    """How much works at once."""
    config = settings.PENSTOCK
    cpus = os.cpu_count() or 1
    text = f"{config.cpu_slots} at once on {cpus} CPUs, {config.model_slots} model calls"
    if config.cpu_slots > 2 * cpus:
        yield warn(
            "environment",
            text,
            "Lower cpu_slots in penstock.toml: more than twice the CPUs only costs memory.",
        )
    else:
        yield ok("environment", text)


HOME_CHECKS: tuple[Callable[[Site], Iterable[Check]], ...] = (
    _slots,
    _paths,
    _disk,
    _database,
    _locks,
    _clock,
)
