"""What passes for another machine in the world keeps what real ones keep."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from penstock.adapters.remote.wire import Declined, Entry, silent
from penstock.adapters.sqlserver import Server
from penstock.adapters.sqltable import Shape
from penstock.engine.errors import ItemError, Unavailable
from tests.proof import far
from tests.proof.far import Line, SqliteServerTable

SHAPE = Shape("pictures", "File_Name", {"File_Name": "TEXT UNIQUE", "Caption": "TEXT"})
HERON = {"File_Name": "Heron.JPG", "Caption": "100 %s"}


@pytest.fixture(autouse=True)
def _ended() -> Iterator[None]:
    yield
    far.forget()


@pytest.fixture
def line(tmp_path: Path) -> Line:
    return Line(str(tmp_path))


@pytest.fixture
def table(tmp_path: Path) -> SqliteServerTable:
    made = SqliteServerTable(
        Server("far", 1, "ann", str(tmp_path / "far.db"), "off"), far.PASSWORD, SHAPE, may_make=True
    )
    made.make()
    return made


def write(line: Line, name: str, data: bytes, start: int = 0) -> str:
    line.write(f"{line.root}/{name}", io.BytesIO(data[start:]), start, silent)
    return f"{line.root}/{name}"


def test_a_name_replaces_nothing_unless_it_is_asked_to(line: Line) -> None:
    old, new = write(line, "old", b"new"), write(line, "new", b"theirs")
    with pytest.raises(Declined):
        line.move(old, new, replace=False)
    assert Path(new).read_bytes() == b"theirs"
    line.move(old, new, replace=True)
    assert (Path(new).read_bytes(), line.entry(old)) == (b"new", None)
    line.move(new, old, replace=False)
    assert (Path(old).read_bytes(), line.entry(new)) == (b"new", None)


def test_a_write_goes_on_where_one_stopped_and_nowhere_else(line: Line) -> None:
    place = write(line, "a", b"hero")
    write(line, "a", b"heron", start=4)
    assert (Path(place).read_bytes(), line.entry(place)) == (b"heron", Entry("file", 5))
    with pytest.raises(Declined):
        write(line, "a", b"herons", start=3)
    write(line, "a", b"egret")
    assert Path(place).read_bytes() == b"egret"


def test_only_an_empty_folder_is_dropped(line: Line) -> None:
    line.make_folder(f"{line.root}/folder")
    place = write(line, "folder/a", b"")
    with pytest.raises(Declined):
        line.drop_folder(f"{line.root}/folder")
    line.delete(place)
    line.drop_folder(f"{line.root}/folder")
    assert list(line.entries(line.root)) == []


def test_a_row_is_written_once_and_what_is_not_ours_stays(table: SqliteServerTable) -> None:
    assert [table.put(HERON, []), table.put(HERON, [])] == [("sent", 1), ("unchanged", 1)]
    other = {**HERON, "Caption": "theirs"}
    with pytest.raises(ItemError, match="did not write"):
        table.put(other, [])
    assert table.put(other, [HERON]) == ("sent", 1)
    assert table.remove(other, [])
    assert table.names() == []


def test_a_table_tells_that_it_can_be_written_and_keeps_nothing_of_the_trial(table: SqliteServerTable) -> None:
    assert "can be written (SQLite" in table.test()
    assert table.names() == []


def test_nobody_gets_in_without_the_password(table: SqliteServerTable) -> None:
    far.forget()
    with pytest.raises(Unavailable, match="password is wrong"):
        SqliteServerTable(table.server, "", SHAPE, may_make=True).make()
