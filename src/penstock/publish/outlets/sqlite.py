"""Target kind `sqlite`: a website's table of pictures in an SQLite database."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from penstock.adapters.folders import make_folder
from penstock.adapters.sqltable import Shape, SqliteTable
from penstock.engine.errors import UsageError
from penstock.publish.outlets import Goods, View, no_more_options
from penstock.publish.website import COLUMNS, KEY, TABLE


class SqliteOutlet:
    """Rows of one table, `photos_info_revamp` unless option `table` names another. `url` is the database's path."""

    rank = 1
    takes_secret = False

    def __init__(self, url: str, options: Mapping[str, Any]) -> None:
        self._table = SqliteTable(Path(url), Shape(str(options.get("table", TABLE)), KEY, COLUMNS))

    @staticmethod
    def address(url: str, options: Mapping[str, Any]) -> str:
        """A path or sqlite:///path (four slashes before an absolute one) as an absolute path."""
        no_more_options(options, "table")
        if not re.fullmatch(r"[A-Za-z_]\w{0,62}", str(options.get("table", TABLE)), re.ASCII):
            raise UsageError("option table: letters, digits and underscores, at most 63")
        path = url.removeprefix("sqlite:///")
        if not path.strip() or "://" in path:
            raise UsageError(f"{url!r} is no SQLite database; give a path or sqlite:///path")
        return str(Path(path).expanduser().absolute())

    def make(self) -> None:
        """Make folder, database and table."""
        file = self._table.file
        try:
            make_folder(file.parent)
        except OSError as error:
            raise UsageError(f"{file.parent} cannot be made: {error.strerror}") from error
        self._table.make()

    def test(self) -> str:
        """Begin to write, and see that the table is there or can be made."""
        self._table.make()
        return f"{self._table.file} can be written; table {self._table.shape.name} is there"

    def look(self, goods: Goods) -> View:
        """By the row's name."""
        found = self._table.rows(goods["row"][KEY])
        if not found:
            return "absent"
        if len(found) == 1 and self._table.same(found[0], goods["row"]):
            return "same"
        ours = len(found) == 1 and any(self._table.same(found[0], row) for row in goods["known"])
        return "ours" if ours else "other"

    def send(self, goods: Goods, progress: Callable[[str], None]) -> tuple[bool, dict[str, Any]]:
        """One transaction: read, write, read back."""
        answer, number = self._table.put(goods["row"], goods["known"])
        progress("row written")
        return answer == "sent", {"id": number, "row": goods["row"]}

    def withdraw(self, goods: Goods) -> bool:
        """Delete the row that is ours."""
        return self._table.remove(goods["row"], goods["known"])

    def strangers(self, receipts: Collection[Mapping[str, Any]]) -> list[str]:
        """Names in the table that no receipt has."""
        ours = {receipt["row"][KEY] for receipt in receipts}
        return [key for key in self._table.names() if key not in ours]
