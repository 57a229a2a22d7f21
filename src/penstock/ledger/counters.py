"""Counters move in the transaction that moves the rows; a recount always confirms them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, NamedTuple

from django.db import connection

from penstock.ledger.models import SiteCounter, StageRun
from penstock.ledger.rows import prepared, quoted

Place = tuple[str, str, str]  # table, stage, state


class Counts(NamedTuple):
    """What a claim must know of a stage of a run."""

    number: int
    name: str
    ready: int
    leased: int
    not_before: float


class Tally:
    """What a transaction moves: rows leaving and entering (table, stage, state), for a run and for its site."""

    def __init__(self) -> None:
        self._places: dict[tuple[str | None, Place], int] = defaultdict(int)
        self._columns: dict[tuple[str, str], dict[str, float]] = defaultdict(lambda: defaultdict(int))
        self._stamps: dict[tuple[str, str], dict[str, Any]] = defaultdict(dict)
        self._read: dict[str, list[Counts]] = {}  # run → its stages, as they were when they were first asked for

    def move(self, run: str | None, table: str, old: tuple[str, str] | None, new: tuple[str, str] | None) -> None:
        """One row of `run` goes from (stage, state) `old` to `new`; None means it did not or does not exist."""
        self.add(run, table, old, -1)
        self.add(run, table, new, 1)

    def add(self, run: str | None, table: str, place: tuple[str, str] | None, n: int) -> None:
        """`n` rows of `run` more at `place`."""
        if place is not None:
            self._places[run, (table, *place)] += n
            if run is not None:
                self._columns[run, place[0]][place[1]] += n

    def passed(self, run: str, stage: str, n: int = 1) -> None:
        """The stage is done with `n` items more."""
        self._columns[run, stage]["passed"] += n

    def retried(self, run: str, stage: str, n: int = 1) -> None:
        """The stage will try `n` items again."""
        self._columns[run, stage]["retries"] += n

    def worked(self, run: str, stage: str, seconds: float, ended: Any) -> None:
        """The stage took this much working time more, and last ended something now."""
        self._columns[run, stage]["seconds"] += seconds
        self._stamps[run, stage]["ended_at"] = ended

    def claimed(self, run: str, stage: str, batches: int, started: Any) -> None:
        """So many batches of the stage were claimed; the first of a run says when it started."""
        self._columns[run, stage]["batches"] += batches
        self._stamps[run, stage]["started_at"] = started

    def hold_back(self, run: str, stage: str, until: float) -> None:
        """Nothing of the stage is claimed before `until` (ledger seconds)."""
        self._stamps[run, stage]["not_before"] = until

    def stages(self, cursor: Any, run: str) -> list[Counts]:
        """The stages of a run, in order, as this transaction will leave them so far."""
        if run not in self._read:
            self._read[run] = counts_of(cursor, run)
        return [self._now(run, counts) for counts in self._read[run]]

    def _now(self, run: str, counts: Counts) -> Counts:
        moved, stamps = self._columns.get((run, counts.name), {}), self._stamps.get((run, counts.name), {})
        return counts._replace(
            ready=counts.ready + int(moved.get("ready", 0)),
            leased=counts.leased + int(moved.get("leased", 0)),
            not_before=stamps.get("not_before", counts.not_before),
        )

    def write(self, cursor: Any, site: int) -> None:
        """Apply everything to StageRun and SiteCounter."""
        for key in sorted(self._columns.keys() | self._stamps.keys()):
            deltas = {name: n for name, n in self._columns.get(key, {}).items() if n}
            _write_stage(cursor, *key, deltas, self._stamps.get(key, {}))
        sites: dict[Place, int] = defaultdict(int)
        for (_, place), n in self._places.items():
            sites[place] += n
        for place, n in sorted(sites.items()):
            if n:
                _raise_site(cursor, site, place, n)


def counts_of(cursor: Any, run: str) -> list[Counts]:
    """One narrow read."""
    cursor.execute(
        f"SELECT number, name, ready, leased, not_before FROM {quoted(StageRun)} WHERE run_id=%s ORDER BY number", [run]
    )
    return [Counts(*row) for row in cursor.fetchall()]


def _write_stage(cursor: Any, run: str, stage: str, deltas: Mapping[str, float], stamps: Mapping[str, Any]) -> None:
    quote = connection.ops.quote_name
    sets = [f"{quote(name)}={quote(name)}+%s" for name in deltas]
    sets += ["started_at=COALESCE(started_at, %s)" if name == "started_at" else f"{quote(name)}=%s" for name in stamps]
    if sets:
        values = [*deltas.values(), *(prepared(StageRun, name, value) for name, value in stamps.items())]
        sql = f"UPDATE {quoted(StageRun)} SET {', '.join(sets)} WHERE run_id=%s AND name=%s"
        cursor.execute(sql, [*values, run, stage])


def _raise_site(cursor: Any, site: int, place: Place, n: int) -> None:
    table = connection.ops.quote_name("table")
    cursor.execute(
        f"UPDATE {quoted(SiteCounter)} SET n=n+%s WHERE site_id=%s AND {table}=%s AND stage=%s AND state=%s",
        [n, site, *place],
    )
    if cursor.rowcount == 0:
        SiteCounter.objects.create(site_id=site, table=place[0], stage=place[1], state=place[2], n=n)
