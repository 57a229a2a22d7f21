from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from penstock.adapters import sqltable
from penstock.adapters.sqltable import Shape, SqliteTable
from penstock.engine import failpoint
from penstock.engine.errors import ItemError, Transient, Unavailable
from penstock.engine.failpoint import SimulatedCrash

COLUMNS = {"File_Name": "TEXT UNIQUE", "Caption": "TEXT", "QR": "REAL", "Width": "INTEGER"}
SHAPE = Shape("pictures", "File_Name", COLUMNS)
HERON = {"File_Name": "Heron's.JPG", "Caption": 'A "grey" heron; DROP TABLE pictures', "QR": 7.5, "Width": 1500}


@pytest.fixture
def table(tmp_path: Path) -> SqliteTable:
    return SqliteTable(tmp_path / "site data.db", SHAPE)


def run(table: SqliteTable, sql: str, *values: Any) -> list[Any]:
    with closing(sqlite3.connect(table.file)) as db:
        found = db.execute(sql, values).fetchall()
        db.commit()
        return found


def test_a_row_is_written_once_and_its_id_comes_back(table: SqliteTable) -> None:
    assert table.put(HERON, []) == ("sent", 1)
    assert table.put(HERON, []) == ("unchanged", 1)
    assert run(table, "SELECT * FROM pictures") == [(1, *HERON.values())]


def test_the_table_holds_the_key_and_the_given_columns_only(table: SqliteTable) -> None:
    table.make()
    assert [row[1] for row in run(table, "PRAGMA table_info(pictures)")] == ["id", *SHAPE.columns]


def test_our_own_row_is_updated_under_its_id(table: SqliteTable) -> None:
    table.put(HERON, [])
    newer = {**HERON, "Caption": "A heron"}
    assert table.put(newer, [HERON]) == ("sent", 1)
    assert [row["Caption"] for row in table.rows("Heron's.JPG")] == ["A heron"]


@pytest.mark.parametrize("theirs", ["UPDATE pictures SET Caption='edited'", "UPDATE pictures SET QR=NULL"])
def test_a_row_that_somebody_changed_is_left_alone(table: SqliteTable, theirs: str) -> None:
    table.put(HERON, [])
    run(table, theirs)
    before = table.rows("Heron's.JPG")
    for act in (lambda: table.put({**HERON, "Width": 2}, [HERON]), lambda: table.remove(HERON, [])):
        with pytest.raises(ItemError, match="did not write") as caught:
            act()
        assert caught.value.code == "conflict"
    assert table.rows("Heron's.JPG") == before


def test_a_crash_before_the_commit_leaves_nothing_and_after_it_everything(table: SqliteTable) -> None:
    with failpoint.armed("sqltable.before_commit=crash"), pytest.raises(SimulatedCrash):
        table.put(HERON, [])
    assert table.rows("Heron's.JPG") == []
    with failpoint.armed("publish.after_row=crash"), pytest.raises(SimulatedCrash):
        table.put(HERON, [])
    assert table.put(HERON, []) == ("unchanged", 1)


def test_a_table_that_stores_something_else_is_found_out_and_left_as_it_was(table: SqliteTable) -> None:
    table.make()
    run(
        table,
        "CREATE TRIGGER cut AFTER INSERT ON pictures BEGIN UPDATE pictures SET Caption=substr(Caption, 1, 3); END",
    )
    with pytest.raises(ItemError, match=r"did not keep what was written \(Caption\)") as caught:
        table.put(HERON, [])
    assert caught.value.code == "readback"
    assert table.rows("Heron's.JPG") == []


def test_an_older_table_gets_the_columns_it_lacks_and_keeps_its_own(table: SqliteTable) -> None:
    run(table, "CREATE TABLE pictures (id INTEGER PRIMARY KEY, File_Name TEXT, Theirs TEXT)")
    run(table, "INSERT INTO pictures (File_Name, Theirs) VALUES ('Old.JPG', 'x')")
    assert table.put(HERON, []) == ("sent", 2)
    assert [row["Theirs"] for row in table.rows("Old.JPG")] == ["x"]
    assert table.names() == ["Heron's.JPG", "Old.JPG"]


def test_two_rows_of_one_name_are_a_conflict(table: SqliteTable) -> None:
    run(table, "CREATE TABLE pictures (id INTEGER PRIMARY KEY, File_Name TEXT)")
    run(table, "INSERT INTO pictures (File_Name) VALUES (?), (?)", "Heron's.JPG", "Heron's.JPG")
    with pytest.raises(ItemError, match="2 rows hold this name"):
        table.put(HERON, [])


def test_a_table_of_another_shape_is_refused(table: SqliteTable) -> None:
    run(table, "CREATE TABLE pictures (name TEXT)")
    with pytest.raises(Unavailable, match="has no id or File_Name"):
        table.put(HERON, [])


def test_another_programs_lock_is_waited_for_and_then_tried_again_later(
    table: SqliteTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    table.make()
    monkeypatch.setattr(sqltable, "WAIT", 0.05)
    with closing(sqlite3.connect(table.file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Transient, match="locked by another program"):
            table.put(HERON, [])


def test_what_is_no_database_is_everybodys_trouble(table: SqliteTable, tmp_path: Path) -> None:
    table.file.write_bytes(b"this is no database at all, only text" * 40)
    with pytest.raises(Unavailable, match="cannot be used"):
        table.put(HERON, [])
    with pytest.raises(Unavailable, match="cannot be used"):
        SqliteTable(tmp_path / "unmounted" / "site.db", SHAPE).put(HERON, [])


def test_looking_makes_nothing(table: SqliteTable) -> None:
    assert (table.rows("a"), table.names(), table.remove(HERON, [])) == ([], [], False)
    assert not table.file.exists()


def test_our_row_is_removed_once(table: SqliteTable) -> None:
    table.put(HERON, [])
    assert table.remove(HERON, [])
    assert not table.remove(HERON, [])
    assert table.names() == []


def test_what_a_writer_left_that_lost_power_is_taken_back_by_whoever_reads_next(
    table: SqliteTable, tmp_path: Path
) -> None:
    table.put(HERON, [])
    left = SqliteTable(tmp_path / "left.db", SHAPE)
    with closing(sqlite3.connect(table.file, isolation_level=None)) as db:
        db.executescript("PRAGMA cache_size=1; BEGIN IMMEDIATE; UPDATE pictures SET Caption='half'")
        db.executemany("INSERT INTO pictures (File_Name, Caption) VALUES (?, ?)", [(n, "x" * 3000) for n in range(99)])
        for ending in ("", "-journal"):  # written to the disk, and not committed
            file = table.file.with_name(table.file.name + ending)
            left.file.with_name(left.file.name + ending).write_bytes(file.read_bytes())
        db.execute("ROLLBACK")
    assert left.names() == [HERON["File_Name"]]
    assert left.rows(HERON["File_Name"])[0]["Caption"] == HERON["Caption"]
