"""Whether a table on a server can hold what a shape says: each lack as words for a person and the SQL that mends it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from penstock.adapters.sqltable import Shape

Kind = Literal["text", "integer", "real", "other"]
FITS: dict[Kind, tuple[Kind, ...]] = {"text": ("text",), "integer": ("integer", "real"), "real": ("real",), "other": ()}
NAMES = 150  # characters that a file name may have
TOLD = 3  # lacks that one sentence names


@dataclass(frozen=True)
class Column:
    """A column as the server describes it. `length`: characters it takes, 0 = no limit worth telling."""

    name: str
    type: str
    kind: Kind
    nullable: bool = True
    filled: bool = False  # the server fills it by itself when nothing is given
    length: int = 0
    unicode: bool = True  # every letter that there is can be kept


class Fault(NamedTuple):
    """Something that a table lacks. `mend` is a clause of ALTER TABLE."""

    what: str
    mend: str


@dataclass(frozen=True)
class Mender:
    """Clauses of one server's ALTER TABLE."""

    add: Callable[[str], str]
    retype: Callable[[str], str]
    allow_null: Callable[[Column], str]
    add_id: str
    add_unique: str
    default: Callable[[Column], str]
    widen: Callable[[str], str]
    to_unicode: str = ""


def wanted(shape: Shape, name: str) -> Kind:
    """What kind of values a column of the shape has."""
    kinds: dict[str, Kind] = {"TEXT": "text", "INTEGER": "integer", "REAL": "real"}
    return kinds[shape.columns[name].split()[0]]


def located(shape: Shape, there: Mapping[str, Column]) -> dict[str, Column]:
    """The shape's columns (and `id`) as they are spelt on the server; those that are not there are left out."""
    folded = {name.casefold(): column for name, column in there.items()}
    found = {name: there.get(name) or folded.get(name.casefold()) for name in ("id", *shape.columns)}
    return {name: column for name, column in found.items() if column is not None}


def lacks(shape: Shape, there: Mapping[str, Column], unique: Collection[str], mender: Mender) -> Iterator[Fault]:
    """All that is wrong with an existing table. `unique`: columns whose values alone the server keeps apart."""
    ours = located(shape, there)
    identity = ours.get("id")
    if identity is None or identity.kind != "integer" or not identity.filled:
        yield Fault("it has no column id that numbers its rows", mender.add_id)
    for name in shape.columns:
        yield from _wrong(shape, name, ours.get(name), mender)
    key = ours.get(shape.key)
    if key is not None and key.name not in unique:
        yield Fault(f"{shape.key} is not unique", mender.add_unique)
    known = {column.name for column in ours.values()}
    for column in there.values():
        if column.name not in known and not (column.nullable or column.filled):
            yield Fault(f"its column {column.name} wants a value that is not known here", mender.default(column))
    if not all(column.unicode for column in ours.values()):
        names = [column.name for column in ours.values() if not column.unicode]
        yield Fault(f"{', '.join(names[:TOLD])} cannot hold every letter", mender.to_unicode)


def told(name: str, faults: Collection[Fault]) -> str:
    """What is wrong and how to mend it; the first few of many."""
    first = list(faults)[:TOLD]
    clauses = ", ".join(dict.fromkeys(fault.mend for fault in first))
    more = f", and {len(faults) - TOLD} more" if len(faults) > TOLD else ""
    return f"{'; '.join(fault.what for fault in first)}{more}; mend it: ALTER TABLE {name} {clauses}"


def too_long(located: Mapping[str, Column], row: Mapping[str, object]) -> Iterator[tuple[str, int, Column]]:
    """Texts that their column does not take whole: name, length, column."""
    for name, column in located.items():
        value = row.get(name)
        if isinstance(value, str) and column.length and len(value) > column.length:
            yield name, len(value), column


def _wrong(shape: Shape, name: str, column: Column | None, mender: Mender) -> Iterator[Fault]:
    kind = wanted(shape, name)
    if column is None:
        yield Fault(f"column {name} is missing", mender.add(name))
    elif column.kind not in FITS[kind]:
        yield Fault(f"{name} is {column.type}, which does not keep {kind} values as they are", mender.retype(name))
    elif name == shape.key and 0 < column.length < NAMES:
        yield Fault(f"{name} takes {column.length} characters, names have up to {NAMES}", mender.widen(name))
    elif not column.nullable and name != shape.key and "NOT NULL" not in shape.columns[name]:
        yield Fault(f"{name} does not take NULL, which stands for an empty value", mender.allow_null(column))
