"""Target kind `sqlite`: a website's table of pictures in an SQLite database, or the local mirror of one elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from penstock.adapters.folders import make_folder
from penstock.adapters.sqltable import SqliteTable
from penstock.engine.errors import UsageError
from penstock.publish.outlets import Goods, no_more_options
from penstock.publish.outlets.rows import RowOutlet, said_yes, shape


class SqliteOutlet(RowOutlet):
    """`url` is the database's path. Options: `table`; `mirror`: rows come last, under the numbers that the site's first
    other table gave them."""

    def __init__(self, url: str, options: Mapping[str, Any], _secret: str = "") -> None:
        self.table: SqliteTable = SqliteTable(Path(url), shape(options))
        self._mirrors = said_yes(options, "mirror")
        self.rank = 2 if self._mirrors else 1

    @staticmethod
    def address(url: str, options: Mapping[str, Any]) -> str:
        """A path or sqlite:///path (four slashes before an absolute one) as an absolute path."""
        no_more_options(options, "table", "mirror")
        shape(options), said_yes(options, "mirror")
        path = url.removeprefix("sqlite:///")
        if not path.strip() or "://" in path:
            raise UsageError(f"{url!r} is no SQLite database; give a path or sqlite:///path")
        return str(Path(path).expanduser().absolute())

    def make(self) -> None:
        """Make folder, database and table."""
        file = self.table.file
        try:
            make_folder(file.parent)
        except OSError as error:
            raise UsageError(f"{file.parent} cannot be made: {error.strerror}") from error
        self.table.make()

    def put(self, goods: Goods) -> tuple[str, int]:
        """Write the row, under its number on the server when it has one there."""
        return self.table.put(goods["row"], goods["known"], goods.get("id", 0) if self._mirrors else 0)
