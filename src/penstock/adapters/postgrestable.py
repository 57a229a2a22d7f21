"""A table on a PostgreSQL server, by psycopg."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from penstock.adapters.servertable import ServerTable, Taken
from penstock.adapters.sqlfaults import Column, Fault, Kind, Mender, wanted
from penstock.adapters.sqlserver import ANSWER, CONNECT, LOCK, Server, driver
from penstock.adapters.sqltable import Shape, quoted
from penstock.engine.errors import ItemError, PenstockError, Transient, Unavailable

KINDS: dict[str, Kind] = {
    **dict.fromkeys(("text", "varchar", "bpchar", "citext"), "text"),
    **dict.fromkeys(("int2", "int4", "int8"), "integer"),
    **dict.fromkeys(("float8", "numeric"), "real"),
}
TYPES: dict[Kind, str] = {"text": "TEXT", "integer": "INTEGER", "real": "DOUBLE PRECISION"}

PASSING = ("08", "40", "57P01", "57P02", "57014", "55P03", "53300", "25P03")  # SQLSTATEs, or their beginnings
REFUSED = ("22", "23", "44", "P0001")
DUPLICATE = ("23505", "23P01")
CREDENTIALS = ("password", "authentication", "pg_hba.conf", "role")


class PostgresTable(ServerTable):
    """One table, found by the search path; `server` must be there only when a method is called."""

    def __init__(self, server: Server, secret: str, shape: Shape, *, may_make: bool) -> None:
        super().__init__(server, secret, shape, may_make=may_make)
        self._driver = driver("psycopg", "psycopg[binary]", "postgres")
        self.errors = (self._driver.Error,)

    def _connect(self) -> Any:
        way = {"sslmode": "disable"}
        if self.server.encrypted:
            way = {"sslmode": "verify-full", "sslrootcert": self.server.ca or "system"}
        connection = self._driver.connect(
            host=self.server.host, port=self.server.port, user=self.server.user, password=self._secret or None,
            dbname=self.server.database, connect_timeout=CONNECT, client_encoding="UTF8", gssencmode="disable",
            application_name="penstock", tcp_user_timeout=ANSWER * 1000, keepalives_idle=CONNECT, **way,
        )  # fmt: skip
        connection.prepare_threshold = None  # a pooler between us may give each transaction another session
        connection.autocommit = True  # what is set for the session is no part of a transaction
        connection.execute(f"SET statement_timeout='{ANSWER}s'")
        connection.execute(f"SET lock_timeout='{LOCK}s'")
        connection.autocommit = False
        return connection

    def _unreachable(self, error: Exception) -> PenstockError:
        reason, state = self._reason(error), getattr(error, "sqlstate", None) or ""
        if "certificate" in reason:
            text = f"its certificate is not trusted ({reason}); give its authority by --option ca=FILE"
            return Unavailable(f"{self.server}: {text}", code="certificate")
        if state.startswith(PASSING):
            return Transient(f"{self.server}: {reason}", code="database")
        if any(word in reason for word in CREDENTIALS):
            return Unavailable(f"{self.server}: {reason}; see to user, rights and password (penstock target secret)")
        return Unavailable(f"{self.server} cannot be reached: {reason}; see that it runs and lets this machine in")

    def _class_of(self, error: Exception) -> type[PenstockError]:
        state = getattr(error, "sqlstate", None) or ""
        if state in DUPLICATE:
            return Taken
        if state.startswith(REFUSED) or (not state and isinstance(error, self._driver.DataError)):
            return ItemError
        lost = not state and isinstance(error, self._driver.OperationalError | self._driver.InterfaceError)
        return Transient if lost or state.startswith(PASSING) else Unavailable

    def _reason(self, error: Exception) -> str:
        said = getattr(getattr(error, "diag", None), "message_primary", None)
        return " ".join(str(said or error).split())[:300]

    def _quoted(self, name: str) -> str:
        return quoted(name)

    def _columns(self, cursor: Any) -> dict[str, Column]:
        cursor.execute(
            "SELECT a.attname, format_type(a.atttypid, a.atttypmod), t.typname, a.attnotnull,"
            " a.atthasdef OR a.attidentity<>'', CASE WHEN t.typname IN ('varchar', 'bpchar') AND a.atttypmod>4"
            " THEN a.atttypmod-4 ELSE 0 END FROM pg_attribute a JOIN pg_type t ON t.oid=a.atttypid"
            " WHERE a.attrelid=to_regclass(%s) AND a.attnum>0 AND NOT a.attisdropped",
            [quoted(self.shape.name)],
        )
        return {
            name: Column(name, type_, KINDS.get(base, "other"), not notnull, filled, length)
            for name, type_, base, notnull, filled, length in cursor.fetchall()
        }

    def _unique(self, cursor: Any) -> set[str]:
        cursor.execute(
            "SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid=i.indrelid AND a.attnum=i.indkey[0]"
            " WHERE i.indrelid=to_regclass(%s) AND i.indisunique AND i.indisvalid AND i.indnkeyatts=1"
            " AND i.indpred IS NULL AND i.indexprs IS NULL",
            [quoted(self.shape.name)],
        )
        return {row[0] for row in cursor.fetchall()}

    def _own_faults(self, cursor: Any) -> Iterator[Fault]:
        cursor.execute("SHOW server_encoding")
        encoding = cursor.fetchone()[0]
        if encoding != "UTF8":
            text = f"its encoding {encoding} cannot hold every letter; make a database WITH ENCODING 'UTF8'"
            raise Unavailable(f"{self.server}: {text}", code="table")
        sql = "SELECT relkind IN ('r', 'p') FROM pg_class WHERE oid=to_regclass(%s)"
        cursor.execute(sql, [quoted(self.shape.name)])
        if not cursor.fetchone()[0]:
            raise Unavailable(f"{self.server}: {self.shape.name} is no table; name another one", code="table")
        yield from ()

    def _mender(self) -> Mender:
        return Mender(
            add=lambda name: f"ADD COLUMN {self._spelt(name)}",
            retype=lambda name: f"ALTER COLUMN {self._quoted(name)} TYPE {self._type(name)}",
            allow_null=lambda column: f"ALTER COLUMN {self._quoted(column.name)} DROP NOT NULL",
            default=lambda column: f"ALTER COLUMN {self._quoted(column.name)} DROP NOT NULL",
            widen=lambda name: f"ALTER COLUMN {self._quoted(name)} TYPE TEXT",
            add_id='ADD COLUMN "id" BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY',
            add_unique=f"ADD UNIQUE ({self._quoted(self.shape.key)})",
        )

    def _type(self, name: str) -> str:
        return TYPES[wanted(self.shape, name)]

    def _spelt(self, name: str) -> str:
        must = name == self.shape.key or "NOT NULL" in self.shape.columns[name]
        return f"{self._quoted(name)} {self._type(name)}{' NOT NULL' if must else ''}"

    def _make(self, cursor: Any) -> None:
        columns = ", ".join(map(self._spelt, self.shape.columns))
        identity = '"id" BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY'
        key = f"UNIQUE ({self._quoted(self.shape.key)})"
        cursor.execute(f"CREATE TABLE IF NOT EXISTS {self._name} ({identity}, {columns}, {key})")
        there = {name.casefold() for name in self._columns(cursor)}
        new = [f"ADD COLUMN {self._spelt(name)}" for name in self.shape.columns if name.casefold() not in there]
        if new:
            cursor.execute(f"ALTER TABLE {self._name} {', '.join(new)}")
        self._commit(cursor)

    def _inserted(self, cursor: Any, sql: str, values: list[Any], columns: Mapping[str, Column]) -> int:
        cursor.execute(f"{sql} RETURNING {self._quoted(columns['id'].name)}", values)
        return int(cursor.fetchone()[0])

    def _notes(self, cursor: Any, columns: Mapping[str, Column]) -> Iterator[str]:
        cursor.execute(
            "SELECT c.collname, c.collisdeterministic FROM pg_attribute a JOIN pg_collation c ON c.oid=a.attcollation"
            " WHERE a.attrelid=to_regclass(%s) AND a.attname=%s",
            [quoted(self.shape.name), columns[self.shape.key].name],
        )
        name, exact = cursor.fetchone()
        if not exact or columns[self.shape.key].type == "citext":
            yield f"to its type or collation {name} names are one that differ by case or accents only; ours never do"

    def _version(self, cursor: Any) -> str:
        cursor.execute("SHOW server_version")
        return f"PostgreSQL {str(cursor.fetchone()[0]).split()[0]}"
