"""A table on a MySQL or MariaDB server, by PyMySQL."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from typing import Any

from penstock.adapters.servertable import ServerTable, Taken
from penstock.adapters.sqlfaults import Column, Fault, Kind, Mender, wanted
from penstock.adapters.sqlserver import ANSWER, CONNECT, LOCK, Server, driver
from penstock.adapters.sqltable import Shape
from penstock.engine.errors import ItemError, PenstockError, Transient, Unavailable

STRICT = "STRICT_ALL_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"
UTF8 = "CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
KINDS: dict[str, Kind] = {
    **dict.fromkeys(("char", "varchar", "tinytext", "text", "mediumtext", "longtext"), "text"),
    **dict.fromkeys(("tinyint", "smallint", "mediumint", "int", "bigint"), "integer"),
    **dict.fromkeys(("double", "decimal"), "real"),
}
TYPES: dict[Kind, str] = {"text": "TEXT", "integer": "INT", "real": "DOUBLE"}
SHOWN = 190  # characters of a name's column: below the limit of every index on utf8mb4

LOST = {1040, 1053, 1203, 1205, 1213, 1927, 2006, 2013, 2014, 2055, 4031}  # busy, locked, shutting down, gone
REFUSED = {
    1048, 1264, 1265, 1292, 1364, 1366, 1406, 1411, 1451, 1452, 1644, 1690, 3140, 3819, 3988, 4025, 4078,
}  # fmt: skip
DUPLICATE = {1022, 1062, 1557, 1586}
CREDENTIALS = {1044, 1045, 1698, 1862, 1820}
CLIENT, NO_ANSWER = 2000, 2003  # errors from 2000 on are the library's own


class MysqlTable(ServerTable):
    """One table; `server` must be there only when a method is called."""

    def __init__(self, server: Server, secret: str, shape: Shape, *, may_make: bool) -> None:
        super().__init__(server, secret, shape, may_make=may_make)
        self._driver = driver("pymysql", "PyMySQL", "mysql")
        self.errors = (self._driver.MySQLError,)

    def _connect(self) -> Any:
        way = {"ssl": self.server.context()} if self.server.encrypted else {"ssl_disabled": True}
        return self._driver.connect(
            host=self.server.host, port=self.server.port, user=self.server.user, password=self._secret.encode(),
            database=self.server.database, charset="utf8mb4", sql_mode=STRICT, autocommit=False,
            init_command=f"SET SESSION innodb_lock_wait_timeout={LOCK}",
            connect_timeout=CONNECT, read_timeout=ANSWER, write_timeout=ANSWER, **way,
        )  # fmt: skip

    def _unreachable(self, error: Exception) -> PenstockError:
        code, reason = _code(error), self._reason(error)
        cause = getattr(error, "original_exception", None)
        if isinstance(cause, ssl.SSLCertVerificationError):
            why = f"its certificate is not trusted ({cause.verify_message}); give its authority by --option ca=FILE"
            return Unavailable(f"{self.server}: {why}", code="certificate")
        if code in CREDENTIALS:
            return Unavailable(f"{self.server}: {reason}; see to user, rights and password (penstock target secret)")
        if code in LOST and code < CLIENT:
            return Transient(f"{self.server}: {reason}", code="database")
        return Unavailable(f"{self.server} cannot be reached: {reason}; see that it runs and lets this machine in")

    def _class_of(self, error: Exception) -> type[PenstockError]:
        code = _code(error)
        if code in DUPLICATE:
            return Taken
        if code in LOST or isinstance(error, self._driver.err.InterfaceError):
            return Transient
        strange = isinstance(error, self._driver.err.DataError) or (not code and "nan" in str(error))
        return ItemError if code in REFUSED or strange else Unavailable

    def _reason(self, error: Exception) -> str:
        text = str(error.args[-1] if error.args else "") or "the connection is closed"
        return " ".join(text.split())[:300]

    def _quoted(self, name: str) -> str:
        return "`" + name.replace("`", "``") + "`"

    def _columns(self, cursor: Any) -> dict[str, Column]:
        cursor.execute(
            "SELECT COLUMN_NAME, COLUMN_TYPE, DATA_TYPE, IS_NULLABLE, EXTRA, COLUMN_DEFAULT, CHARACTER_MAXIMUM_LENGTH,"
            " CHARACTER_SET_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA=DATABASE() AND TABLE_NAME=%s",
            [self.shape.name],
        )
        return {row[0]: _column(*row) for row in cursor.fetchall()}

    def _unique(self, cursor: Any) -> set[str]:
        cursor.execute(
            "SELECT MAX(COLUMN_NAME) FROM information_schema.STATISTICS WHERE TABLE_SCHEMA=DATABASE() AND TABLE_NAME=%s"
            " AND NON_UNIQUE=0 GROUP BY INDEX_NAME HAVING COUNT(*)=1 AND MAX(SUB_PART) IS NULL",
            [self.shape.name],
        )
        return {row[0] for row in cursor.fetchall()}

    def _own_faults(self, cursor: Any) -> Iterator[Fault]:
        cursor.execute(
            "SELECT t.ENGINE, e.TRANSACTIONS FROM information_schema.TABLES t LEFT JOIN information_schema.ENGINES e"
            " ON e.ENGINE=t.ENGINE WHERE t.TABLE_SCHEMA=DATABASE() AND t.TABLE_NAME=%s",
            [self.shape.name],
        )
        engine, transactions = cursor.fetchone()
        if transactions != "YES":
            yield Fault(f"its engine {engine or 'view'} knows no transactions", "ENGINE=InnoDB")

    def _mender(self) -> Mender:
        key = self._quoted(self.shape.key)
        return Mender(
            add=lambda name: f"ADD COLUMN {self._spelt(name)}",
            retype=lambda name: f"MODIFY {self._spelt(name)}",
            allow_null=lambda column: f"MODIFY {self._quoted(column.name)} {column.type} NULL",
            default=lambda column: f"MODIFY {self._quoted(column.name)} {column.type} NULL",
            widen=lambda name: f"MODIFY {self._spelt(name)}",
            add_id="ADD COLUMN `id` BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY FIRST",
            add_unique=f"ADD UNIQUE KEY ({key})",
            to_unicode="CONVERT TO CHARACTER SET utf8mb4",
        )

    def _spelt(self, name: str) -> str:
        """A column as CREATE and ALTER TABLE want it. A unique name is short enough for every index."""
        if name == self.shape.key:
            return f"{self._quoted(name)} VARCHAR({SHOWN}) {UTF8} NOT NULL"
        null = "NOT NULL" if "NOT NULL" in self.shape.columns[name] else "NULL"
        return f"{self._quoted(name)} {TYPES[wanted(self.shape, name)]} {null}"

    def _make(self, cursor: Any) -> None:
        columns = ", ".join(map(self._spelt, self.shape.columns))
        cursor.execute(
            f"CREATE TABLE IF NOT EXISTS {self._name} (`id` BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, {columns},"
            f" UNIQUE KEY ({self._quoted(self.shape.key)})) ENGINE=InnoDB DEFAULT {UTF8}"
        )
        there = {name.casefold() for name in self._columns(cursor)}
        new = [f"ADD COLUMN {self._spelt(name)}" for name in self.shape.columns if name.casefold() not in there]
        if new:
            cursor.execute(f"ALTER TABLE {self._name} {', '.join(new)}")

    def _inserted(self, cursor: Any, sql: str, values: list[Any], columns: Mapping[str, Column]) -> int:
        cursor.execute(sql, values)
        return int(cursor.lastrowid)

    def _notes(self, cursor: Any, columns: Mapping[str, Column]) -> Iterator[str]:
        cursor.execute(
            "SELECT COLLATION_NAME FROM information_schema.COLUMNS"
            " WHERE TABLE_SCHEMA=DATABASE() AND TABLE_NAME=%s AND COLUMN_NAME=%s",
            [self.shape.name, columns[self.shape.key].name],
        )
        collation = str(cursor.fetchone()[0])
        if not collation.endswith(("_bin", "_as_cs")):
            yield f"to its collation {collation} names are one that differ by case or accents only; ours never do"

    def _version(self, cursor: Any) -> str:
        cursor.execute("SELECT VERSION()")
        version = str(cursor.fetchone()[0])
        return f"MariaDB {version.split('-')[0]}" if "MariaDB" in version else f"MySQL {version}"


def _code(error: Exception) -> int:
    return error.args[0] if error.args and isinstance(error.args[0], int) else 0


def _column(
    name: str, type_: str, data: str, nullable: str, extra: str, default: Any, length: Any, charset: Any
) -> Column:
    kind = KINDS.get(str(data).lower(), "other")
    limit = int(length) if length and str(data).lower() in ("char", "varchar") else 0
    filled = bool(extra) and any(word in extra.lower() for word in ("auto_increment", "generated"))
    return Column(
        name, type_, kind, nullable == "YES", filled or default is not None, limit,
        kind != "text" or str(charset).lower() == "utf8mb4",
    )  # fmt: skip
