"""The database: back up, restore, reset. Photos and logs are files of the home and are not touched."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from penstock.cli.lazy import Family, Leaf
from penstock.cli.session import Session

FILE = click.argument("file", type=click.Path(path_type=Path, dir_okay=False))


@click.group(cls=Family, later=("copy",))
def db() -> None:
    """Back up, restore or reset the database."""


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
