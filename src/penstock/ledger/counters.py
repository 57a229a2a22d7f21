"""Counters move in the transaction that moves the rows; a recount always confirms them."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from django.db import connection

from penstock.ledger.models import SiteCounter, StageRun
from penstock.ledger.rows import quoted

Place = tuple[str, str, str]  # table, stage, state


class Tally:
    """What a transaction moves: rows leaving and entering (table, stage, state), for a run and for its site."""

    def __init__(self) -> None:
        self._run: dict[tuple[str | None, Place], int] = defaultdict(int)
        self._passed: dict[tuple[str, str], int] = defaultdict(int)
        self._retries: dict[tuple[str, str], int] = defaultdict(int)

    def move(self, run: str | None, table: str, old: tuple[str, str] | None, new: tuple[str, str] | None) -> None:
        """One row of `run` goes from (stage, state) `old` to `new`; None means it did not or does not exist."""
        self.add(run, table, old, -1)
        self.add(run, table, new, 1)

    def add(self, run: str | None, table: str, place: tuple[str, str] | None, n: int) -> None:
        """`n` rows of `run` more at `place`."""
        if place is not None:
            self._run[run, (table, *place)] += n

    def passed(self, run: str, stage: str, n: int = 1) -> None:
        """The stage is done with `n` items more."""
        self._passed[run, stage] += n

    def retried(self, run: str, stage: str) -> None:
        """The stage will try an item again."""
        self._retries[run, stage] += 1

    def write(self, cursor: Any, site: int) -> None:
        """Apply everything to StageRun and SiteCounter."""
        sites: dict[Place, int] = defaultdict(int)
        runs: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
        for (run, (table, stage, state)), n in self._run.items():
            sites[table, stage, state] += n
            if run is not None:
                runs[run, stage][state] += n
        for name, counts in (("passed", self._passed), ("retries", self._retries)):
            for (run, stage), n in counts.items():
                runs[run, stage][name] += n
        for (run, stage), deltas in runs.items():
            _raise_stage(cursor, run, stage, {name: n for name, n in deltas.items() if n})
        for place, n in sites.items():
            if n:
                _raise_site(cursor, site, place, n)


def _raise_stage(cursor: Any, run: str, stage: str, deltas: dict[str, int]) -> None:
    if not deltas:
        return
    sets = ", ".join(f"{connection.ops.quote_name(name)}={connection.ops.quote_name(name)}+%s" for name in deltas)
    cursor.execute(f"UPDATE {quoted(StageRun)} SET {sets} WHERE run_id=%s AND name=%s", [*deltas.values(), run, stage])


def _raise_site(cursor: Any, site: int, place: Place, n: int) -> None:
    table = connection.ops.quote_name("table")
    cursor.execute(
        f"UPDATE {quoted(SiteCounter)} SET n=n+%s WHERE site_id=%s AND {table}=%s AND stage=%s AND state=%s",
        [n, site, *place],
    )
    if cursor.rowcount == 0:
        SiteCounter.objects.create(site_id=site, table=place[0], stage=place[1], state=place[2], n=n)
