"""What the witness saw: pieces of work that began, and rows that left a lease, written by triggers."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

TABLES = ("photo_file", "review_queue")
_TRIGGER = """
CREATE TRIGGER witness_{table} AFTER UPDATE OF state ON {table} WHEN OLD.state='leased' BEGIN
  INSERT INTO witness (stage, item, batch, moved, at) VALUES (OLD.stage, OLD.id, OLD.batch,
    NEW.stage <> OLD.stage OR NEW.state NOT IN ('ready', 'leased'), (julianday('now') - 2440587.5) * 86400.0);
END"""


class Began(NamedTuple):
    """A line of the side log."""

    stage: str
    item: int
    pid: int
    at: float


class Left(NamedTuple):
    """A row left the lease of `batch`; `moved` tells whether its stage was done with it."""

    number: int
    stage: str
    item: int
    batch: int
    moved: int
    at: float


@dataclass(frozen=True)
class Record:
    """Everything that was seen."""

    began: list[Began]
    left: list[Left]

    @property
    def committed_twice(self) -> list[str]:
        """Pieces of work that were committed more than once."""
        times = Counter((one.stage, one.item) for one in self.left if one.moved)
        return [f"{stage} of {item} was committed {n} times" for (stage, item), n in times.items() if n > 1]

    def repeated(self) -> list[Began]:
        """Work that began after the transaction that committed the same work."""
        ends = {(one.stage, one.item): one.at for one in self.left if one.moved}
        return [one for one in self.began if one.at > ends.get((one.stage, one.item), one.at) + 0.002]

    @property
    def redone(self) -> int:
        """Work that was begun again because its first result was lost with its holder."""
        return len(self.began) - len({(one.stage, one.item) for one in self.began})


def prepare(home: Path) -> None:
    """Set the triggers."""
    columns = "number INTEGER PRIMARY KEY AUTOINCREMENT, stage, item, batch, moved, at"
    with closing(sqlite3.connect(home / "data" / "review.db")) as base:
        base.execute(f"CREATE TABLE witness ({columns})")
        for table in TABLES:
            base.execute(_TRIGGER.format(table=table))
        base.commit()


def read(home: Path, log: Path) -> Record:
    """What was seen in this home."""
    lines = [line.split() for line in log.read_text().splitlines()]
    began = [Began(stage, int(item), int(pid), float(at)) for stage, item, pid, at in lines]
    with closing(sqlite3.connect(home / "data" / "review.db", timeout=60)) as base:
        left = [Left(*row) for row in base.execute("SELECT * FROM witness ORDER BY number")]
    return Record(began, left)
