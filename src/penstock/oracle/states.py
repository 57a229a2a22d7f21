"""I7, I8: every row stands in exactly one legal place, no made row exists twice, parents know their open children."""

from __future__ import annotations

from collections.abc import Iterator

from penstock.engine.states import GATED, ItemState
from penstock.ledger import models as m
from penstock.ledger import rows
from penstock.oracle import pipelines
from penstock.oracle.violation import Look, Violation, ask, items, name

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
    open_children: dict[str, int] = {}
    for _, table in items():
        sql = f"SELECT parent, COUNT(*) FROM {table} WHERE parent<>'' AND state IN ('ready', 'leased')"
        for parent, n in ask(sql + " GROUP BY parent", most=10**7):
            open_children[parent] = open_children.get(parent, 0) + n
    for key, table in items():
        sql = f"SELECT id, open_children FROM {table} WHERE open_children<>0 AND {look.only()}"
        for item, said in ask(sql, most=10**7):
            found = open_children.pop(f"{key}:{item}", 0)
            if found != said:
                yield _miscounted(key, item, said, found)
        yield from _unawaited(look, key, table, open_children)


def _unawaited(look: Look, key: str, table: str, left: dict[str, int]) -> Iterator[Violation]:
    ids = [int(parent.partition(":")[2]) for parent in left if parent.startswith(f"{key}:")]
    for part in rows.chunks(ids):
        sql = f"SELECT id FROM {table} WHERE open_children=0 AND {look.only()} AND id IN ({rows.marks(part)})"
        for (item,) in ask(sql, part, most=len(part)):
            yield _miscounted(key, item, 0, left[f"{key}:{item}"])


def _miscounted(key: str, item: int, said: int, found: int) -> Violation:
    detail = f"it waits for {said} children, but {found} are unfinished"
    return Violation("I7", f"{key} {item}", detail, "penstock rollback of its run, then run again")
