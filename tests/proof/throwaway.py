"""A throw-away home on a disk of memory for simulated crashes: emptied in a millisecond, never synced.

`synchronous=OFF` and no breath between commits are right here and only here: these processes die alone, their
machine does not, and what a process has written before it died the system keeps."""

from __future__ import annotations

import atexit
import copy
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

KEPT = ("django_migrations", "django_content_type")


def started() -> None:
    """Django, on the home of this process; on a new one when it has none yet."""
    from penstock import boot, config

    if "DJANGO_SETTINGS_MODULE" not in os.environ:
        config.use(config.load(_folder("penstock-proof-")))
    boot.start(config.current())


def _folder(prefix: str) -> Path:
    place = Path(tempfile.mkdtemp(prefix=prefix, dir="/dev/shm" if os.path.isdir("/dev/shm") else None))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    return place


class Home:
    """A home with its database, to be used instead of the process's own for a while."""

    def __init__(self) -> None:
        from django.db import connection

        from penstock import config
        from tests.conformance import stores

        stores.tables()
        self.place = _folder("penstock-sim-")
        self.file = self.place / "data" / "review.db"
        self.file.parent.mkdir()
        with closing(sqlite3.connect(self.file)) as target:
            connection.ensure_connection()
            connection.connection.backup(target)
        self.config = config.load(self.place)
        self.wrapper = self.connection()
        self.empty()

    def connection(self) -> Any:
        """A connection for the calling thread."""
        from django.db import connections

        wrapper: Any = connections.create_connection("default")  # type: ignore[attr-defined]
        wrapper.settings_dict = copy.deepcopy(wrapper.settings_dict)
        wrapper.settings_dict["NAME"] = str(self.file)
        wrapper.settings_dict["OPTIONS"]["timeout"] = 5
        wrapper.settings_dict["OPTIONS"]["init_command"] += "; PRAGMA synchronous=OFF"
        return wrapper

    @contextmanager
    def used(self) -> Iterator[Path]:
        """Everything in this thread speaks to this home, empty."""
        from django.conf import settings

        from penstock.accounts import tx
        from penstock.ledger import runlog

        own, breath, config = use(self.wrapper), tx.BREATH, settings.PENSTOCK
        tx.BREATH, settings.PENSTOCK = 0.0, self.config
        runlog.forget()
        try:
            self.empty()
            yield self.place
        finally:
            runlog.forget()
            tx.BREATH, settings.PENSTOCK = breath, config
            use(own)

    def empty(self) -> None:
        """No rows, numbers from 1 again, no files."""
        wrapper = self.wrapper
        wrapper.ensure_connection()
        raw = wrapper.connection
        if raw.in_transaction:
            raw.rollback()
            wrapper.in_atomic_block, wrapper.needs_rollback = False, False
        raw.execute("PRAGMA foreign_keys=OFF")
        raw.execute("BEGIN")
        used = [name for (name,) in raw.execute("SELECT name FROM sqlite_sequence").fetchall()]
        for name in ["ledger_run", *(one for one in used if one not in KEPT)]:
            raw.execute(f'DELETE FROM "{name}"')
        raw.execute("DELETE FROM sqlite_sequence WHERE name NOT IN ('django_migrations', 'django_content_type')")
        raw.execute("COMMIT")
        raw.execute("PRAGMA foreign_keys=ON")
        for place in [*self.place.iterdir(), *self.file.parent.iterdir()]:
            if place.name not in ("data", "secret.key") and not place.name.startswith("review.db"):
                shutil.rmtree(place, ignore_errors=True) if place.is_dir() else place.unlink()


def use(wrapper: Any) -> Any:
    """Let this thread or task speak through `wrapper`; answers what it spoke through before."""
    from django.db import connections

    own = connections["default"]
    connections["default"] = wrapper
    return own


@cache
def home() -> Home:
    """The one of this process."""
    started()
    return Home()
