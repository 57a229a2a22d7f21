"""A table of another program's database on a server: one row per key, written and checked in one transaction.

A row is ours when it equals what we are known to have written; any other row is left alone. What one kind of server
does in its own way stands in the subclasses.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from decimal import Decimal
from typing import Any

from penstock.adapters import sqlsessions
from penstock.adapters.sqlfaults import Column, Mender, lacks, located, told, too_long
from penstock.adapters.sqlserver import Server
from penstock.adapters.sqltable import Answer, Row, Shape
from penstock.engine.errors import ItemError, PenstockError, Transient, Unavailable
from penstock.engine.failpoint import declare, failpoint

declare(
    "servertable.before_make", "servertable.after_make", "servertable.before_commit", "servertable.after_commit",
    "servertable.before_remove", "servertable.after_remove",
)  # fmt: skip


class Taken(ItemError):
    """A unique key of the table is taken already."""

    code = "conflict"


class ServerTable(ABC):
    """One table on a server. Each method has a session of its own meanwhile; `may_make` lets `make` create what is
    missing."""

    errors: tuple[type[Exception], ...]  # what the driver raises

    def __init__(self, server: Server, secret: str, shape: Shape, *, may_make: bool) -> None:
        self.server, self.shape, self.may_make = server, shape, may_make
        self._secret = secret
        self._seen: dict[str, Column] = {}

    def make(self) -> None:
        """Make the table or its missing columns where that is allowed; see that it can hold the rows.

        Raises Unavailable saying what is wrong and how to mend it."""
        with self._connected() as cursor:
            if self.may_make:
                failpoint("servertable.before_make")
                self._make(cursor)
                failpoint("servertable.after_make")
            self._checked(cursor)

    def test(self) -> str:
        """Make, look, write a row and take it back; a sentence that says what was found. Raises as `make`, `put`."""
        self.make()
        with self._connected() as cursor:
            columns = self._checked(cursor)
            trial = self._trial()
            try:
                self._update(cursor, columns, trial, self._insert(cursor, columns, trial))
                self._read_back(cursor, columns, trial)
                self._delete(cursor, columns, trial)
            except self.errors as error:
                raise self._explained(error) from error
            finally:
                self._roll_back(cursor)
            way = "encrypted, certificate checked" if self.server.encrypted else "not encrypted"
            notes = "".join(f"; {note}" for note in self._notes(cursor, columns))
            where = f"table {self.shape.name} of {self.server} can be written"
            return f"{where} ({self._version(cursor)}, {way}), {self.shape.key} is unique{notes}"

    def rows(self, key: str) -> list[dict[str, Any]]:
        """The rows of a key with their `id`; reads only. Raises Unavailable when there is no such table."""
        with self._connected() as cursor:
            return self._select(cursor, self._seen_columns(cursor), key)

    def names(self) -> list[str]:
        """Every key of the table, in order; reads only."""
        with self._connected() as cursor:
            key = self._quoted(self._seen_columns(cursor)[self.shape.key].name)
            cursor.execute(f"SELECT {key} FROM {self._name}")
            return sorted(str(found[0]) for found in cursor.fetchall())

    def put(self, row: Row, known: Sequence[Row]) -> tuple[Answer, int]:
        """Insert the row, or update the one of its key that is ours; answers its id.

        Raises ItemError `conflict` when the key's row is not ours or another unique key is taken, `readback` when the
        table stored something else, `row` when the table refuses this row; Transient, Unavailable."""
        try:
            return self._put(row, known)
        except Taken:
            if not self.rows(str(row[self.shape.key])):
                raise
        return self._put(row, known)  # somebody wrote it in this moment: now it can be looked at

    def remove(self, row: Row, known: Sequence[Row]) -> bool:
        """Delete the row of this key when it is ours; False when there is none. Raises as `put`."""
        with self._connected() as cursor:
            columns = self._checked(cursor)
            there = self._mine(cursor, columns, row, [row, *known])
            if there is not None:
                self._delete(cursor, columns, row, there["id"])
            failpoint("servertable.before_remove", key=row[self.shape.key])
            self._commit(cursor)
        failpoint("servertable.after_remove", key=row[self.shape.key])
        return there is not None

    def same(self, there: Row, row: Row) -> bool:
        """Whether a stored row holds what `row` says; columns of others do not count."""
        return all(there.get(name) == row.get(name) for name in self.shape.columns)

    def _put(self, row: Row, known: Sequence[Row]) -> tuple[Answer, int]:
        with self._connected() as cursor:
            columns = self._checked(cursor)
            self._refuse_long(columns, row)
            there = self._mine(cursor, columns, row, known)
            if there is not None and self.same(there, row):
                return "unchanged", int(there["id"])
            if there is None:
                number = self._insert(cursor, columns, row)
            else:
                number = self._update(cursor, columns, row, int(there["id"]))
            self._read_back(cursor, columns, row)
            failpoint("servertable.before_commit", key=row[self.shape.key])
            self._commit(cursor)
            failpoint("servertable.after_commit", key=row[self.shape.key])
            self._read_back(cursor, columns, row, code="conflict")  # it is there, and somebody changed it at once
        return "sent", number

    def _checked(self, cursor: Any) -> dict[str, Column]:
        """The shape's columns as they are spelt there, once the table can hold its rows. Raises Unavailable."""
        there = self._columns(cursor)
        if not there:
            text = f"{self.server} has no table {self.shape.name}; make it, or add the target with --option make=yes"
            raise Unavailable(text, code="table")
        wrong = [*self._own_faults(cursor), *lacks(self.shape, there, self._unique(cursor), self._mender())]
        if wrong:
            raise Unavailable(f"{self.server}, table {self.shape.name}: {told(self._name, wrong)}", code="table")
        return located(self.shape, there)

    def _seen_columns(self, cursor: Any) -> dict[str, Column]:
        """As `_checked`, for what only reads: looked at once."""
        self._seen = self._seen or self._checked(cursor)
        return self._seen

    def _mine(
        self, cursor: Any, columns: Mapping[str, Column], row: Row, known: Sequence[Row]
    ) -> dict[str, Any] | None:
        key = row[self.shape.key]
        found = self._select(cursor, columns, str(key), lock=True)
        if not found:
            return None
        there = found[0]
        if there[self.shape.key] != key:
            alike = f"the table takes {there[self.shape.key]!r} for the same name, and that row is not ours"
            raise ItemError(f"{self._where(key)}: {alike}; rename one of them", code="conflict")
        if not any(self.same(there, one) for one in (row, *known)):
            text = f"{self._where(key)} is a row that we did not write, or somebody changed it; it is left alone"
            raise ItemError(text, code="conflict")
        return there

    def _select(
        self, cursor: Any, columns: Mapping[str, Column], key: str, *, lock: bool = False
    ) -> list[dict[str, Any]]:
        theirs = ", ".join(self._quoted(column.name) for column in columns.values())
        condition = f"{self._quoted(columns[self.shape.key].name)}=%s"
        sql = f"SELECT {theirs} FROM {self._name} WHERE {condition}{' FOR UPDATE' if lock else ''}"
        cursor.execute(sql, [key])
        return [dict(zip(columns, map(_plain, found), strict=True)) for found in cursor.fetchall()]

    def _insert(self, cursor: Any, columns: Mapping[str, Column], row: Row) -> int:
        names = list(self.shape.columns)
        theirs = ", ".join(self._quoted(columns[name].name) for name in names)
        sql = f"INSERT INTO {self._name} ({theirs}) VALUES ({', '.join(['%s'] * len(names))})"
        return self._inserted(cursor, sql, [row.get(name) for name in names], columns)

    def _update(self, cursor: Any, columns: Mapping[str, Column], row: Row, number: int) -> int:
        names = list(self.shape.columns)
        sets = ", ".join(f"{self._quoted(columns[name].name)}=%s" for name in names)
        sql = f"UPDATE {self._name} SET {sets} WHERE {self._quoted(columns['id'].name)}=%s"
        cursor.execute(sql, [*(row.get(name) for name in names), number])
        return number

    def _delete(self, cursor: Any, columns: Mapping[str, Column], row: Row, number: int | None = None) -> None:
        name, value = ("id", number) if number is not None else (self.shape.key, row[self.shape.key])
        cursor.execute(f"DELETE FROM {self._name} WHERE {self._quoted(columns[name].name)}=%s", [value])

    def _read_back(self, cursor: Any, columns: Mapping[str, Column], row: Row, code: str = "readback") -> None:
        found = self._select(cursor, columns, str(row[self.shape.key]))
        if len(found) != 1 or not self.same(found[0], row):
            wrong = [name for name in self.shape.columns if found and found[0].get(name) != row.get(name)]
            text = f"the table did not keep what was written ({', '.join(wrong) or 'rows'})"
            raise ItemError(f"{self._where(row[self.shape.key])}: {text}", code=code)

    def _refuse_long(self, columns: Mapping[str, Column], row: Row) -> None:
        for name, length, column in too_long(columns, row):
            text = f"{name} has {length} characters, and its column takes {column.length}"
            mend = f"shorten it, or: ALTER TABLE {self._name} {self._mender().widen(name)}"
            raise ItemError(f"{self._where(row[self.shape.key])}: {text}; {mend}", code="row")

    def _trial(self) -> dict[str, Any]:
        """A row that no photo has, with letters that a table may lose."""
        values = {"TEXT": "𠮷 🪶 é", "INTEGER": 1, "REAL": 7.53}
        row = {name: values[kind.split()[0]] for name, kind in self.shape.columns.items()}
        return {**row, self.shape.key: "penstock trial 𠮷🪶.jpg"}

    def _where(self, key: object) -> str:
        return f"{self.server}: {self.shape.name}, {self.shape.key}={key}"

    @property
    def _name(self) -> str:
        return self._quoted(self.shape.name)

    def _commit(self, cursor: Any) -> None:
        """Raises Transient when the answer is lost: whether it was written is seen when somebody looks."""
        cursor.connection.commit()

    def _roll_back(self, cursor: Any) -> None:
        with suppress(*self.errors):
            cursor.connection.rollback()

    @contextmanager
    def _connected(self) -> Iterator[Any]:
        """A cursor in a transaction, which is rolled back unless it is committed. Raises what errors mean; the session
        is used again only when all went well."""
        connection = self._session()
        try:
            with connection.cursor() as cursor:
                yield cursor
            connection.rollback()
        except BaseException as error:
            with suppress(*self.errors):
                connection.close()
            if isinstance(error, UnicodeError):
                raise ItemError(f"{self.server}: the row holds text that is no Unicode", code="row") from error
            if isinstance(error, self.errors):
                raise self._explained(error) from error
            raise
        sqlsessions.kept(self._key, connection)

    def _session(self) -> Any:
        """An idle session that still answers, or a new one."""
        idle = sqlsessions.taken(self._key)
        if idle is not None:
            try:
                with idle.cursor() as cursor:
                    cursor.execute("SELECT 1")
                return idle
            except self.errors:
                with suppress(*self.errors):
                    idle.close()
        try:
            return self._connect()
        except self.errors as error:
            raise self._unreachable(error) from error

    @property
    def _key(self) -> Any:
        return type(self), self.server, self._secret

    def _explained(self, error: Exception) -> PenstockError:
        """What an error in the middle of the work means."""
        kind = self._class_of(error)
        reason = self._reason(error)
        if kind is Taken:
            return Taken(f"{self.server}: another row of {self.shape.name} stands in the way: {reason}")
        if kind is Transient:
            return Transient(f"{self.server}: {reason}", code="database")
        if kind is ItemError:
            return ItemError(f"{self.server}: {self.shape.name} refuses the row: {reason}", code="row")
        return Unavailable(f"{self.server} cannot be written: {reason}; see to that server")

    @abstractmethod
    def _connect(self) -> Any: ...

    @abstractmethod
    def _unreachable(self, error: Exception) -> PenstockError: ...

    @abstractmethod
    def _class_of(self, error: Exception) -> type[PenstockError]: ...

    @abstractmethod
    def _reason(self, error: Exception) -> str: ...

    @abstractmethod
    def _quoted(self, name: str) -> str: ...

    @abstractmethod
    def _columns(self, cursor: Any) -> dict[str, Column]: ...

    @abstractmethod
    def _unique(self, cursor: Any) -> set[str]: ...

    @abstractmethod
    def _own_faults(self, cursor: Any) -> Iterator[Any]: ...

    @abstractmethod
    def _mender(self) -> Mender: ...

    @abstractmethod
    def _make(self, cursor: Any) -> None: ...

    @abstractmethod
    def _inserted(self, cursor: Any, sql: str, values: list[Any], columns: Mapping[str, Column]) -> int: ...

    @abstractmethod
    def _notes(self, cursor: Any, columns: Mapping[str, Column]) -> Iterator[str]: ...

    @abstractmethod
    def _version(self, cursor: Any) -> str: ...


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value
