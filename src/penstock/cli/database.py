"""The database: back up, restore, reset, prune. Photos and logs are files of the home and are not touched."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from penstock.cli.lazy import Family, Leaf
from penstock.cli.session import Session
from penstock.cli.show import count

FILE = click.argument("file", type=click.Path(path_type=Path, dir_okay=False))


@click.group(cls=Family, later=("copy",))
def db() -> None:
    """Back up, restore, reset or prune the database."""


@db.command(cls=Leaf)
@FILE
@click.pass_obj
def backup(session: Session, file: Path) -> int:
    """Copy the database to FILE, consistently, while others work. Photos and logs are not part of it."""
    from penstock import boot
    from penstock.engine.errors import Refused

    home = session.open()
    target = file.expanduser().absolute()
    if target == home.config.database:
        raise Refused(f"{target} is the database itself; name another file")
    target.parent.mkdir(parents=True, exist_ok=True)
    boot.backup(home.config.database, target)
    session.show.document({"file": str(target), "bytes": target.stat().st_size})
    session.show.say(f"{target}: {target.stat().st_size / 2**20:.1f} MiB. Photos and logs are files of the home.")
    return 0


@db.command(cls=Leaf, home=False)
@FILE
@click.pass_obj
def restore(session: Session, file: Path) -> int:
    """Put the backup FILE in the place of the database. What was there is kept beside it."""
    from penstock import boot
    from penstock.engine.errors import NotFound, Refused

    loaded, source = session.load(), file.expanduser().absolute()
    if not source.is_file():
        raise NotFound(f"there is no file {source}")
    with _alone(loaded):
        kept = _put_aside(loaded.database, "before-restore", session)
        try:
            boot.restore(source, loaded.database)
        except Refused:
            Path(kept).unlink() if kept else None  # nothing was replaced
            raise
    session.show.document({"database": str(loaded.database), "restored_from": str(source), "kept": kept})
    session.show.say(f"{loaded.database} is now {source.name}." + (f" The former one: {kept}" if kept else ""))
    session.show.say("Files may be newer than this database: penstock recover, then penstock doctor")
    return 0


@db.command(cls=Leaf, home=False)
@click.option("--yes", is_flag=True, help="Do it without asking.")
@click.pass_obj
def reset(session: Session, yes: bool) -> int:
    """Begin with an empty database. A backup is made first; photos and logs stay."""
    loaded = session.load()
    if not yes and not session.show.confirm(f"Empty {loaded.database}? A backup is made first", "--yes"):
        raise click.Abort
    with _alone(loaded):
        kept = _put_aside(loaded.database, "before-reset", session)
        for ending in ("", "-journal", "-wal", "-shm"):
            loaded.database.with_name(loaded.database.name + ending).unlink(missing_ok=True)
    session.show.document({"database": str(loaded.database), "kept": kept})
    session.show.say(f"The database is empty. The former one: {kept}" if kept else "There was no database yet.")
    session.show.say("Back again: penstock db restore FILE" if kept else "Begin: penstock site create NAME")
    return 0


@db.command(cls=Leaf)
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@click.pass_obj
def prune(session: Session, dry_run: bool) -> int:
    """Remove runs past keep_days and keep_runs (`up` does so too)."""
    from penstock.ledger import retention
    from penstock.ledger.models import Run

    home = session.open()
    rule = retention.Rule(home.config.keep_days, home.config.keep_runs)
    past = retention.old(rule, home.now())
    stay = {run.id: why for run in past if (why := retention.needed(run))}
    for _ in () if dry_run else retention.prune(rule, home.now()):
        pass
    left = set(stay) if dry_run else set(Run.objects.filter(id__in=[r.id for r in past]).values_list("id", flat=True))
    gone = [run.id for run in past if run.id not in left]
    kept = [{"run_id": one, "reason": stay.get(one, "its files cannot be removed yet")} for one in sorted(left)]
    session.show.document({"dry_run": dry_run, "runs": gone, "kept": kept})
    word = "would go" if dry_run else "gone"
    session.show.say(f"{count(len(gone), 'run')} {word}; what they made stays." if gone else "No run is past its time.")
    session.show.table(("kept", "because"), [(one["run_id"], one["reason"]) for one in kept], wrap=("because",))
    return 0


@contextmanager
def _alone(loaded: Any) -> Iterator[None]:
    """Nobody else works in the home meanwhile. Raises Refused."""
    from filelock import FileLock, Timeout

    from penstock.engine.errors import Refused

    loaded.database.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(str(loaded.home / "driver.lock"), timeout=0):
            yield
    except Timeout:
        raise Refused("another Penstock program serves this home; stop it first") from None


def _put_aside(database: Path, word: str, session: Session) -> str | None:
    """A copy of the database as it is: consistent when it is healthy, else byte for byte."""
    import sqlite3

    from penstock import boot
    from penstock.engine.clock import SystemClock

    if not database.exists():
        return None
    target = database.with_name(f"review.{word}-{SystemClock().wall():%Y%m%d-%H%M%S}.db")
    try:
        boot.backup(database, target)
    except sqlite3.DatabaseError as error:
        session.show.warn(f"The database is damaged ({error}); its bytes are kept as they are.")
        shutil.copyfile(database, target)
    return str(target)
