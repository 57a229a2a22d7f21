"""Starts Django on a home: settings, migrations (behind a lock, after a backup), registries."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from filelock import FileLock

from penstock import config
from penstock.adapters.files import make_folder, sync_folder
from penstock.engine.errors import Refused


def start(settings: config.Config) -> None:
    """Set the home of this process, start Django, bring the database to this version.

    Raises Refused when the database was written by a newer version."""
    config.use(settings)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "penstock.settings")
    make_folder(settings.database.parent)
    import django

    django.setup()
    _migrate(settings)


def _migrate(settings: config.Config) -> None:
    """Only looks when the applied migrations are those of this version: that is one read."""
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    unknown = set(executor.loader.applied_migrations) - set(executor.loader.disk_migrations)
    ours = {app for app, _ in executor.loader.disk_migrations}
    if any(app in ours for app, _ in unknown):
        raise Refused(f"{settings.database} was written by a newer version of Penstock; update the program")
    if not executor.migration_plan(executor.loader.graph.leaf_nodes()):
        return
    with FileLock(str(settings.home / "migrate.lock"), timeout=120):
        executor = MigrationExecutor(connection)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if plan:
            if executor.loader.applied_migrations:
                backup(settings.database, settings.database.with_suffix(".before-migration.db"))
            executor.migrate(executor.loader.graph.leaf_nodes())


def backup(database: Path, target: Path) -> None:
    """A consistent copy of the database while others use it (SQLite's own backup), renamed into place."""
    part = target.with_name(target.name + ".part")
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(part)) as copy:
        source.backup(copy)
    os.replace(part, target)
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
    os.replace(part, database)
    sync_folder(database.parent)


def _copy(source: Path, target: Path) -> None:
    """Durably: what replaces the database must be whole on the disk before."""
    with source.open("rb") as old, target.open("wb") as new:
        shutil.copyfileobj(old, new)
        new.flush()
        os.fsync(new.fileno())
