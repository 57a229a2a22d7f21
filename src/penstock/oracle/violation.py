"""What the oracle finds, and how it asks: one statement per question, a bounded number of answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from penstock.accounts.models import Site
from penstock.engine.clock import Clock
from penstock.ledger import TABLES, rows

MOST = 200  # answers per question: who has more of one kind needs no longer list
PAGE = 5000


@dataclass(frozen=True)
class Violation:
    """A broken invariant: its number, the row it is about, one sentence with the numbers, what to do about it."""

    invariant: str
    subject: str
    detail: str
    mend: str


@dataclass(frozen=True)
class Look:
    """What is looked at, how closely, and what time it is."""

    site: Site | None
    files: bool
    deep: bool
    clock: Clock

    def only(self, column: str = "site_id") -> str:
        """A condition that keeps rows of the site; true when all sites are looked at."""
        return "1=1" if self.site is None else f"{column}={int(self.site.pk)}"


def items() -> list[tuple[str, str]]:
    """(key, quoted table) of every table of work items."""
    return [(key, rows.quoted(model)) for key, model in TABLES.items() if rows.is_item(key)]


def ask(sql: str, params: Sequence[Any] = (), most: int = MOST) -> list[tuple[Any, ...]]:
    """At most `most` answers."""
    with connection.cursor() as cursor:
        cursor.execute(sql, list(params))
        return list(cursor.fetchmany(most))


def pages(sql: str, params: Sequence[Any] = (), start: int = 0) -> Iterator[list[tuple[Any, ...]]]:
    """Pages by rising id: `sql` ends in `… id>%s` (its last parameter) and answers the id first."""
    last = start
    while True:
        page = ask(f"{sql} ORDER BY 1 LIMIT {PAGE}", [*params, last], PAGE)
        if page:
            yield page
        if len(page) < PAGE:
            return
        last = page[-1][0]


def name(text: str) -> str:
    """A quoted column or table name."""
    return connection.ops.quote_name(text)
