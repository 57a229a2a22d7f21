"""Publishing to a website's table on a real server: once, whole, and only what was approved, whatever breaks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from penstock.engine.errors import UsageError
from tests.databases import PASSWORD, Cutter, Database

if TYPE_CHECKING:
    from tests.publish.desk import Desk

TABLE = "photos_info_revamp"
NAME = "Heron at dawn.JPG"
ORDER = ["files", "web", "mirror"]


@pytest.fixture
def cutters() -> Iterator[list[Cutter]]:
    made: list[Cutter] = []
    yield made
    for cutter in made:
        cutter.close()


@pytest.fixture
def online(ledger_home: Path, database: Database) -> Desk:
    """A photo site with a folder, a table on a server and the local mirror of that table."""
    return on(database)


def on(database: Database, port: int | None = None) -> Desk:
    from penstock.publish import targets
    from tests.publish.desk import Desk

    desk = Desk()
    desk.database.unlink(missing_ok=True)
    targets.add(desk.site, "files", "folder", str(desk.base))
    targets.add(desk.site, "web", database.kind, database.url(port), {"make": "yes"}, PASSWORD)
    targets.add(desk.site, "mirror", "sqlite", str(desk.database), {"mirror": "yes"})
    return desk


def web(database: Database) -> list[dict[str, Any]]:
    """The rows on the server."""
    from penstock.publish.website import COLUMNS

    names = ["id", *COLUMNS]
    found = database.sql(f"SELECT {', '.join(map(database.quoted, names))} FROM {TABLE} ORDER BY id")
    return [dict(zip(names, row, strict=True)) for row in found]


def shorten(database: Database) -> None:
    """The server's captions have at most 40 characters."""
    change = {
        "mysql": "MODIFY Caption VARCHAR(40) CHARACTER SET utf8mb4",
        "postgres": 'ALTER COLUMN "Caption" TYPE VARCHAR(40)',
    }
    database.sql(f"ALTER TABLE {TABLE} {change[database.kind]}")


def drift(desk: Desk) -> list[tuple[str, int, str]]:
    from penstock.publish.drift import reconcile

    return [(one.target, one.item, one.what) for one in reconcile(desk.site)]


def published_once(desk: Desk, database: Database, *items: int) -> None:
    """Each item stands everywhere once, the mirror equals the server, nothing unfinished lies about."""
    from penstock.pipelines.photos.models import Photo
    from tests.publish.desk import recounted

    assert [photo.Review_Status for photo in Photo.objects.filter(id__in=items)] == ["Published"] * len(items)
    assert len(desk.files()) == 2 * len(items)
    assert len(web(database)) == len(items)
    assert desk.rows() == web(database)
    assert drift(desk) == []
    recounted()


def paused(desk: Desk, run: Any) -> str:
    """Drive until it pauses; why it did."""
    from penstock.ledger.models import Run

    desk.drive(run)
    stopped = Run.objects.get(id=run.id)
    assert stopped.status == "paused", (stopped.status, stopped.error_message)
    return str(stopped.error_message)


def resumed(desk: Desk, run: Any) -> dict[str, Any]:
    from penstock.ledger import control
    from penstock.ledger.models import Run
    from tests.publish.desk import CLOCK

    control.resume(Run.objects.get(id=run.id), CLOCK)
    return desk.drive(run)


def test_a_photo_stands_on_the_server_and_in_the_mirror_under_the_servers_number(
    online: Desk, database: Database
) -> None:
    key, other = database.quoted("File_Name"), database.quoted("Original_File_Name")
    for n in range(3):
        database.sql(f"INSERT INTO {TABLE} ({key}, {other}) VALUES ('Theirs{n}.JPG', 'x')")
    item = online.photo(Caption="A heron 🪶 𠮷; DROP TABLE photos_info_revamp; -- '\"\\ %s")
    assert online.publish()["rows"] == [{"id": item, "status": "published", "error": ""}]
    assert online.states() == dict.fromkeys(ORDER, ("done", "sent"))
    ours = web(database)[3:]
    assert [row["id"] for row in ours] == [4]
    assert ours[0]["Caption"] == "A heron 🪶 𠮷; DROP TABLE photos_info_revamp; -- '\"\\ %s"
    assert online.rows() == ours
    assert drift(online) == [("web", 0, "foreign")] * 3


def test_publishing_again_changes_nothing(online: Desk, database: Database) -> None:
    items = [online.photo(), online.photo("Other.JPG")]
    online.publish()
    before = (online.files(), web(database), online.rows())
    assert online.publish()["unchanged"] == 2
    assert (online.files(), web(database), online.rows()) == before
    published_once(online, database, *items)


def test_taking_back_goes_mirror_row_files_and_leaves_nothing(online: Desk, database: Database) -> None:
    from penstock.ledger.models import Event
    from penstock.publish import undo
    from tests.publish.desk import CLOCK, WHO

    item = online.photo()
    online.publish()
    assert undo.unpublish(online.site, [item], WHO, CLOCK)["unpublished"] == 1
    assert (online.files(), web(database), online.rows()) == ({}, [], [])
    told = [event.lines[0][1] for event in Event.objects.filter(kind="withdrawn").order_by("id")]
    assert [line.rpartition(" ")[2] for line in told] == ORDER[::-1]
    assert drift(online) == []
    online.approve(item)
    online.publish()
    published_once(online, database, item)


def test_a_server_killed_between_upload_and_row_pauses_and_resuming_publishes_once(
    online: Desk, database: Database
) -> None:
    from penstock import ledger

    item = online.photo()
    run = online.start()
    ledger.ON_SETTLED.append(lambda _run, stage, _ids: database.kill() if stage == "send" else None)
    try:
        assert "cannot be reached" in paused(online, run)
    finally:
        ledger.ON_SETTLED.pop()
    database.start()
    assert (len(online.files()), web(database), online.rows()) == (2, [], [])
    assert resumed(online, run)["rows"] == [{"id": item, "status": "published", "error": ""}]
    published_once(online, database, item)


@pytest.mark.parametrize("heard", [True, False])
def test_a_commit_whose_answer_is_lost_is_looked_at_and_not_repeated(
    ledger_home: Path, database: Database, cutters: list[Cutter], heard: bool
) -> None:
    cutters.append(Cutter(database.port, heard=heard, times=0))
    desk = on(database, cutters[0].port)
    item = desk.photo()
    cutters[0].left = 1
    assert desk.publish()["rows"] == [{"id": item, "status": "published", "error": ""}]
    assert cutters[0].left == 0
    assert desk.states()["web"] == ("done", "sent")
    published_once(desk, database, item)


@pytest.mark.parametrize(
    "point", ["servertable.before_commit", "servertable.after_commit", "publish.before_settle@2", "publish.after_row"]
)
def test_a_child_killed_around_the_row_ends_in_the_same_place(
    online: Desk, database: Database, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    from tests.publish.test_outbox import _killing_once

    name, _, nth = point.partition("@")
    item = online.photo()
    monkeypatch.setenv("PENSTOCK_FAILPOINTS", f"{name}=kill@{nth or 1}")
    run = online.start()
    _killing_once(monkeypatch)
    assert online.drive(run)["published"] == 1
    assert "PENSTOCK_FAILPOINTS" not in os.environ
    published_once(online, database, item)


def test_a_wrong_password_pauses_and_stands_in_no_log_and_no_database(online: Desk, database: Database) -> None:
    from penstock.publish import credentials, targets

    item = online.photo()
    target = targets.named(online.site, "web")
    credentials.keep(target, "wrong-canary")
    run = online.start()
    assert "penstock target secret" in paused(online, run)
    credentials.keep(target, PASSWORD)
    assert resumed(online, run)["published"] == 1
    published_once(online, database, item)
    for path in online.site.root.rglob("*"):
        if path.is_file() and path.parent.name != "secrets":
            assert b"wrong-canary" not in path.read_bytes(), path
            assert PASSWORD.encode() not in path.read_bytes(), path


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        ("DROP TABLE {table}", "has no table"),
        ("ALTER TABLE {table} DROP COLUMN {caption}", "column Caption is missing"),
    ],
)
def test_a_table_that_cannot_hold_the_row_pauses_with_the_mend_and_goes_on_after_it(
    online: Desk, database: Database, broken: str, words: str
) -> None:
    from penstock.publish import targets

    item = online.photo()
    database.sql(broken.format(table=TABLE, caption=database.quoted("Caption")))
    run = online.start()
    assert words in paused(online, run)
    targets.opened(targets.named(online.site, "web")).make()  # option make=yes
    assert resumed(online, run)["published"] == 1
    published_once(online, database, item)


def test_a_row_that_its_column_cannot_hold_fails_alone_with_its_line_and_is_retried(
    online: Desk, database: Database
) -> None:
    from penstock.publish.models import Delivery

    shorten(database)
    long = online.photo("Long.JPG", Caption="A heron that stands very long in shallow water.")
    short = online.photo(Caption="A heron.")
    result = online.publish()
    assert (result["published"], result["failed"]) == (1, 1)
    error = next(row["error"] for row in result["rows"] if row["id"] == long)
    assert "Caption has 47 characters, and its column takes 40" in error
    log = (online.site.root / "logs" / "db_uploader.log").read_text(encoding="utf-8")
    assert f"[UPLOAD ERROR] id={long} Long.JPG -> web: " in log
    assert [row["File_Name"] for row in web(database)] == [row["File_Name"] for row in online.rows()] == [NAME]
    assert Delivery.objects.get(item=long, target__name="web").outcome == ""
    assert "row is not on web yet" in Delivery.objects.get(item=long, target__name="mirror").error
    database.sql(error.partition("or: ")[2])
    assert online.publish()["published"] == 1
    published_once(online, database, short, long)


def test_a_refused_row_can_be_taken_back_and_edited(online: Desk, database: Database) -> None:
    from penstock.publish import undo
    from penstock.review import gate
    from tests.publish.desk import CLOCK, WHO

    shorten(database)
    item = online.photo(Caption="A heron that stands very long in shallow water.")
    assert online.publish()["failed"] == 1
    assert undo.unpublish(online.site, [item], WHO, CLOCK)["unpublished"] == 1
    gate.edit("photo", item, {"Caption": "A heron stands in water today."}, who=WHO, at=CLOCK.wall())
    online.approve(item)
    assert online.publish()["published"] == 1
    published_once(online, database, item)


def test_an_edit_between_packing_and_sending_leaves_every_target_untouched(online: Desk, database: Database) -> None:
    from penstock.review import gate
    from tests.publish.desk import CLOCK, WHO

    item = online.photo()
    run = online.start()
    gate.edit("photo", item, {"Caption": "A heron stands somewhere else."}, who=WHO, at=CLOCK.wall())
    assert online.drive(run)["failed"] == 1
    assert (online.files(), web(database), online.rows()) == ({}, [], [])
    online.approve(item)
    assert online.publish()["published"] == 1
    assert web(database)[0]["Caption"] == "A heron stands somewhere else."
    published_once(online, database, item)


def test_a_strangers_row_is_a_conflict_and_neither_server_nor_mirror_is_written(
    online: Desk, database: Database
) -> None:
    key, other = database.quoted("File_Name"), database.quoted("Original_File_Name")
    database.sql(f"INSERT INTO {TABLE} ({key}, {other}) VALUES ('{NAME}', 'theirs')")
    before = web(database)
    online.photo()
    assert online.publish()["conflicts"] == 1
    assert (web(database), online.rows()) == (before, [])


def test_what_somebody_changed_on_the_server_is_told_and_never_overwritten_or_removed(
    online: Desk, database: Database
) -> None:
    from penstock.publish import mirroring, undo
    from tests.publish.desk import CLOCK, WHO

    gone, edited = online.photo(), online.photo("Edited.JPG")
    moved = online.photo("Moved.JPG")
    online.publish()
    key, caption = database.quoted("File_Name"), database.quoted("Caption")
    database.sql(f"DELETE FROM {TABLE} WHERE {key}='{NAME}'")
    database.sql(f"UPDATE {TABLE} SET {caption}='Theirs.' WHERE {key}='Edited.JPG'")
    database.sql(f"UPDATE {TABLE} SET id=99 WHERE {key}='Moved.JPG'")
    before = web(database)
    expected = [("web", gone, "missing"), ("web", edited, "changed"), ("web", moved, "changed")]
    assert drift(online) == expected
    assert online.publish()["published"] == 0
    mirroring.renew(online.site, WHO, CLOCK)
    assert drift(online) == expected
    assert undo.unpublish(online.site, [edited], WHO, CLOCK)["conflicts"] == 1
    assert web(database) == before


def test_the_mirror_is_mended_only_when_told_and_other_rows_in_it_stay(online: Desk, database: Database) -> None:
    from penstock.publish import mirroring
    from tests.publish.desk import CLOCK, WHO

    items = [online.photo(), online.photo("Edited.JPG"), online.photo("Moved.JPG")]
    online.publish()
    wanted = {row["File_Name"]: row for row in online.rows()}
    online.sql(f"DELETE FROM {TABLE} WHERE File_Name=?", NAME)
    online.sql(f"UPDATE {TABLE} SET QR=1 WHERE File_Name='Edited.JPG'")
    online.sql(f"UPDATE {TABLE} SET id=77 WHERE File_Name='Moved.JPG'")
    theirs = f"INSERT INTO {TABLE} (id, File_Name, Original_File_Name) VALUES (?, 'Theirs.JPG', 'x')"
    online.sql(theirs, wanted["Moved.JPG"]["id"])
    assert drift(online) == [
        ("mirror", items[0], "missing"), ("mirror", items[1], "changed"), ("mirror", items[2], "changed"),
        ("mirror", 0, "foreign"),
    ]  # fmt: skip
    assert online.publish()["published"] == 0
    assert mirroring.renew(online.site, WHO, CLOCK) == 3
    assert mirroring.renew(online.site, WHO, CLOCK) == 0
    now = {row["File_Name"]: row for row in online.rows()}
    assert now.pop("Theirs.JPG")["Original_File_Name"] == "x"
    assert now == wanted
    assert drift(online) == [("mirror", 0, "foreign")]


def test_a_server_that_comes_after_the_mirror_gives_it_its_numbers(database: Database, ledger_home: Path) -> None:
    from penstock.publish import mirroring, targets
    from tests.publish.desk import CLOCK, WHO, Desk

    desk = Desk()
    desk.database.unlink(missing_ok=True)
    targets.add(desk.site, "files", "folder", str(desk.base))
    targets.add(desk.site, "mirror", "sqlite", str(desk.database), {"mirror": "yes"})
    old = [desk.photo(), desk.photo("Second.JPG")]
    desk.publish()
    targets.add(desk.site, "web", database.kind, database.url(), {"make": "yes"}, PASSWORD)
    new = desk.photo("Third.JPG")
    desk.publish()  # the server's first row, so its number 1 is the mirror's first row's too
    assert {row["File_Name"]: row["id"] for row in desk.rows()}["Third.JPG"] == 1
    desk.publish("web")
    assert {what for *_, what in drift(desk)} == {"mirror", "changed"}
    mirroring.renew(desk.site, WHO, CLOCK)
    published_once(desk, database, *old, new)


def test_a_dry_run_tells_new_and_conflicting_rows_and_writes_nothing(online: Desk, database: Database) -> None:
    from penstock.publish import outbox

    key, other = database.quoted("File_Name"), database.quoted("Original_File_Name")
    database.sql(f"INSERT INTO {TABLE} ({key}, {other}) VALUES ('Taken.JPG', 'theirs')")
    new, taken = online.photo(), online.photo("Taken.JPG")
    before = web(database)
    preview = outbox.plan(online.site)
    assert [(one.item, one.target) for one in preview.conflicts] == [(taken, "web")]
    assert [one.target for one in preview.new if one.item == new] == ORDER
    assert web(database) == before


def test_an_address_with_a_password_is_refused_and_not_repeated(online: Desk, database: Database) -> None:
    from penstock.publish import targets

    for url in (database.url().replace("heron@", "heron:canary@"), f"{database.kind}:heron:canary@host/site"):
        with pytest.raises(UsageError) as caught:
            targets.add(online.site, "again", database.kind, url)
        assert "canary" not in str(caught.value)
