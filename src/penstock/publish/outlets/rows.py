"""What every kind of row target has in common: one row per picture in a website's table."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Protocol

from penstock.adapters.sqltable import Shape
from penstock.engine.errors import UsageError
from penstock.publish.outlets import Goods, View
from penstock.publish.website import COLUMNS, KEY, TABLE

Row = Mapping[str, Any]


class Table(Protocol):
    """A table of rows by key, wherever it is."""

    shape: Shape

    def make(self) -> None:
        """Make what is missing where that is ours to do; see that the table can hold the rows."""

    def test(self) -> str:
        """Try to write; a sentence that says what was found."""

    def rows(self, key: str) -> list[dict[str, Any]]:
        """The rows of a key with their `id`."""

    def names(self) -> list[str]:
        """Every key."""

    def put(self, row: Row, known: Sequence[Row]) -> tuple[str, int]:
        """Write the row; `sent` or `unchanged`, and its id."""

    def remove(self, row: Row, known: Sequence[Row]) -> bool:
        """Delete the row when it is ours."""

    def same(self, there: Row, row: Row) -> bool:
        """Whether a stored row holds what `row` says."""


class RowOutlet:
    """Rows of one table, `photos_info_revamp` unless option `table` names another. A kind adds its own address."""

    rank: int = 1
    table: Table

    def make(self) -> None:
        """Make what is missing where that is ours to do, and see that the table can hold the rows."""
        self.table.make()

    def test(self) -> str:
        """Try to write; a sentence that says what was found."""
        return self.table.test()

    def look(self, goods: Goods) -> View:
        """By the row's name. The right row under another number than the goods say is `ours`."""
        found = self.table.rows(goods["row"][KEY])
        if not found:
            return "absent"
        if len(found) == 1 and self.table.same(found[0], goods["row"]):
            return "same" if goods.get("id", 0) in (0, found[0]["id"]) else "ours"
        ours = len(found) == 1 and any(self.table.same(found[0], row) for row in goods["known"])
        return "ours" if ours else "other"

    def send(self, goods: Goods, progress: Callable[[str], None]) -> tuple[bool, dict[str, Any]]:
        """One transaction: read, write, read back."""
        answer, number = self.put(goods)
        progress("row written")
        return answer == "sent", {"id": number, "row": goods["row"]}

    def put(self, goods: Goods) -> tuple[str, int]:
        """Write the row; `sent` or `unchanged`, and the number that the table gave it."""
        return self.table.put(goods["row"], goods["known"])

    def withdraw(self, goods: Goods) -> bool:
        """Delete the row that is ours."""
        return self.table.remove(goods["row"], goods["known"])

    def strangers(self, receipts: Collection[Mapping[str, Any]]) -> list[str]:
        """Names in the table that no receipt has."""
        ours = {receipt["row"][KEY] for receipt in receipts}
        return [key for key in self.table.names() if key not in ours]


def shape(options: Mapping[str, Any]) -> Shape:
    """The website's table under the name that option `table` gives it. Raises UsageError for a name that is none."""
    name = str(options.get("table", TABLE))
    if not re.fullmatch(r"[A-Za-z_]\w{0,62}", name, re.ASCII):
        raise UsageError("option table: letters, digits and underscores, at most 63")
    return Shape(name, KEY, COLUMNS)


def said_yes(options: Mapping[str, Any], name: str) -> bool:
    """An option that is yes or no; no when it is not given. Raises UsageError for another word."""
    word = str(options.get(name, "no"))
    if word not in ("yes", "no"):
        raise UsageError(f"option {name}: {word[:20]!r} is unknown; write yes or no")
    return word == "yes"
