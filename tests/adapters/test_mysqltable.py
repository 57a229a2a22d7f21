from __future__ import annotations

import pytest

from penstock.adapters.servertable import ServerTable
from penstock.engine.errors import ItemError, Unavailable
from tests.adapters.test_servertable import COLUMNS, HERON, mended, stored, table_of
from tests.databases import Database

TABLE = """CREATE TABLE pictures (id INT AUTO_INCREMENT PRIMARY KEY, File_Name VARCHAR(150) {name} UNIQUE,
 Caption TEXT {text}, QR DOUBLE, Width INT) {table}"""


def made(database: Database, *, name: str = "", text: str = "", table: str = "CHARACTER SET utf8mb4") -> ServerTable:
    database.sql(TABLE.format(name=name, text=text, table=table))
    return table_of(database, make=False)


def test_letters_that_the_table_cannot_hold_are_told_with_the_statement_that_mends_it(mariadb: Database) -> None:
    table = made(mariadb, table="CHARACTER SET latin1")
    mended(mariadb, table, "File_Name, Caption cannot hold every letter")
    emoji = {**HERON, "File_Name": "e.JPG", "Caption": "🪶 𠮷"}
    assert table.put(emoji, [])[0] == "sent"
    assert stored(mariadb)[-1][2] == "🪶 𠮷"


@pytest.mark.parametrize("charset", ["utf8mb3", "latin1"])
def test_one_column_of_another_character_set_is_enough(mariadb: Database, charset: str) -> None:
    table = made(mariadb, text=f"CHARACTER SET {charset}")
    mended(mariadb, table, "^[^;]*: Caption cannot hold every letter")


def test_an_engine_without_transactions_is_told_with_the_statement_that_mends_it(mariadb: Database) -> None:
    mended(mariadb, made(mariadb, table="CHARACTER SET utf8mb4 ENGINE=MyISAM"), "engine MyISAM knows no transactions")


def test_a_view_is_no_table(mariadb: Database) -> None:
    made(mariadb)
    mariadb.sql("RENAME TABLE pictures TO real_pictures")
    mariadb.sql("CREATE VIEW pictures AS SELECT * FROM real_pictures")
    with pytest.raises(Unavailable, match="engine view knows no transactions"):
        table_of(mariadb, make=False).make()


def test_a_unique_index_over_a_part_of_the_name_is_not_enough(mariadb: Database) -> None:
    table = made(mariadb)
    mariadb.sql("ALTER TABLE pictures DROP INDEX File_Name, ADD UNIQUE part (File_Name(20))")
    mended(mariadb, table, "File_Name is not unique")


def test_a_unique_index_over_name_and_more_is_not_enough(mariadb: Database) -> None:
    table = made(mariadb)
    mariadb.sql("ALTER TABLE pictures DROP INDEX File_Name, ADD UNIQUE both_of (File_Name, Width)")
    mended(mariadb, table, "File_Name is not unique")


@pytest.mark.parametrize(("theirs", "ours"), [("cafe.jpg", "café.jpg"), ("HERON'S.jpg", "Heron's.JPG")])
def test_a_name_that_the_collation_takes_for_anothers_is_a_conflict_and_their_row_stays(
    mariadb: Database, theirs: str, ours: str
) -> None:
    table = made(mariadb, name="CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci")
    table.put({**HERON, "File_Name": theirs}, [])
    before = stored(mariadb)
    row = {**HERON, "File_Name": ours}
    for act in (lambda: table.put(row, []), lambda: table.remove(row, [])):
        with pytest.raises(ItemError, match="for the same name, and that row is not ours") as caught:
            act()
        assert caught.value.code == "conflict"
    assert stored(mariadb) == before


def test_such_a_collation_is_told_by_the_trial_and_an_exact_one_is_not(mariadb: Database) -> None:
    said = made(mariadb, name="CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci").test()
    assert "to its collation utf8mb4_unicode_ci names are one that differ by case or accents only" in said
    mariadb.sql("ALTER TABLE pictures MODIFY File_Name VARCHAR(150) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
    assert "collation" not in table_of(mariadb, make=False).test()


def test_text_is_never_cut_though_the_server_would(mariadb: Database) -> None:
    table = made(mariadb)
    assert mariadb.sql("SELECT @@GLOBAL.sql_mode") == [("",)]
    with pytest.raises(ItemError, match=r"Caption|too long"):
        table.put({**HERON, "Caption": "é" * 40_000}, [])
    assert stored(mariadb) == []


def test_a_decimal_column_that_keeps_the_number_will_do_and_one_that_rounds_it_is_found_out(mariadb: Database) -> None:
    table = made(mariadb)
    mariadb.sql("ALTER TABLE pictures MODIFY QR DECIMAL(6,2)")
    assert table.put(HERON, [])[0] == "sent"
    assert table.put(HERON, [])[0] == "unchanged"
    with pytest.raises(ItemError, match=r"did not keep what was written \(QR\)"):
        table.put({**HERON, "File_Name": "b.JPG", "QR": 7.531}, [])
    mariadb.sql("ALTER TABLE pictures MODIFY QR FLOAT")
    mended(mariadb, table, "QR is float, which does not keep real values")


def test_nul_comes_back_the_same(mariadb: Database) -> None:
    table = made(mariadb)
    assert table.put({**HERON, "Caption": "a\0b"}, [])[0] == "sent"
    assert stored(mariadb)[0][2] == "a\0b"


def test_a_session_that_the_server_ends_is_tried_again(mariadb: Database) -> None:
    from contextlib import closing

    from penstock.engine import failpoint
    from penstock.engine.errors import Transient

    table = made(mariadb)
    with closing(mariadb.connect()) as other:
        cursor = other.cursor()

        def killed(*_: object) -> None:
            cursor.execute(f"KILL {mariadb.sql(NEWEST)[0][0]}")

        failpoint.arm_call("servertable.before_commit", killed)
        with pytest.raises(Transient):
            table.put(HERON, [])
        failpoint.disarm()
    assert stored(mariadb) == []
    assert table.put(HERON, [])[0] == "sent"


NEWEST = "SELECT ID FROM information_schema.PROCESSLIST WHERE USER='heron' ORDER BY ID DESC LIMIT 1"


def test_the_shape_of_a_table_made_here_is_the_sites(mariadb: Database) -> None:
    table_of(mariadb).make()
    table_of(mariadb).make()
    names = mariadb.sql("SELECT COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_NAME='pictures' ORDER BY 1")
    assert sorted(name for (name,) in names) == sorted(["id", *COLUMNS])
    where = "TABLE_NAME='pictures' AND COLUMN_NAME='File_Name'"
    kind = mariadb.sql(f"SELECT COLLATION_NAME FROM information_schema.COLUMNS WHERE {where}")
    assert kind == [("utf8mb4_bin",)]
