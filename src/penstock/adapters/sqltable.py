"""A table of another program's SQLite database: one row per key, written and checked in one transaction.

A row is ours when it equals what we are known to have written; any other row is left alone.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from penstock.engine.errors import ItemError, PenstockError, Transient, Unavailable
from penstock.engine.failpoint import declare, failpoint

Row = Mapping[str, Any]
Answer = Literal["sent", "unchanged"]
WAIT = 10.0  # seconds for another program's lock

declare(
    "sqltable.before_make",
    "sqltable.after_make",
    "sqltable.before_commit",
    "publish.after_row",
    "sqltable.before_remove",
    "sqltable.after_remove",
)


@dataclass(frozen=True)
class Shape:
    """A table: its name, its key column and its columns with their SQL types, without `id`."""

    name: str
    key: str
    columns: Mapping[str, str]

    def create(self) -> str:
        """The statement that makes the table."""
        columns = ", ".join(f"{quoted(name)} {kind}" for name, kind in self.columns.items())
        return f"CREATE TABLE IF NOT EXISTS {quoted(self.name)} (id INTEGER PRIMARY KEY, {columns})"


class SqliteTable:
    """One table of the SQLite database `file`."""

    def __init__(self, file: Path, shape: Shape) -> None:
        self.file, self.shape = file, shape

    def make(self) -> None:
        """Make file and table, or add columns that an older table lacks. Raises Unavailable."""
        with self._writing():
            failpoint("sqltable.before_make")
        failpoint("sqltable.after_make")

    def test(self) -> str:
        """Begin to write, and see that the table is there or can be made; a sentence that says so."""
        self.make()
        return f"{self.file} can be written; table {self.shape.name} is there"

    def rows(self, key: str) -> list[dict[str, Any]]:
        """The rows of a key with their `id`; reads only, and makes nothing."""
        if not self.file.exists():
            return []
        with self._reading() as db:
            return self._select(db, key) if self._columns(db) else []

    def names(self) -> list[str]:
        """Every key of the table, in order; reads only."""
        if not self.file.exists():
            return []
        with self._reading() as db:
            if not self._columns(db):
                return []
            column = quoted(self.shape.key)
            return [str(row[0]) for row in db.execute(f"SELECT {column} FROM {self._name} ORDER BY {column}")]

    def put(self, row: Row, known: Sequence[Row], number: int = 0) -> tuple[Answer, int]:
        """Insert the row, or update the one of its key that is ours; answers its id, which is `number` when given:
        then another row that has this id gets a new one.

        Raises ItemError `conflict` when the key's row is not ours, `readback` when the table stored something else;
        Transient, Unavailable when the database refuses."""
        with self._writing() as db:
            there = self._mine(db, row, known)
            if there is not None and self.same(there, row) and number in (0, there["id"]):
                return "unchanged", int(there["id"])
            self._make_room(db, str(row[self.shape.key]), number)
            number = self._insert(db, row, number) if there is None else self._update(db, row, int(there["id"]), number)
            self._read_back(db, row)
            failpoint("sqltable.before_commit", key=row[self.shape.key])
        failpoint("publish.after_row", key=row[self.shape.key])
        return "sent", number

    def remove(self, row: Row, known: Sequence[Row]) -> bool:
        """Delete the row of this key when it is ours; False when there is none. Raises as `put`."""
        if not self.file.exists():
            return False
        with self._writing() as db:
            there = self._mine(db, row, [row, *known])
            if there is not None:
                db.execute(f"DELETE FROM {self._name} WHERE id=?", [there["id"]])
            failpoint("sqltable.before_remove", key=row[self.shape.key])
        failpoint("sqltable.after_remove", key=row[self.shape.key])
        return there is not None

    def same(self, there: Row, row: Row) -> bool:
        """Whether a stored row holds what `row` says; columns of others do not count."""
        return all(there.get(name) == row.get(name) for name in self.shape.columns)

    def _mine(self, db: sqlite3.Connection, row: Row, known: Sequence[Row]) -> dict[str, Any] | None:
        key = row[self.shape.key]
        found = self._select(db, str(key))
        if len(found) > 1:
            raise ItemError(f"{self._where(key)}: {len(found)} rows hold this name; keep one", code="conflict")
        if found and not any(self.same(found[0], one) for one in (row, *known)):
            text = f"{self._where(key)} is a row that we did not write, or somebody changed it; it is left alone"
            raise ItemError(text, code="conflict")
        return found[0] if found else None

    def _insert(self, db: sqlite3.Connection, row: Row, number: int) -> int:
        names = ["id", *self.shape.columns]
        columns, marks = ", ".join(map(quoted, names)), ", ".join("?" * len(names))
        sql = f"INSERT INTO {self._name} ({columns}) VALUES ({marks})"
        return int(db.execute(sql, [number or None, *(row.get(name) for name in names[1:])]).lastrowid or 0)

    def _update(self, db: sqlite3.Connection, row: Row, there: int, number: int) -> int:
        names = list(self.shape.columns)
        sets = ", ".join(f"{quoted(name)}=?" for name in ("id", *names))
        values = [number or there, *(row.get(name) for name in names)]
        db.execute(f"UPDATE {self._name} SET {sets} WHERE id=?", [*values, there])
        return number or there

    def _make_room(self, db: sqlite3.Connection, key: str, number: int) -> None:
        """Whoever else has this id had it by chance."""
        free = f"SELECT MAX(id)+1 FROM {self._name}"
        db.execute(f"UPDATE {self._name} SET id=({free}) WHERE id=? AND {quoted(self.shape.key)}<>?", [number, key])

    def _read_back(self, db: sqlite3.Connection, row: Row) -> None:
        key = row[self.shape.key]
        found = self._select(db, str(key))
        if len(found) != 1 or not self.same(found[0], row):
            wrong = [name for name in self.shape.columns if found and found[0].get(name) != row.get(name)]
            text = f"{self._where(key)}: the table did not keep what was written ({', '.join(wrong) or 'rows'})"
            raise ItemError(text, code="readback")

    def _select(self, db: sqlite3.Connection, key: str) -> list[dict[str, Any]]:
        sql = f"SELECT * FROM {self._name} WHERE {quoted(self.shape.key)}=?"
        return [dict(row) for row in db.execute(sql, [key])]

    def _columns(self, db: sqlite3.Connection) -> set[str]:
        return {row["name"] for row in db.execute(f"PRAGMA table_info({self._name})")}

    def _complete(self, db: sqlite3.Connection) -> None:
        """Make the table, or add what an older one lacks."""
        there = self._columns(db)
        if not there:
            db.execute(self.shape.create())
        elif not {"id", self.shape.key} <= there:
            raise Unavailable(f"{self.file}: table {self.shape.name} has no id or {self.shape.key}; name another table")
        else:
            for name in self.shape.columns.keys() - there:
                kind = self.shape.columns[name].replace("NOT NULL", "").replace("UNIQUE", "")
                db.execute(f"ALTER TABLE {self._name} ADD COLUMN {quoted(name)} {kind}")

    @property
    def _name(self) -> str:
        return quoted(self.shape.name)

    def _where(self, key: object) -> str:
        return f"{self.file}: {self.shape.name}, {self.shape.key}={key}"

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """Opened for writing all the same: a writer that lost power leaves a journal, which whoever comes next must be
        able to take back. SQLite itself reads only where the file cannot be written."""
        with self._answering(), closing(_connected(f"{self.file.as_uri()}?mode=rw")) as db:
            db.execute("PRAGMA query_only=ON")
            yield db

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction that other writers wait for."""
        with self._answering(), closing(_connected(f"{self.file.as_uri()}?mode=rwc")) as db:
            db.execute("PRAGMA synchronous=EXTRA")
            db.execute("BEGIN IMMEDIATE")
            try:
                self._complete(db)
                yield db
            except BaseException:
                db.execute("ROLLBACK")
                raise
            db.execute("COMMIT")

    @contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            yield
        except PenstockError:
            raise
        except sqlite3.IntegrityError as error:
            raise ItemError(f"{self.file}: another row stands in the way: {error}", code="conflict") from error
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise Transient(f"{self.file} is locked by another program", code="locked") from error
            text = f"{self.file} cannot be used: {error}; see that folder, file and disk are there and writable"
            raise Unavailable(text) from error


def _connected(uri: str) -> sqlite3.Connection:
    db = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=WAIT)
    db.row_factory = sqlite3.Row
    return db


def quoted(name: str) -> str:
    """A name as SQL wants it."""
    return '"' + name.replace('"', '""') + '"'
