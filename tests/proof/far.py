"""Targets as on another machine, without one: a wire that ends in a folder, a table on a server that SQLite plays.

All that is the product's between an approved item and the wire, or the driver, is the product's here too.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from penstock.adapters.remote.folder import RemoteFolder
from penstock.adapters.remote.session import Session, kept
from penstock.adapters.remote.wire import CHUNK, Declined, Entry, Progress, Steps
from penstock.adapters.servertable import ServerTable, Taken
from penstock.adapters.sqlfaults import Column, Fault, Kind, Mender
from penstock.adapters.sqlserver import Server
from penstock.adapters.sqltable import quoted
from penstock.engine.errors import ItemError, PenstockError, Transient, Unavailable
from penstock.publish.outlets import no_more_options, session_key
from penstock.publish.outlets.files import FilesOutlet
from penstock.publish.outlets.rows import RowOutlet, shape
from tests.proof.errands import digest

TARGETS = {"far-folder": f"{__name__}:FarFolder", "far-table": f"{__name__}:FarTable"}
PASSWORD = "a heron's nest"
WHO = "ann"
FILES, ROWS = "far-folder://", "far-table://"
_KINDS: dict[str, Kind] = {"TEXT": "text", "INTEGER": "integer", "REAL": "real"}


class FarFolder(FilesOutlet):
    """`url` is far-folder:// and the folder where the wire ends."""

    def __init__(self, url: str, options: Mapping[str, Any], secret: str = "") -> None:
        root = url.removeprefix(FILES)
        super().__init__(
            RemoteFolder(kept(session_key(url, options, secret), lambda: Session(url, lambda: Line(root))))
        )

    @staticmethod
    def address(url: str, options: Mapping[str, Any]) -> str:
        """The URL as it is."""
        no_more_options(options)
        return url


class FarTable(RowOutlet):
    """`url` is far-table:// and the database's file, which only `PASSWORD` opens."""

    def __init__(self, url: str, options: Mapping[str, Any], secret: str = "") -> None:
        server = Server("far", 1, WHO, url.removeprefix(ROWS), "off")
        self.table = SqliteServerTable(server, secret, shape(options), may_make=True)

    @staticmethod
    def address(url: str, options: Mapping[str, Any]) -> str:
        """The URL as it is."""
        no_more_options(options)
        return url


class Line:
    """A wire that ends in a folder of this machine. A name is given by a link, which never replaces anything."""

    def __init__(self, root: str) -> None:
        self.root = root

    def ping(self) -> None:
        """A folder always lives."""

    def close(self) -> None:
        """Nothing is open between two requests."""

    def entry(self, path: str) -> Entry | None:
        """As `lstat` says."""
        place = Path(path)
        if place.is_symlink() or not place.exists():
            return Entry("other") if place.is_symlink() else None
        if place.is_file():
            return Entry("file", place.stat().st_size)
        return Entry("folder" if place.is_dir() else "other")

    def is_folder(self, path: str) -> bool:
        """A link to one is one."""
        return Path(path).is_dir()

    def entries(self, path: str) -> Iterator[tuple[str, Entry]]:
        """In any order."""
        with _saying_no():
            names = os.listdir(path)
        for name in names:
            if (entry := self.entry(f"{path}/{name}")) is not None:
                yield name, entry

    def digest(self, path: str, progress: Progress) -> str:
        """Read all of it."""
        with _saying_no():
            return digest(Path(path))

    def write(self, path: str, stream: BinaryIO, start: int, progress: Progress) -> None:
        """Append to what is there, or begin anew."""
        told = Steps(progress, "sent", start)
        with _saying_no(), open(path, "r+b" if start else "wb") as there:
            if there.seek(0, os.SEEK_END) != start:
                raise Declined(f"{path} does not hold {start} bytes")
            while piece := stream.read(CHUNK):
                there.write(piece)
                there.flush()
                told(piece)

    def move(self, old: str, new: str, *, replace: bool) -> None:
        """Without `replace`, Declined when something is there."""
        with _saying_no():
            if replace:
                os.replace(old, new)
            else:
                os.link(old, new, follow_symlinks=False)
                os.unlink(old)

    def delete(self, path: str) -> None:
        """Never a folder."""
        with _saying_no():
            os.unlink(path)

    def make_folder(self, path: str) -> None:
        """One; those above it are there."""
        with _saying_no():
            os.mkdir(path)

    def drop_folder(self, path: str) -> None:
        """Only an empty one."""
        with _saying_no():
            os.rmdir(path)


@contextmanager
def _saying_no() -> Iterator[None]:
    """What the disk refuses, the server declines."""
    try:
        yield
    except OSError as error:
        raise Declined(str(error)) from error


class SqliteServerTable(ServerTable):
    """The statements are those that servers get; a row is locked by locking the database."""

    errors = (sqlite3.Error,)

    def _connect(self) -> Any:
        if self._secret != PASSWORD:
            raise sqlite3.OperationalError("the password is wrong")
        return Connected(self.server.database)

    def _unreachable(self, error: Exception) -> PenstockError:
        return Unavailable(f"{self.server}: {error}")

    def _class_of(self, error: Exception) -> type[PenstockError]:
        if isinstance(error, sqlite3.IntegrityError):
            return Taken if "UNIQUE" in str(error) else ItemError
        return Transient if "locked" in str(error) else Unavailable

    def _reason(self, error: Exception) -> str:
        return str(error)

    def _quoted(self, name: str) -> str:
        return quoted(name)

    def _columns(self, cursor: Any) -> dict[str, Column]:
        cursor.execute(f"PRAGMA table_info({self._name})")
        return {name: _column(name, type_, bool(must), default, bool(key)) for _, name, type_, must, default, key
                in cursor.fetchall()}  # fmt: skip

    def _unique(self, cursor: Any) -> set[str]:
        cursor.execute(
            "SELECT MAX(of.name) FROM pragma_index_list(%s) AS all_of, pragma_index_info(all_of.name) AS of"
            ' WHERE all_of."unique" GROUP BY all_of.name HAVING COUNT(*)=1',
            [self.shape.name],
        )
        return {name for (name,) in cursor.fetchall()}

    def _own_faults(self, cursor: Any) -> Iterator[Fault]:
        return iter(())

    def _mender(self) -> Mender:
        def add(name: str) -> str:
            return f"ADD COLUMN {quoted(name)}"

        return Mender(
            add, add, lambda column: add(column.name), "ADD id", "ADD UNIQUE", lambda column: add(column.name), add
        )

    def _make(self, cursor: Any) -> None:
        cursor.execute(self.shape.create())
        self._commit(cursor)

    def _inserted(self, cursor: Any, sql: str, values: list[Any], columns: Mapping[str, Column]) -> int:
        cursor.execute(sql, values)
        return int(cursor.lastrowid)

    def _notes(self, cursor: Any, columns: Mapping[str, Column]) -> Iterator[str]:
        return iter(())

    def _version(self, cursor: Any) -> str:
        return f"SQLite {sqlite3.sqlite_version}"


class Connected:
    """What a driver for servers gives: every statement is in a transaction, until somebody ends it."""

    def __init__(self, file: str) -> None:
        self._base = sqlite3.connect(file, isolation_level=None, check_same_thread=False)

    @contextmanager
    def cursor(self) -> Iterator[Cursor]:
        """One cursor."""
        yield Cursor(self, self._base)

    def commit(self) -> None:
        """End the transaction, if there is one."""
        if self._base.in_transaction:
            self._base.execute("COMMIT")

    def rollback(self) -> None:
        """Undo the transaction, if there is one."""
        if self._base.in_transaction:
            self._base.execute("ROLLBACK")

    def close(self) -> None:
        """Undo what is not committed."""
        self._base.close()


class Cursor:
    """Says it as SQLite does."""

    def __init__(self, connection: Connected, base: sqlite3.Connection) -> None:
        self.connection, self._base, self._cursor = connection, base, base.cursor()

    def execute(self, sql: str, values: Any = ()) -> None:
        """`%s` stands for a value. Whoever begins has the database alone, so that FOR UPDATE is no news."""
        if not self._base.in_transaction:
            self._base.execute("BEGIN IMMEDIATE")
        self._cursor.execute(sql.removesuffix(" FOR UPDATE").replace("%s", "?"), values)

    def fetchall(self) -> list[Any]:
        """Every row that is left."""
        return self._cursor.fetchall()

    @property
    def lastrowid(self) -> int | None:
        """The number of the row that came last."""
        return self._cursor.lastrowid


def _column(name: str, type_: str, must: bool, default: object, key: bool) -> Column:
    return Column(name, type_, _KINDS.get(type_, "other"), not must, key or default is not None)


def rows(file: Path) -> dict[str, dict[str, Any]]:
    """Name of each picture in such a table, or in the mirror → its row."""
    if not file.exists():
        return {}
    base = sqlite3.connect(file)
    try:
        base.row_factory = sqlite3.Row
        return {row["File_Name"]: dict(row) for row in base.execute("SELECT * FROM photos_info_revamp")}
    finally:
        base.close()


def forget() -> None:
    """No session of this process outlives a fork: the child would share it."""
    from penstock.adapters import sqlsessions
    from penstock.adapters.remote import session

    session.close_all()
    sqlsessions.closed()
