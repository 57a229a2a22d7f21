"""One photo site and the ways of looking at it: commands, log lines, rows, files, names."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from tests.cli.calling import Called, call
from tests.crash import plant

SITE = "doors"
SET = ("--location", "Gouda_Netherlands", "--subject", "Grey heron")
QUICK = {  # so that what waits for a server does not make a test wait
    "caption_second_look": False,
    "caption_retry_wait": 0.01,
    "connect_timeout": 1,
    "keywords_count": 10,
}
OF_A_RUN = ("logs", "runs", "data/run_log.txt", "data/prefill_qc_last.json")
"""What a run may leave behind even when it is rolled back: what it said."""
OF_THE_HOME = ("data/review.db", "secret.key", "driver.lock", "backups")
MINE = ("review_queue", "photo_file", "photos_reservedname", "ledger_sitecounter")


@dataclass
class Door:
    """A site of a home. `source` holds the photographer's own files."""

    home: Path
    source: Path

    @classmethod
    def made(cls, home: Path, folder: Path) -> Door:
        """A new site in an empty home."""
        assert call("site", "create", SITE, "--pipeline", "photos").code == 0
        return cls(home, folder / "source")

    def set(self, **settings: Any) -> None:
        """`penstock site set`."""
        pairs = [f"{name}={value}" for name, value in settings.items()]
        done = call("site", "set", SITE, *pairs)
        assert done.code == 0, done.err

    def add(self, *names: str, move: bool = False, folder: str = "nature", seed: int = 1) -> Path:
        """Make small photos and a set of them."""
        place = plant.photos(self.source / f"{folder}{seed}", names, seed)
        self.add_again(place, move=move, folder=folder)
        return place

    def add_again(self, place: Path, *, move: bool = False, folder: str = "nature") -> None:
        """`penstock photos add`."""
        more = ("--move",) if move else ()
        done = call("photos", "add", place, "--site", SITE, "--folder", folder, *SET, "--yes", *more)
        assert done.code == 0, done.err

    def run(self) -> Called:
        """`penstock run`, to its rest."""
        return call("--json", "-q", "run", SITE)

    def resume(self) -> Called:
        """`penstock resume` of the last run."""
        return call("--json", "-q", "resume", call("--json", "status", SITE).data["run_id"])

    @property
    def log(self) -> str:
        """The last run's log."""
        return (self.home / "logs" / "latest_run.log").read_text("utf-8")

    def lines(self, word: str) -> list[str]:
        """Lines of the last run's log that hold `word`, without their times."""
        return [line.split(" ", 1)[1] for line in self.log.splitlines() if word in line]

    def read(self, sql: str) -> list[dict[str, Any]]:
        """Rows straight from the database file."""
        with closing(sqlite3.connect(self.home / "data" / "review.db")) as base:
            base.row_factory = sqlite3.Row
            return [dict(row) for row in base.execute(sql)]

    def photos(self) -> list[dict[str, Any]]:
        """The review queue in order."""
        return self.read("SELECT * FROM review_queue ORDER BY ordinal, id")

    def photo(self, original: str) -> dict[str, Any]:
        """The only row of a file."""
        (row,) = [row for row in self.photos() if row["Original_File_Name"] == original]
        return row

    def names(self) -> list[str]:
        """The reserved names in the database, which the list beside it must repeat."""
        held = sorted(row["name"] for row in self.read("SELECT name FROM photos_reservedname"))
        assert json.loads((self.home / "data" / "used_filenames.json").read_text("utf-8")) == held
        return held

    def all_of_it(self) -> dict[str, Any]:
        """Everything that a rolled back run must leave as it found it: rows, names, counters, every file."""
        tables = {name: self.read(f"SELECT * FROM {name} ORDER BY id") for name in MINE}
        tables["ledger_sitecounter"] = [row | {"id": 0} for row in tables["ledger_sitecounter"] if row["n"]]
        tables["ledger_sitecounter"].sort(key=str)
        return tables | {"files": _files(self.home, self.source)}

    def healthy(self) -> None:
        """`penstock doctor` finds nothing."""
        told = call("--json", "doctor").data
        assert not told["violations"], json.dumps(told["violations"])


def _files(home: Path, source: Path) -> dict[str, str]:
    found = {}
    for file in [*home.rglob("*"), *source.rglob("*")]:
        top = file.relative_to(home).as_posix() if file.is_relative_to(home) else ""
        if file.is_file() and not top.startswith((*OF_A_RUN, *OF_THE_HOME)):
            found[str(file)] = sha256(file.read_bytes()).hexdigest()
    return found
