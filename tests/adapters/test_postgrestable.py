from __future__ import annotations

import pytest

from penstock.adapters.servertable import ServerTable
from penstock.engine.errors import ItemError, Unavailable
from tests.adapters.test_servertable import HERON, mended, stored, table_of
from tests.databases import Database

TABLE = """CREATE TABLE pictures (id SERIAL PRIMARY KEY, "File_Name" {name} UNIQUE, "Caption" VARCHAR(2000),
 "QR" FLOAT8, "Width" INT)"""


def made(database: Database, *, name: str = "VARCHAR(150)") -> ServerTable:
    database.sql(TABLE.format(name=name))
    database.sql("ALTER TABLE pictures OWNER TO heron")
    return table_of(database, make=False)


def test_nul_is_this_rows_fault_because_no_text_of_this_server_can_hold_it(postgres: Database) -> None:
    table = made(postgres)
    with pytest.raises(ItemError, match="NUL"):
        table.put({**HERON, "Caption": "a\0b"}, [])
    assert stored(postgres) == []


@pytest.mark.parametrize("index", ['("File_Name") WHERE "QR" > 5', '(lower("File_Name"))', '("File_Name", "QR")'])
def test_a_unique_index_over_a_part_of_the_rows_or_something_else_is_not_enough(postgres: Database, index: str) -> None:
    table = made(postgres)
    postgres.sql('ALTER TABLE pictures DROP CONSTRAINT "pictures_File_Name_key"')
    postgres.sql(f"CREATE UNIQUE INDEX part ON pictures {index}")
    mended(postgres, table, "File_Name is not unique")


def test_a_view_is_no_table(postgres: Database) -> None:
    made(postgres)
    postgres.sql("ALTER TABLE pictures RENAME TO real_pictures")
    postgres.sql("CREATE VIEW pictures AS SELECT * FROM real_pictures")
    with pytest.raises(Unavailable, match="pictures is no table"):
        table_of(postgres, make=False).make()


def test_a_table_in_another_schema_of_the_search_path_is_found(postgres: Database) -> None:
    table = made(postgres)
    postgres.sql("CREATE SCHEMA site AUTHORIZATION heron")
    postgres.sql("ALTER TABLE pictures SET SCHEMA site")
    with pytest.raises(Unavailable, match="has no table"):
        table.make()
    postgres.sql("ALTER ROLE heron SET search_path = site")
    assert table.put(HERON, []) == ("sent", 1)


def test_a_name_that_the_collation_takes_for_anothers_is_a_conflict_and_is_told(postgres: Database) -> None:
    postgres.sql("CREATE COLLATION alike (provider=icu, locale='und-u-ks-level1', deterministic=false)")
    table = made(postgres, name="TEXT COLLATE alike")
    assert "collation alike names are one that differ by case or accents only" in table.test()
    table.put({**HERON, "File_Name": "cafe.jpg"}, [])
    before = stored(postgres)
    with pytest.raises(ItemError, match="for the same name, and that row is not ours"):
        table.put({**HERON, "File_Name": "café.JPG"}, [])
    assert stored(postgres) == before
    assert "collation" not in table_of(postgres, make=False).test().replace("collation alike", "")


def test_a_database_that_cannot_hold_every_letter_is_refused(postgres: Database) -> None:
    from contextlib import closing

    with closing(postgres._owner("postgres")) as connection:  # type: ignore[attr-defined]
        connection.autocommit = True
        connection.execute("DROP DATABASE site WITH (FORCE)")
        connection.execute("CREATE DATABASE site OWNER heron ENCODING 'LATIN1' TEMPLATE template0 LOCALE 'C'")
    with pytest.raises(Unavailable, match="encoding LATIN1 cannot hold every letter"):
        table_of(postgres).make()


def test_a_session_that_the_server_ends_is_tried_again(postgres: Database) -> None:
    from penstock.engine import failpoint
    from penstock.engine.errors import Transient

    table = made(postgres)
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename='heron'"
    failpoint.arm_call("servertable.before_commit", lambda *_: postgres.sql(end))
    with pytest.raises(Transient):
        table.put(HERON, [])
    failpoint.disarm()
    assert stored(postgres) == []
    assert table.put(HERON, [])[0] == "sent"
