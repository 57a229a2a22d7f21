"""I7, I8: every row stands in exactly one legal place, no made row exists twice, parents know their open children."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from penstock.engine.states import GATED, ItemState
from penstock.ledger import models as m
from penstock.ledger import rows
from penstock.oracle import pipelines
from penstock.oracle.violation import Look, Violation, ask, items, name, pages

RUN, STAGE = rows.quoted(m.Run), rows.quoted(m.StageRun)
KNOWN = {state.value for state in ItemState}


def check(look: Look) -> Iterator[Violation]:
    """Places, runs, origins, joins."""
    known = pipelines.Known()
    for key, table in items():
        yield from _places(look, known, key, table)
        yield from _runs(look, key, table)
        yield from _twice(look, key, table)
    yield from _children(look)


def _places(look: Look, known: pipelines.Known, key: str, table: str) -> Iterator[Violation]:
    sql = f"SELECT site_id, stage, state, COUNT(*), MIN(id) FROM {table} WHERE {look.only()}"
    for site, stage, state, n, first in ask(sql + " GROUP BY site_id, stage, state", most=10**5):
        wrong = _wrong(known, site, key, stage, state)
        if wrong:
            detail = f"{wrong} ({n} rows of table {key} at {stage}/{state}, this is the first)"
            yield Violation("I7", f"{key} {first}", detail, "penstock db restore FILE (or rollback of its run)")


def _wrong(known: pipelines.Known, site: int, key: str, stage: str, state: str) -> str:
    """What was done at the last stage and is taken back waits there (a withdrawn delivery)."""
    if state not in KNOWN:
        return f"no row can be {state!r}"
    if key not in known.tables(site):
        return ""
    at = known.stage(site, key, stage)
    if at is None:
        return f"its pipeline has no stage {stage!r}"
    if (
        ItemState(state) in GATED
        and not at.gate
        and not (state == ItemState.WAITING and stage in known.last(site, key))
    ):
        return f"it is {state}, but stage {stage} is no gate"
    if state == ItemState.DONE and stage not in known.last(site, key):
        return f"it is done, but {stage} is not its last stage"
    return ""


def _runs(look: Look, key: str, table: str) -> Iterator[Violation]:
    """What a row says of its run: it exists, has that stage, and is of the row's site."""
    grouped = f"SELECT t.run AS run, t.stage AS stage, COUNT(*) AS n, MIN(t.id) AS least FROM {table} t"
    grouped += f" WHERE t.run IS NOT NULL AND {look.only('t.site_id')} GROUP BY t.run, t.stage"
    sql = f"SELECT g.run, g.stage, g.n, g.least FROM ({grouped}) g WHERE NOT EXISTS (SELECT 1 FROM {STAGE} s"
    for run, stage, n, first in ask(f"{sql} WHERE s.run_id=g.run AND s.name=g.stage AND s.{name('table')}=%s)", [key]):
        detail = f"run {run} has no stage {stage} for table {key} ({n} such rows, this is the first)"
        yield Violation("I7", f"{key} {first}", detail, f"penstock rollback {run}")


def _twice(look: Look, key: str, table: str) -> Iterator[Violation]:
    sql = f"SELECT origin, COUNT(*), MAX(id) FROM {table} WHERE origin IS NOT NULL AND {look.only()}"
    for origin, n, last in ask(sql + " GROUP BY origin HAVING COUNT(*)>1"):
        detail = f"{n} rows were made under the key {origin!r}; the unique index is missing"
        yield Violation("I8", f"{key} {last}", detail, "penstock db restore FILE")


def _children(look: Look) -> Iterator[Violation]:
    """A join opens when `open_children` reaches 0: it must be the number of children that are not at rest."""
    for key, table in items():
        sql = f"SELECT id, open_children FROM {table} WHERE open_children<>0 AND {look.only()} AND id>%s"
        for page in pages(sql):
            said = {f"{key}:{item}": n for item, n in page}
            yield from _miscounted(said, _unfinished(list(said)))
    yield from _unawaited(look)


def _unfinished(parents: Sequence[str]) -> Counter[str]:
    """How many unfinished children each of these has, in all tables."""
    found: Counter[str] = Counter()
    for _, table in items():
        for part in rows.chunks(parents):
            sql = f"SELECT parent, COUNT(*) FROM {table} WHERE parent>'' AND state IN ('ready', 'leased')"
            sql += f" AND parent IN ({rows.marks(part)}) GROUP BY parent"
            found.update(dict(ask(sql, part, most=len(part))))
    return found


def _unawaited(look: Look) -> Iterator[Violation]:
    """Children that somebody waits for by their own word, while the parent says that it waits for none."""
    for _, table in items():
        sql = f"SELECT id, parent FROM {table} WHERE parent>'' AND state IN ('ready', 'leased') AND id>%s"
        for page in pages(sql):
            parents = {parent for _, parent in page}
            said = {f"{key}:{item}": 0 for key, of in items() for item in _says_none(look, key, of, parents)}
            yield from _miscounted(said, _unfinished(list(said)))


def _says_none(look: Look, key: str, table: str, parents: set[str]) -> Iterator[int]:
    ids = sorted(int(parent.partition(":")[2]) for parent in parents if parent.startswith(f"{key}:"))
    for part in rows.chunks(ids):
        sql = f"SELECT id FROM {table} WHERE open_children=0 AND {look.only()} AND id IN ({rows.marks(part)})"
        yield from (item for (item,) in ask(sql, part, most=len(part)))


def _miscounted(said: Mapping[str, int], found: Counter[str]) -> Iterator[Violation]:
    for parent, n in said.items():
        if found[parent] != n:
            detail = f"it waits for {n} children, but {found[parent]} are unfinished"
            yield Violation("I7", parent.replace(":", " "), detail, "penstock rollback of its run, then run again")
