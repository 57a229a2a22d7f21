from __future__ import annotations

import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.proof import l4, trace
from tests.proof.disk import MODES, Disk
from tests.proof.narrated import JOURNALS
from tests.proof.trace import Op
from tests.services import require

SHORT = 15  # states


@pytest.fixture(scope="module", autouse=True)
def _recordings() -> Iterator[None]:
    yield
    l4.close()


def test_every_state_that_a_loss_of_power_leaves_is_survived() -> None:
    require("strace")
    found = list(l4.round_of(l4.examiner("delete", "some"), random.Random(4), SHORT))
    assert {case.seed.split(":")[3] for case in found} == set(MODES)
    assert [(case.seed, case.violations) for case in found if case.violations] == []
    assert l4.replay(found[-1].seed) == found[-1]


TELLER = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1] + "/db", isolation_level=None)
db.executescript(sys.argv[2] + "; CREATE TABLE t (n INTEGER)")
with open(sys.argv[1] + "/marks", "ab", buffering=0) as marks:
    for n in range(12):
        db.execute("INSERT INTO t VALUES (?)", [n])
        marks.write(b"%d" % n)
"""


@pytest.mark.parametrize(
    ("journal", "forgets"), [("delete", False), ("wal", False), ("wal-normal", True), ("wal-off", True)]
)
def test_a_journal_that_is_not_synced_is_found_to_forget_what_was_acknowledged(
    tmp_path: Path, journal: str, forgets: bool
) -> None:
    """So the level can fail: these are the settings that Penstock does not use, told as a story is."""
    strace = require("strace")
    place, seen = tmp_path / "disk", tmp_path / "trace"
    place.mkdir()
    tell = [sys.executable, "-S", "-c", TELLER, str(place), JOURNALS[journal]]
    listen = [strace, "-f", "-y", "-xx", "-s", "100000", "-e", f"trace={trace.CALLS}", "-o", str(seen)]
    subprocess.run([*listen, *tell], check=True, timeout=60)
    made, forgotten = Disk({}, []), 0
    for op in trace.read(seen.read_text().splitlines(), str(place)):
        if op.path.endswith("-shm"):
            continue
        made.apply(op)
        if op.path == "marks" and op.kind == "write":
            forgotten += int(op.data) not in _kept(made, tmp_path / "left")
    assert (forgotten > 0) == forgets


def _kept(made: Disk, place: Path) -> set[int]:
    """Rows of the database after a loss of power now."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    for path, data in left(made, "synced").items():
        (place / path).write_bytes(data)
    with closing(sqlite3.connect(place / "db")) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        there = db.execute("SELECT 1 FROM sqlite_master").fetchone()
        return {row[0] for row in db.execute("SELECT n FROM t")} if there else set()


def disk(*ops: Op) -> Disk:
    made = Disk({"old": b"old"}, ["to"])
    for op in ops:
        made.apply(op)
    return made


def left(made: Disk, mode: str) -> dict[str, bytes]:
    return made.state(mode, random.Random(1))[0]  # type: ignore[arg-type]


def test_content_is_kept_by_a_sync_of_the_file_and_a_name_by_one_of_its_folder() -> None:
    write = (Op("make", "to/new"), Op("write", "to/new", data=b"new"))
    made = disk(*write)
    assert [left(made, mode) for mode in ("all", "synced", "ordered", "entries")] == [
        {"old": b"old", "to/new": b"new"}, {"old": b"old"}, {"old": b"old", "to/new": b""}, {"old": b"old"},
    ]  # fmt: skip
    made.apply(Op("sync", "to/new", seen=2))
    assert [left(made, mode).get("to/new") for mode in ("synced", "ordered", "entries")] == [b"new", b"new", None]
    made.apply(Op("sync", "to", seen=3))
    assert left(made, "entries") == {"old": b"old", "to/new": b"new"}


def test_a_file_that_is_renamed_always_has_one_of_its_names() -> None:
    made = disk(Op("rename", "old", "to/new"))
    assert left(made, "entries") == {"old": b"old"}
    made.apply(Op("sync", "", seen=1))
    assert left(made, "entries") == {"to/new": b"old"}


def test_what_began_before_a_write_ended_does_not_vouch_for_it() -> None:
    made = disk(Op("write", "old", data=b"new"), Op("sync", "old", seen=0))
    assert left(made, "synced") == {"old": b"old"}


def test_sectors_are_torn_whole() -> None:
    made = disk(Op("write", "old", data=b"x" * 2048))
    seen = {made.state("torn", random.Random(n))[0]["old"] for n in range(40)}
    assert len(seen) > 5
    assert all(
        text[at : at + 512] in (b"x" * 512, bytes(512), b"", b"old" + bytes(509), b"old")
        for text in seen
        for at in range(0, 2048, 512)
    )
