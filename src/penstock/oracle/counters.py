"""24: counters equal a recount. Each comparison is one statement, so that it sees one moment."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import IntegerField, Sum
from django.db.models.fields.json import KT
from django.db.models.functions import Cast

from penstock.engine.states import ItemState
from penstock.ledger import models as m
from penstock.ledger import rows
from penstock.oracle.violation import Look, Violation, ask, items, name

SITES, STAGE, RUN = rows.quoted(m.SiteCounter), rows.quoted(m.StageRun), rows.quoted(m.Run)
MEND = "penstock recover; when it stays: penstock db backup FILE, and report it"


def check(look: Look) -> Iterator[Violation]:
    """Per site, per run, and what each stage has passed on."""
    for key, table in items():
        yield from _sites(look, key, table)
        yield from _stages(look, key, table)
    yield from _unknown_tables(look)
    yield from _passed(look)


def _sites(look: Look, key: str, table: str) -> Iterator[Violation]:
    found = f"SELECT site_id, stage, state, COUNT(*) AS found, 0 AS said FROM {table} WHERE {look.only()}"
    said = (
        f"SELECT site_id, stage, state, 0 AS found, n AS said FROM {SITES} WHERE {name('table')}=%s AND {look.only()}"
    )
    both = f"{found} GROUP BY site_id, stage, state UNION ALL {said}"
    sql = f"SELECT site_id, stage, state, SUM(found), SUM(said) FROM ({both}) b GROUP BY site_id, stage, state"
    for site, stage, state, n, counted in ask(sql + " HAVING SUM(found)<>SUM(said)", [key]):
        detail = f"its counter says {counted} rows of table {key} are at {stage}/{state}; there are {n}"
        yield Violation("24", f"site {site}, {key} {stage}/{state}", detail, MEND)


def _stages(look: Look, key: str, table: str) -> Iterator[Violation]:
    found = f"SELECT run AS run, stage AS stage, state AS state, COUNT(*) AS found, 0 AS said FROM {table}"
    parts = [f"{found} WHERE run IS NOT NULL AND {look.only()} GROUP BY run, stage, state"]
    of_site = "" if look.site is None else f" AND s.run_id IN (SELECT id FROM {RUN} WHERE {look.only()})"
    for state in ItemState:
        column = f"s.{name(state.value)}"
        said = f"SELECT s.run_id, s.name, '{state.value}', 0, {column} FROM {STAGE} s"
        parts.append(f"{said} WHERE s.{name('table')}=%s AND {column}<>0{of_site}")
    sql = f"SELECT run, stage, state, SUM(found), SUM(said) FROM ({' UNION ALL '.join(parts)}) b"
    sql += " GROUP BY run, stage, state HAVING SUM(found)<>SUM(said)"
    for run, stage, state, n, counted in ask(sql, [key] * len(ItemState)):
        detail = f"its counter says {counted} rows of table {key} are at {stage}/{state}; there are {n}"
        yield Violation("24", f"run {run}, {stage}/{state}", detail, MEND)


def _unknown_tables(look: Look) -> Iterator[Violation]:
    known = [key for key, _ in items()]
    sql = f"SELECT site_id, {name('table')}, SUM(n) FROM {SITES} WHERE n<>0 AND {look.only()}"
    sql += f" AND {name('table')} NOT IN ({rows.marks(known)}) GROUP BY site_id, {name('table')}" if known else ""
    for site, table, n in ask(sql, known) if known else ():
        yield Violation("24", f"site {site}, {table}", f"{n} rows are counted of a table that is not there", MEND)


def _passed(look: Look) -> Iterator[Violation]:
    """Events are added before or with the counter; it is read on both sides of the sum, for work may go on."""
    before = _said(look)
    settled = m.Event.objects.filter(kind="settled")
    settled = settled if look.site is None else settled.filter(site=look.site)
    number = Cast(KT("data__passed"), IntegerField())
    told = {
        (run, stage): n or 0 for run, stage, n in settled.values_list("run", "stage").annotate(n=Sum(number)).order_by()
    }
    after = _said(look)
    for place, said in after.items():
        n = told.get(place, 0)
        if not before.get(place, said) <= n <= said:
            run, stage = place
            detail = f"it says that {said} items passed; its events say {n}"
            yield Violation("I20", f"run {run}, {stage}", detail, MEND)


def _said(look: Look) -> dict[tuple[str, str], int]:
    stages = m.StageRun.objects.all() if look.site is None else m.StageRun.objects.filter(run__site=look.site)
    return {(run, stage): n for run, stage, n in stages.values_list("run_id", "name", "passed")}
