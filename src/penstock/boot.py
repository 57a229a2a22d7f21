"""Starts Django on a home: settings, migrations (behind a lock, after a backup), registries."""

from __future__ import annotations

import gc
import os
import pkgutil
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

from penstock import config
from penstock.adapters.folders import make_folder, sync_folder
from penstock.engine.errors import Refused
from penstock.engine.failpoint import declare, failpoint

declare("backup.before_rename", "backup.after_rename", "restore.before_rename", "restore.after_rename")
declare("restore.before_fsync", "restore.after_fsync")


def start(settings: config.Config) -> None:
    """Set the home of this process, start Django, bring the database to this version.

    Raises Refused when the database was written by a newer version."""
    config.use(settings)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "penstock.settings")
    make_folder(settings.database.parent)
    with _without_collector():
        import django

        django.setup()
        _migrate(settings)


@contextmanager
def _without_collector() -> Iterator[None]:
    """What a start makes lives as long as the process: looking through it for garbage is a tenth of the start."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _migrate(settings: config.Config) -> None:
    """Only looks when the database says that it is of this version: that is one read, and no migration is loaded."""
    from django.db import connection

    version = _version()
    if connection.vendor == "sqlite" and _stamp(connection) == version:
        return
    if _plan(settings) or os.access(settings.database, os.W_OK):  # one that may only be read is not marked
        _bring_up(settings, version)


def _plan(settings: config.Config) -> list[Any]:
    """The migrations that are to be applied. Raises Refused when the database has some that this program lacks."""
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    loader = (executor := MigrationExecutor(connection)).loader
    unknown = set(loader.applied_migrations) - set(loader.disk_migrations)
    ours = {app for app, _ in loader.disk_migrations}
    if any(app in ours for app, _ in unknown):
        raise Refused(f"{settings.database} was written by a newer version of Penstock; update the program")
    return list(executor.migration_plan(loader.graph.leaf_nodes()))


def _bring_up(settings: config.Config, version: int) -> None:
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor
    from filelock import FileLock

    with FileLock(str(settings.home / "migrate.lock"), timeout=120):
        if _plan(settings):
            executor = MigrationExecutor(connection)
            if executor.loader.applied_migrations:
                backup(settings.database, settings.database.with_suffix(".before-migration.db"))
            _stamp(connection, 0)  # until it is whole, it is of no version
            executor.migrate(executor.loader.graph.leaf_nodes())
        _stamp(connection, version)


def _version() -> int:
    """A number for the migrations that this program has."""
    from django.apps import apps

    names = [
        f"{app.label}.{one.name}"
        for app in apps.get_app_configs()
        for one in pkgutil.iter_modules([str(Path(app.path) / "migrations")])
    ]
    return int.from_bytes(sha256("\n".join(sorted(names)).encode()).digest()[:3], "big") + 1


def _stamp(connection: Any, version: int | None = None) -> int:
    """SQLite's own number for what wrote the database; set first when `version` is given."""
    if connection.vendor != "sqlite":
        return 0
    with connection.cursor() as cursor:
        if version is not None:
            cursor.execute(f"PRAGMA user_version={version:d}")
        cursor.execute("PRAGMA user_version")
        return int(cursor.fetchone()[0])


def backup(database: Path, target: Path) -> None:
    """A consistent copy of the database while others use it (SQLite's own backup), renamed into place."""
    part = target.with_name(target.name + ".part")
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(part)) as copy:
        source.backup(copy)
    failpoint("backup.before_rename")
    os.replace(part, target)
    failpoint("backup.after_rename")
    sync_folder(target.parent)


def restore(source: Path, database: Path) -> None:
    """Put a checked copy in the database's place. Raises Refused when `source` is not a healthy database."""
    try:
        with closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as copy:
            healthy = copy.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
            tables = {row[0] for row in copy.execute("SELECT name FROM sqlite_master WHERE type='table'")}
    except sqlite3.Error as error:
        raise Refused(f"{source} cannot be read as a database: {error}") from error
    if not healthy or "review_queue" not in tables:
        raise Refused(f"{source} is not a healthy backup of a Penstock home")
    part = database.with_name(database.name + ".part")
    _copy(source, part)
    for leftover in ("-journal", "-wal", "-shm"):
        database.with_name(database.name + leftover).unlink(missing_ok=True)
    failpoint("restore.before_rename")
    os.replace(part, database)
    failpoint("restore.after_rename")
    sync_folder(database.parent)


def _copy(source: Path, target: Path) -> None:
    """Durably: what replaces the database must be whole on the disk before."""
    with source.open("rb") as old, target.open("wb") as new:
        shutil.copyfileobj(old, new)
        new.flush()
        failpoint("restore.before_fsync")
        os.fsync(new.fileno())
        failpoint("restore.after_fsync")
