"""Parameterised SQL over item tables, built from the models' `_meta`: the hot path. Names never come from data."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db import connection, models

from penstock.engine.errors import PenstockError
from penstock.engine.settle import FRESH, Change
from penstock.engine.states import ItemState
from penstock.ledger import TABLES
from penstock.ledger.workitem import WorkItem

CHUNK = 500  # parameters per IN list stay far below every database's limit


def model_of(table: str) -> Any:
    """The model registered for a table key."""
    return TABLES[table]


def is_item(table: str) -> bool:
    """Whether rows of the table are work items."""
    return issubclass(model_of(table), WorkItem)


def quoted(model: type[models.Model]) -> str:
    """The quoted table name."""
    return connection.ops.quote_name(model._meta.db_table)


@lru_cache
def column(model: type[models.Model], name: str) -> str:
    """The quoted column of a field. Raises PenstockError for a name that the model does not have."""
    try:
        return str(connection.ops.quote_name(_field(model, name).column))
    except FieldDoesNotExist as error:
        raise PenstockError(f"{model.__name__} has no column {name!r}") from error


def prepared(model: type[models.Model], name: str, value: Any) -> Any:
    """A value as the database wants it. The engine's own numbers and words are that already."""
    if name in _PLAIN:
        return value
    return _field(model, name).get_db_prep_save(value, connection)


_PLAIN = {*FRESH, "stage", "state", "run", "ordinal", "open_children"}


def _field(model: type[models.Model], name: str) -> Any:
    return model._meta.get_field(name)


def chunks(ids: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Ids in lists short enough for one statement."""
    for start in range(0, len(ids), CHUNK):
        yield ids[start : start + CHUNK]


def marks(values: Sequence[Any]) -> str:
    """Placeholders for an IN list."""
    return ",".join(["%s"] * len(values))


def ready(
    cursor: Any,
    table: str,
    run: str,
    stage: str,
    now: float,
    limit: int,
    *,
    lost: bool | None = None,
    columns: str = "lease",
) -> list[dict[str, Any]]:
    """What may be claimed, in order. `lost`: only rows that lost a holder (the fewest losses first), or only rows that
    did not. `columns`: what a "lease" must know, or all that "work" may want."""
    form = _form(model_of(table), columns)
    lock = " FOR UPDATE SKIP LOCKED" if connection.features.has_select_for_update_skip_locked else ""
    cursor.execute(
        f"SELECT {form.columns} FROM {form.table} WHERE run=%s AND stage=%s AND state='ready' AND open_children=0"
        f" AND available_at<=%s{_LOST[lost]} ordinal, id LIMIT %s{lock}",
        [run, stage, now, limit],
    )
    return form.rows(cursor.fetchall())


_LOST = {None: " ORDER BY", False: " AND losses=0 ORDER BY", True: " AND losses>0 ORDER BY losses,"}


def ready_in_order(
    cursor: Any, table: str, run: str, stage: str, now: float, limit: int, *, columns: str = "lease"
) -> list[dict[str, Any]]:
    """What may be claimed of an ordered stage: up to the first row that is not due or waits for children."""
    form = _form(model_of(table), columns)
    cursor.execute(
        f"SELECT {form.columns} FROM {form.table} WHERE run=%s AND stage=%s"
        " AND state='ready' ORDER BY ordinal, id LIMIT %s",
        [run, stage, limit],
    )
    found = form.rows(cursor.fetchall())
    return list(takewhile(lambda row: row["available_at"] <= now and not row["open_children"], found))


@dataclass(frozen=True)
class _Form:
    """Which columns of a table are read, and how their values become those of the model's fields."""

    table: str
    columns: str
    names: tuple[str, ...]
    convert: tuple[tuple[str, Callable[[Any], Any]], ...]

    def rows(self, found: Iterable[Sequence[Any]]) -> list[dict[str, Any]]:
        """Rows by name."""
        rows = [dict(zip(self.names, values, strict=True)) for values in found]
        for name, convert in self.convert:
            for row in rows:
                row[name] = convert(row[name])
        return rows


_LEASED = {"id", "ordinal", "attempts", "deaths", "losses", "share", "available_at", "open_children"}
_FOR_PEOPLE = {"edited", "revision", "error", "error_code", "made_by", "site_id"}
_WANTED: dict[str, Callable[[str], bool]] = {
    "lease": lambda name: name in _LEASED,
    "work": lambda name: name not in _FOR_PEOPLE,
    "whole": lambda name: True,
}


@lru_cache
def _form(model: type[models.Model], columns: str) -> _Form:
    fields = [field for field in model._meta.concrete_fields if _WANTED[columns](field.attname)]
    return _Form(
        quoted(model),
        ", ".join(column(model, field.attname) for field in fields),
        tuple(field.attname for field in fields),
        tuple((field.attname, convert) for field in fields if (convert := _converter(model, field))),
    )


def _converter(model: type[models.Model], field: Any) -> Callable[[Any], Any] | None:
    """From the database's value to the field's, as the ORM does it; None where they are the same."""
    expression = field.get_col(model._meta.db_table)
    steps = [*connection.ops.get_db_converters(expression), *field.get_db_converters(connection)]

    def convert(value: Any) -> Any:
        if value == "[]":  # what most rows hold, read without a parser
            return []
        for step in steps:
            value = step(value, expression, connection)
        return value

    return convert if steps else None


def soonest(cursor: Any, table: str, run: str) -> float | None:
    """When the next claimable row of the run in this table is due; None when there is none ready."""
    cursor.execute(
        f"SELECT MIN(available_at) FROM {quoted(model_of(table))} WHERE run=%s AND state='ready' AND open_children=0",
        [run],
    )
    due: float | None = cursor.fetchone()[0]
    return due


def any_leased(cursor: Any, table: str, run: str) -> bool:
    """Whether a batch holds a row of the run in this table."""
    cursor.execute(f"SELECT 1 FROM {quoted(model_of(table))} WHERE run=%s AND state='leased' LIMIT 1", [run])
    return cursor.fetchone() is not None


def lease(cursor: Any, table: str, held: Sequence[tuple[int, Sequence[int]]]) -> int:
    """Put ready rows under their batches (batch, ids) and charge an attempt; answers how many changed."""
    sql = f"UPDATE {quoted(model_of(table))} SET state='leased', batch=%s, attempts=attempts+1 WHERE state='ready' AND"
    single = [(batch, ids[0]) for batch, ids in held if len(ids) == 1]
    changed = _many(cursor, f"{sql} id=%s", single)
    for batch, ids in held:
        for part in chunks(ids if len(ids) > 1 else ()):
            cursor.execute(f"{sql} id IN ({marks(part)})", [batch, *part])
            changed += cursor.rowcount
    return changed


def _many(cursor: Any, sql: str, params: Sequence[Sequence[Any]]) -> int:
    if not params:
        return 0
    cursor.executemany(sql, params)
    changed: int = cursor.rowcount
    return changed


def read(table: str, ids: Sequence[int]) -> list[dict[str, Any]]:
    """Whole rows by id, in the order of `ids`."""
    form, found = _form(model_of(table), "whole"), dict[int, dict[str, Any]]()
    with connection.cursor() as cursor:
        for part in chunks(ids):
            cursor.execute(f"SELECT {form.columns} FROM {form.table} WHERE id IN ({marks(part)})", list(part))
            found.update({row["id"]: row for row in form.rows(cursor.fetchall())})
    return [found[one] for one in ids if one in found]


def update_leased(cursor: Any, table: str, held_by: Mapping[int, int], changes: Iterable[Change]) -> int:
    """Write changes to rows that their batch (`held_by`: item → batch) still holds; answers how many changed.

    What changes alike is written in one statement, the rest row by row."""
    grouped: dict[tuple[int, tuple[str, ...]], list[Change]] = defaultdict(list)
    for change in changes:
        grouped[id(change.shared), tuple(change.own)].append(change)
    return sum(_write(cursor, model_of(table), held_by, alike) for alike in grouped.values())


def _write(cursor: Any, model: Any, held_by: Mapping[int, int], alike: list[Change]) -> int:
    shared, own = alike[0].shared, tuple(alike[0].own)
    sets = ", ".join(f"{column(model, name)}=%s" for name in (*own, *shared))
    sql = f"UPDATE {quoted(model)} SET {sets} WHERE state='leased'"
    values = [prepared(model, name, value) for name, value in shared.items()]
    if own:
        params = [
            [*(prepared(model, name, one.own[name]) for name in own), *values, one.item, held_by[one.item]]
            for one in alike
        ]
        return _many(cursor, f"{sql} AND id=%s AND batch=%s", params)
    changed = 0
    for part in chunks([one.item for one in alike]):
        batches = list({held_by[item] for item in part})
        where = f"batch IN ({marks(batches)}) AND id IN ({marks(part)})"
        cursor.execute(f"{sql} AND {where}", [*values, *batches, *part])
        changed += cursor.rowcount
    return changed


def update_where(cursor: Any, table: str, ids: Sequence[int], fields: Mapping[str, Any], guard: str = "") -> int:
    """Write the same fields to many rows, where `guard` (a constant condition) holds; answers how many changed."""
    model = model_of(table)
    names = tuple(fields)
    sets = ", ".join(f"{column(model, name)}=%s" for name in names)
    values = [prepared(model, name, fields[name]) for name in names]
    changed = 0
    for part in chunks(ids):
        where = f"id IN ({marks(part)})" + (f" AND {guard}" if guard else "")
        cursor.execute(f"UPDATE {quoted(model)} SET {sets} WHERE {where}", [*values, *part])
        changed += cursor.rowcount
    return changed


def delete(cursor: Any, table: str, ids: Sequence[int]) -> int:
    """Remove rows; answers how many went."""
    gone = 0
    for part in chunks(ids):
        cursor.execute(f"DELETE FROM {quoted(model_of(table))} WHERE id IN ({marks(part)})", list(part))
        gone += cursor.rowcount
    return gone


def lower_children(cursor: Any, parent: str, by: int) -> None:
    """A parent ("table:id") has `by` open children fewer."""
    table, _, item = parent.partition(":")
    cursor.execute(
        f"UPDATE {quoted(model_of(table))} SET open_children=open_children-%s WHERE id=%s AND open_children>=%s",
        [by, int(item), by],
    )


def recount_children(cursor: Any, parents: Iterable[str]) -> None:
    """Set what these parents ("table:id") wait for to the number of their children that are not at rest."""
    wanted = sorted(parent for parent in parents if parent)
    counts = dict.fromkeys(wanted, 0)
    for table in [key for key in TABLES if is_item(key)] if wanted else ():
        for part in chunks(wanted):
            sql = f"SELECT parent, COUNT(*) FROM {quoted(model_of(table))} WHERE state IN ('ready', 'leased')"
            cursor.execute(f"{sql} AND parent>'' AND parent IN ({marks(part)}) GROUP BY parent", list(part))
            for parent, n in cursor.fetchall():
                counts[parent] += n
    for parent, n in counts.items():
        table, _, item = parent.partition(":")
        cursor.execute(f"UPDATE {quoted(model_of(table))} SET open_children=%s WHERE id=%s", [n, int(item)])


def states(cursor: Any, table: str, run: str) -> dict[tuple[str, str], int]:
    """A recount: rows of the run per (stage, state)."""
    cursor.execute(
        f"SELECT stage, state, COUNT(*) FROM {quoted(model_of(table))} WHERE run=%s GROUP BY stage, state",
        [run],
    )
    return {(stage, ItemState(state).value): n for stage, state, n in cursor.fetchall()}
