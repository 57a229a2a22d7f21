"""What both kinds of servers have in common, held against real ones."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from penstock.adapters import servertable, sqlsessions
from penstock.adapters.mysqltable import MysqlTable
from penstock.adapters.postgrestable import PostgresTable
from penstock.adapters.servertable import ServerTable
from penstock.adapters.sqlserver import parsed
from penstock.adapters.sqltable import Shape
from penstock.engine import failpoint
from penstock.engine.errors import ItemError, Transient, Unavailable
from penstock.engine.failpoint import SimulatedCrash
from tests.databases import PASSWORD, Cutter, Database

COLUMNS = {"File_Name": "TEXT UNIQUE", "Caption": "TEXT", "QR": "REAL", "Width": "INTEGER DEFAULT 0"}
SHAPE = Shape("pictures", "File_Name", COLUMNS)
HERON = {"File_Name": "Heron's.JPG", "Caption": 'A "grey" heron; DROP TABLE pictures', "QR": 7.53, "Width": 1500}
HOSTILE = [
    "'; DROP TABLE pictures; --", '" OR 1=1', "\\", "\\'", "%s %d %(x)s %%", "`", "$1 ${x} {0}", "=HYPERLINK(1)",
    "<script>alert(1)</script>", "🪶🦢 𠮷野家", "e\u0301 vs é", "\u202eGPJ.", "a\tb\r\nc", "\x01\x1b[31m", "null",
    "", " ", "\ufffd\U0010ffff",
]  # fmt: skip


def table_of(
    database: Database, *, port: int = 0, make: bool = True, password: str = PASSWORD, **options: str
) -> ServerTable:
    kinds = {"mysql": MysqlTable, "postgres": PostgresTable}
    server = parsed(database.url(port or database.port), options, (database.kind,), 1)
    return kinds[database.kind](server, password, SHAPE, may_make=make)


@pytest.fixture
def table(database: Database) -> ServerTable:
    made = table_of(database)
    made.make()
    return made


@pytest.fixture
def cutters() -> Iterator[list[Cutter]]:
    made: list[Cutter] = []
    yield made
    for cutter in made:
        cutter.close()


def stored(database: Database) -> list[tuple[Any, ...]]:
    names = ", ".join(map(database.quoted, ("id", *COLUMNS)))
    return database.sql(f"SELECT {names} FROM pictures ORDER BY id")


def test_a_row_is_written_once_and_its_id_comes_back(table: ServerTable, database: Database) -> None:
    assert table.put(HERON, []) == ("sent", 1)
    assert table.put(HERON, []) == ("unchanged", 1)
    assert stored(database) == [(1, *HERON.values())]
    assert table.rows("Heron's.JPG") == [{"id": 1, **HERON}]


def test_our_own_row_is_updated_under_its_id(table: ServerTable, database: Database) -> None:
    table.put(HERON, [])
    newer = {**HERON, "Caption": "A heron", "QR": None}
    assert table.put(newer, [HERON]) == ("sent", 1)
    assert stored(database) == [(1, *newer.values())]


@pytest.mark.parametrize("change", ["{Caption}='edited'", "{QR}=NULL", "{Width}=1501"])
def test_a_row_that_somebody_changed_is_left_alone(table: ServerTable, database: Database, change: str) -> None:
    table.put(HERON, [])
    names = {name: database.quoted(name) for name in COLUMNS}
    database.sql(f"UPDATE pictures SET {change.format(**names)}")
    before = stored(database)
    for act in (lambda: table.put({**HERON, "Width": 2}, [HERON]), lambda: table.remove(HERON, [])):
        with pytest.raises(ItemError, match="did not write") as caught:
            act()
        assert caught.value.code == "conflict"
    assert stored(database) == before


def test_a_strangers_row_of_the_same_name_is_left_alone(table: ServerTable, database: Database) -> None:
    database.sql(f"INSERT INTO pictures ({database.quoted('File_Name')}) VALUES ('Heron''s.JPG')")
    with pytest.raises(ItemError, match="did not write"):
        table.put(HERON, [])
    assert stored(database) == [(1, "Heron's.JPG", None, None, None)]


def test_another_unique_key_that_is_taken_is_a_conflict_and_no_row_changes(
    table: ServerTable, database: Database
) -> None:
    database.sql(f"CREATE UNIQUE INDEX width ON pictures ({database.quoted('Width')})")
    table.put({**HERON, "File_Name": "Theirs.JPG"}, [])
    before = stored(database)
    with pytest.raises(ItemError, match="another row of pictures stands in the way") as caught:
        table.put(HERON, [])
    assert caught.value.code == "conflict"
    assert stored(database) == before


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_inert_and_comes_back_the_same(table: ServerTable, database: Database, text: str) -> None:
    row = {**HERON, "File_Name": f"a{text}b.JPG", "Caption": text}
    assert table.put(row, []) == ("sent", 1)
    assert stored(database) == [(1, *row.values())]
    assert table.put(row, []) == ("unchanged", 1)
    assert table.names() == [row["File_Name"]]
    assert table.remove(row, [])
    assert stored(database) == []


@pytest.mark.parametrize("text", ["lone \ud800 surrogate"])
def test_text_that_is_no_unicode_is_refused_for_this_row(table: ServerTable, database: Database, text: str) -> None:
    with pytest.raises(ItemError, match="no Unicode"):
        table.put({**HERON, "Caption": text}, [])
    assert stored(database) == []


@pytest.mark.parametrize("number", [0.1, 7.53, 1e-12, 123456789.123456, None, 5.0])
def test_numbers_come_back_exactly(table: ServerTable, number: float | None) -> None:
    assert table.put({**HERON, "QR": number}, []) == ("sent", 1)
    assert table.rows("Heron's.JPG")[0]["QR"] == number


@pytest.mark.parametrize("wrong", [{"Width": 10**12}, {"QR": float("nan")}, {"QR": "many"}])
def test_what_a_column_cannot_hold_is_this_rows_fault_and_leaves_nothing(
    table: ServerTable, database: Database, wrong: dict[str, Any]
) -> None:
    with pytest.raises(ItemError):
        table.put({**HERON, **wrong}, [])
    assert stored(database) == []


def test_a_crash_before_the_commit_leaves_nothing_and_after_it_everything(
    table: ServerTable, database: Database
) -> None:
    with failpoint.armed("servertable.before_commit=crash"), pytest.raises(SimulatedCrash):
        table.put(HERON, [])
    assert stored(database) == []
    with failpoint.armed("servertable.after_commit=crash"), pytest.raises(SimulatedCrash):
        table.put(HERON, [])
    assert table.put(HERON, [])[0] == "unchanged"
    assert len(stored(database)) == 1


@pytest.mark.parametrize(("heard", "there"), [(True, 1), (False, 0)])
def test_a_connection_cut_around_the_commit_is_resolved_by_looking(
    table: ServerTable, database: Database, cutters: list[Cutter], heard: bool, there: int
) -> None:
    cutters.append(Cutter(database.port, heard=heard, times=0))
    far = table_of(database, port=cutters[0].port)
    far.put({**HERON, "File_Name": "First.JPG"}, [])
    cutters[0].left = 1
    with pytest.raises(Transient):
        far.put(HERON, [])
    assert len(far.rows("Heron's.JPG")) == there
    answer, number = far.put(HERON, [])
    assert answer == ("unchanged" if heard else "sent")
    assert [row[:2] for row in stored(database)][1] == (number, "Heron's.JPG")
    assert len(stored(database)) == 2


def test_a_server_that_is_killed_is_everybodys_trouble_and_nothing_is_lost(
    table: ServerTable, database: Database
) -> None:
    table.put(HERON, [])
    database.kill()
    with pytest.raises(Unavailable, match="cannot be reached"):
        table.put({**HERON, "File_Name": "Second.JPG"}, [])
    database.start()
    assert table.put(HERON, []) == ("unchanged", 1)


def test_a_server_killed_between_looking_and_writing_is_tried_again(table: ServerTable, database: Database) -> None:
    failpoint.arm_call("servertable.before_commit", lambda *_: database.kill())
    with pytest.raises(Transient):
        table.put(HERON, [])
    failpoint.disarm()
    database.start()
    assert table.put(HERON, [])[0] == "sent"
    assert len(stored(database)) == 1


def test_a_locked_row_is_tried_again_later(
    table: ServerTable, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    table.put(HERON, [])
    monkeypatch.setattr(f"penstock.adapters.{'mysqltable' if database.kind == 'mysql' else 'postgrestable'}.LOCK", 1)
    with closing(database.connect()) as other:
        cursor = other.cursor()
        cursor.execute("SELECT * FROM pictures FOR UPDATE")
        with pytest.raises(Transient, match=r"(?i)lock"):
            table.put({**HERON, "Width": 2}, [HERON])
    assert table.put({**HERON, "Width": 2}, [HERON]) == ("sent", 1)


def test_a_row_that_another_wrote_in_the_same_moment_is_looked_at(table: ServerTable, database: Database) -> None:
    other = table_of(database)
    mine = ServerTable._insert
    failed: list[str] = []

    def slower(self: ServerTable, *args: Any) -> int:
        if self is table and not failed:
            failed.append("once")
            other.put(HERON, [])
        return mine(self, *args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ServerTable, "_insert", slower)
        if database.kind == "mysql":
            patch.setattr(servertable.ServerTable, "_mine", _unlocked)
        assert table.put(HERON, [])[0] == "unchanged"
    assert len(stored(database)) == 1


def _unlocked(self: ServerTable, cursor: Any, columns: Any, row: Any, known: Any) -> Any:
    """As if the look had not locked the gap, which MariaDB does."""
    found = self._select(cursor, columns, str(row["File_Name"]))
    return found[0] if found else None


def test_a_wrong_password_names_the_mend_and_never_the_password(table: ServerTable, database: Database) -> None:
    with pytest.raises(Unavailable, match="penstock target secret") as caught:
        table_of(database, password="not it").make()
    assert "not it" not in str(caught.value)


def test_an_unknown_database_and_a_server_that_is_away_are_told(database: Database) -> None:
    database.kill()
    with pytest.raises(Unavailable, match="see that it runs"):
        table_of(database).make()
    database.start()


def test_a_missing_table_is_told_with_both_ways_to_mend_it(database: Database) -> None:
    with pytest.raises(Unavailable, match="has no table pictures; make it, or add the target with --option make=yes"):
        table_of(database, make=False).make()


def test_a_key_without_a_unique_index_is_told_with_the_statement_that_mends_it(database: Database) -> None:
    maker = table_of(database)
    maker.make()
    drop = {
        "mysql": "ALTER TABLE pictures DROP INDEX File_Name",
        "postgres": 'ALTER TABLE pictures DROP CONSTRAINT "pictures_File_Name_key"',
    }
    database.sql(drop[database.kind])
    mended(database, maker, "File_Name is not unique")


def test_missing_columns_are_told_with_the_statement_that_mends_it(database: Database) -> None:
    maker = table_of(database, make=False)
    table_of(database).make()
    for name in ("QR", "Caption"):
        database.sql(f"ALTER TABLE pictures DROP COLUMN {database.quoted(name)}")
    mended(database, maker, "column Caption is missing; column QR is missing")


def test_missing_columns_are_made_where_that_is_allowed(table: ServerTable, database: Database) -> None:
    database.sql(f"ALTER TABLE pictures DROP COLUMN {database.quoted('QR')}")
    table.make()
    assert table.put(HERON, []) == ("sent", 1)


def test_a_column_of_another_type_is_told_with_the_statement_that_mends_it(database: Database) -> None:
    maker = table_of(database)
    maker.make()
    change = {"mysql": "MODIFY QR INT", "postgres": 'ALTER COLUMN "QR" TYPE INT'}
    database.sql(f"ALTER TABLE pictures {change[database.kind]}")
    mended(database, maker, "QR is int(.*), which does not keep real values")


def test_a_short_key_is_told_and_a_short_text_is_this_rows_fault(table: ServerTable, database: Database) -> None:
    change = {"mysql": "MODIFY {} VARCHAR(20) CHARACTER SET utf8mb4", "postgres": "ALTER COLUMN {} TYPE VARCHAR(20)"}
    database.sql(f"ALTER TABLE pictures {change[database.kind].format(database.quoted('Caption'))}")
    with pytest.raises(
        ItemError, match="Caption has 35 characters, and its column takes 20; shorten it, or: ALTER"
    ) as e:
        table.put(HERON, [])
    assert e.value.code == "row"
    database.sql(str(e.value).partition("or: ")[2])
    assert table.put(HERON, [])[0] == "sent"
    database.sql(f"ALTER TABLE pictures {change[database.kind].format(database.quoted('File_Name'))}")
    mended(database, table, "File_Name takes 20 characters, names have up to 150")


def test_a_column_that_we_know_nothing_of_must_not_want_a_value(table: ServerTable, database: Database) -> None:
    database.sql("ALTER TABLE pictures ADD COLUMN rights VARCHAR(20) NOT NULL")
    mended(database, table, "its column rights wants a value that is not known here")
    database.sql("ALTER TABLE pictures ADD COLUMN owner VARCHAR(20) NOT NULL DEFAULT 'us'")
    assert table.put(HERON, [])[0] == "sent"


def test_a_column_that_takes_no_null_is_told(table: ServerTable, database: Database) -> None:
    change = {"mysql": "MODIFY Caption TEXT NOT NULL", "postgres": 'ALTER COLUMN "Caption" SET NOT NULL'}
    database.sql(f"ALTER TABLE pictures {change[database.kind]}")
    mended(database, table, "Caption does not take NULL")


def test_column_names_in_another_case_are_the_same_columns(database: Database) -> None:
    number = {"mysql": "ID INT AUTO_INCREMENT PRIMARY KEY", "postgres": "ID SERIAL PRIMARY KEY"}[database.kind]
    real = {"mysql": "DOUBLE", "postgres": "FLOAT8"}[database.kind]
    database.sql(f"CREATE TABLE pictures ({number}, file_name VARCHAR(150) UNIQUE, caption TEXT, qr {real}, width INT)")
    database.sql(
        {
            "mysql": "ALTER TABLE pictures CONVERT TO CHARACTER SET utf8mb4",
            "postgres": "ALTER TABLE pictures OWNER TO heron",
        }[database.kind]
    )
    table = table_of(database, make=False)
    assert table.put(HERON, []) == ("sent", 1)
    assert table.rows("Heron's.JPG") == [{"id": 1, **HERON}]


def test_a_trigger_that_changes_the_row_is_found_out_and_nothing_stays(table: ServerTable, database: Database) -> None:
    if database.kind == "mysql":
        database.sql("CREATE TRIGGER cut BEFORE INSERT ON pictures FOR EACH ROW SET NEW.Caption=LEFT(NEW.Caption, 3)")
    else:
        body = 'BEGIN NEW."Caption" = left(NEW."Caption", 3); RETURN NEW; END'
        database.sql(f"CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS '{body}'")
        database.sql("CREATE TRIGGER cut BEFORE INSERT ON pictures FOR EACH ROW EXECUTE FUNCTION cut()")
    with pytest.raises(ItemError, match=r"did not keep what was written \(Caption\)") as caught:
        table.put(HERON, [])
    assert caught.value.code == "readback"
    assert stored(database) == []


def test_a_user_without_rights_is_everybodys_trouble(table: ServerTable, database: Database) -> None:
    if database.kind == "mysql":
        database.sql("REVOKE ALL ON site.* FROM heron")
        database.sql("GRANT SELECT ON site.* TO heron")
    else:
        database.sql("ALTER TABLE pictures OWNER TO owner")
        database.sql("GRANT SELECT ON pictures TO heron")
    sqlsessions.closed()
    with pytest.raises(Unavailable, match=r"(?i)denied"):
        table_of(database, make=False).put(HERON, [])


def test_a_read_only_server_is_everybodys_trouble(table: ServerTable, database: Database) -> None:
    if database.kind == "mysql":
        database.sql("SET GLOBAL read_only=1")
    else:
        database.sql("ALTER ROLE heron SET default_transaction_read_only=on")
    sqlsessions.closed()
    with pytest.raises(Unavailable, match=r"(?i)read.only"):
        table.put(HERON, [])


def test_a_full_disk_is_everybodys_trouble_and_leaves_whole_rows_only(database: Database) -> None:
    if database.kind == "mysql":
        database.kill()
        database.start(cramped=True)
    table = table_of(database)
    table.make()
    if database.kind == "mysql":
        database.sql("ALTER TABLE pictures MODIFY Caption LONGTEXT CHARACTER SET utf8mb4")
    else:
        database.kill()
        database.start(cramped=True)
    letters = "".join(random.Random(1).choices("abcdefghijklmnopqrstuvwxyz0123456789é", k=6_000_000))
    try:
        with pytest.raises(Unavailable, match=r"cannot be written: .*(full|too large)"):
            fill(table, letters)
        whole = [row[1:3] == (f"{n}.JPG", letters) for n, row in enumerate(stored(database))]
        assert whole == [True] * len(whole)
        assert whole
    finally:
        database.kill()  # the next test gets one with room


def fill(table: ServerTable, text: str) -> None:
    for n in range(12):
        table.put({**HERON, "File_Name": f"{n}.JPG", "Caption": text}, [])


def test_the_trial_says_what_was_found_and_leaves_nothing(table: ServerTable, database: Database) -> None:
    said = table.test()
    name = {"mysql": "MariaDB 1", "postgres": "PostgreSQL 1"}[database.kind]
    assert f"table pictures of 127.0.0.1:{database.port}/site can be written ({name}" in said
    assert "not encrypted), File_Name is unique" in said
    assert stored(database) == []


def test_the_certificate_is_checked_when_asked_for(table: ServerTable, database: Database, tmp_path: Path) -> None:
    ca = str(database.home / "server.crt")
    url = database.url().replace("127.0.0.1", "localhost")
    kinds = {"mysql": MysqlTable, "postgres": PostgresTable}

    def made(options: dict[str, str], url: str = url) -> ServerTable:
        return kinds[database.kind](parsed(url, options, (database.kind,), 1), PASSWORD, SHAPE, may_make=False)

    assert "encrypted, certificate checked" in made({"ca": ca}).test()
    with pytest.raises(Unavailable, match=r"certificate is not trusted.*--option ca=FILE") as caught:
        made({"tls": "verify"}).test()
    assert caught.value.code == "certificate"
    with pytest.raises(Unavailable, match="certificate"):
        made({"ca": ca}, database.url()).test()  # it is not for 127.0.0.1


def test_one_session_serves_one_row_after_the_other(table: ServerTable, database: Database) -> None:
    mine = {"mysql": "SELECT CONNECTION_ID()", "postgres": "SELECT pg_backend_pid()"}[database.kind]

    def session() -> Any:
        with table._connected() as cursor:
            cursor.execute(mine)
            return cursor.fetchone()[0]

    first = session()
    table.put(HERON, [])
    assert session() == first
    end = {"mysql": "KILL {}", "postgres": "SELECT pg_terminate_backend({})"}[database.kind]
    database.sql(end.format(first))
    assert table.put({**HERON, "File_Name": "b.JPG"}, [])[0] == "sent"  # one that was ended meanwhile is no trouble
    assert session() != first


def test_our_row_is_removed_once(table: ServerTable) -> None:
    table.put(HERON, [])
    assert table.remove(HERON, [])
    assert not table.remove(HERON, [])
    assert table.names() == []


def mended(database: Database, table: ServerTable, words: str) -> None:
    """The preflight says `words`, and the statement that it gives mends it."""
    with pytest.raises(Unavailable, match=words) as caught:
        table.put(HERON, [])
    statement = str(caught.value).partition("mend it: ")[2]
    assert statement.startswith("ALTER TABLE ")
    database.sql(statement)
    assert table.put({**HERON, "File_Name": words}, [])[0] == "sent"
