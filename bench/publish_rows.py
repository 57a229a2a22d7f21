"""Approved photos on their way to a folder, a table on a real server and the mirror, with faults: each arrives once.

    python bench/publish_rows.py [--kind mysql|postgres] [--rows N] [--faults N] [--seed N] [--json]

Long form: --rows 500 --faults 60. Faults, in turn: the server is killed and starts again; the connection is cut around
COMMIT, before the server hears it or before it answers; the publishing program is killed (kill -9) at a random moment;
its worker is killed at a named step; the driver is killed on either side of a commit; the table is locked; the server
takes no writes. Then publishing goes on to its rest. A trigger on the server counts every write that was committed.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.databases import KINDS, PASSWORD, Cutter, Database  # noqa: E402

TABLE = "photos_info_revamp"
PATIENCE = 60.0  # seconds for one fault to find work under way
STEPS = (
    "publish.before_send", "folder.before_rename", "publish.after_file", "servertable.before_commit",
    "servertable.after_commit", "sqltable.before_commit", "publish.after_row", "publish.before_settle",
)  # fmt: skip
COMMITS = ("ledger.turn.before_commit", "ledger.turn.after_commit")
INTAKE = ("I5", "I7")  # these photos were put at the gate by hand: no name is reserved, no journal tells of a copy
DRIVER = """
import os, sys
from penstock import boot, config
boot.start(config.load())
from penstock.engine import failpoint
from penstock.ledger.drive import drive
failpoint._armed.extend(failpoint.parse(sys.argv[1]))
drive(config.current(), interruptible=False)
"""
COUNTERS = {
    "mysql": [
        f"CREATE TRIGGER count_{word} AFTER {word} ON {TABLE} FOR EACH ROW INSERT INTO told VALUES ('{word}')"
        for word in ("INSERT", "UPDATE", "DELETE")
    ],
    "postgres": [
        "CREATE FUNCTION note_write() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS"
        " 'BEGIN INSERT INTO told VALUES (TG_OP); RETURN NULL; END'",
        f"CREATE TRIGGER noted AFTER INSERT OR UPDATE OR DELETE ON {TABLE} FOR EACH ROW EXECUTE FUNCTION note_write()",
    ],
}


def main() -> int:
    """Disturb, let it come to rest, look; 1 when anything is wrong."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="penstock-bench-") as folder:
        os.environ["PENSTOCK_HOME"] = folder
        _start_django(Path(folder))
        database = KINDS[options.kind]()
        try:
            result = Case(database, options.rows, random.Random(options.seed)).run(options.faults)
        finally:
            database.remove()
    print(json.dumps(result, indent=2) if options.json else _table(result))
    return 1 if result["wrong"] else 0


class Case:
    """One site with approved photos, one server behind a cutter, one mirror."""

    def __init__(self, database: Database, rows: int, dice: random.Random) -> None:
        from penstock.publish import targets
        from tests.publish.desk import Desk

        self.database, self.rows, self.dice = database, rows, dice
        database.start()
        database.renew()
        self.cutter = Cutter(database.port, heard=True, times=0)
        self.desk = Desk()
        targets.add(self.desk.site, "files", "folder", str(self.desk.base))
        url, options = database.url(self.cutter.port), {"make": "yes"}
        targets.add(self.desk.site, "web", database.kind, url, options, PASSWORD)
        targets.add(self.desk.site, "mirror", "sqlite", str(self.desk.database), {"mirror": "yes"})
        database.sql("CREATE TABLE told (word VARCHAR(20))")
        for statement in COUNTERS[database.kind]:
            database.sql(statement)
        self.items = [self.desk.photo(f"Heron '{n}' 🪶_{n:03d}.JPG") for n in range(rows)]
        self.run_id = self.desk.start().id
        self.process: subprocess.Popen[bytes] | None = None
        self.told: dict[str, int] = {}

    def run(self, faults: int) -> dict[str, Any]:
        """The faults, the way to rest, the look."""
        began = time.perf_counter()
        kinds = ("server", "unheard", "unanswered", "kill", "step", "commit", "locked", "read_only")
        for number in range(faults):
            if self._done() == 3 * self.rows:
                break
            name = kinds[number % len(kinds)]
            getattr(self, f"fault_{name}")()
            self.told[name] = self.told.get(name, 0) + 1
        disturbed = self._done()
        self._end()
        again = self._rest()
        seconds = round(time.perf_counter() - began, 1)
        counts = {"rows": self.rows, "faults": self.told, "deliveries_at_last_fault": disturbed, "publishes": again}
        looked = self._look()
        self.cutter.close()
        return {"kind": self.database.kind, **counts, "seconds": seconds, **looked}

    def fault_server(self) -> None:
        """Kill the server, and start it again after a moment."""
        self._working()
        self.database.kill()
        time.sleep(self.dice.uniform(0, 1))
        self.database.start()

    def fault_unheard(self) -> None:
        """The connection is cut before the server hears COMMIT."""
        self._cut(heard=False)

    def fault_unanswered(self) -> None:
        """The connection is cut before the server's answer to COMMIT."""
        self._cut(heard=True)

    def fault_kill(self) -> None:
        """kill -9 of the program at a random moment."""
        self._working()
        time.sleep(self.dice.uniform(0, 0.3))
        self._end()

    def fault_step(self) -> None:
        """The worker is killed at a named step, as often as it gets there."""
        self._end()
        step = self.dice.choice(STEPS)
        self._working(PENSTOCK_FAILPOINTS=f"{step}=kill@{self.dice.randint(2, 6)}")
        self._working()
        self._end()

    def fault_commit(self) -> None:
        """The driver is killed before or after a commit."""
        self._end()
        self._go(f"{self.dice.choice(COMMITS)}=kill@{self.dice.randint(2, 30)}").wait(PATIENCE)

    def fault_locked(self) -> None:
        """Somebody holds the whole table for a while."""
        self._working()
        with closing(self.database.connect()) as other:
            cursor = other.cursor()
            lock = {"mysql": f"LOCK TABLES {TABLE} WRITE", "postgres": f"LOCK TABLE {TABLE}"}
            cursor.execute(lock[self.database.kind])
            time.sleep(self.dice.uniform(0, 1))

    def fault_read_only(self) -> None:
        """The server takes no writes for a while."""
        self._working()
        words = {
            "mysql": "SET GLOBAL read_only={}",
            "postgres": "ALTER ROLE heron SET default_transaction_read_only={}",
        }[self.database.kind]
        self.database.sql(words.format(1))
        if self.database.kind == "postgres":  # it applies to sessions that begin from now on
            self.database.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename='heron'")
        time.sleep(self.dice.uniform(0, 0.5))
        self.database.sql(words.format(0))

    def _cut(self, *, heard: bool) -> None:
        self._working()
        self.cutter.heard, self.cutter.left = heard, 1
        until = time.perf_counter() + 5
        while self.cutter.left and time.perf_counter() < until:
            time.sleep(0.01)

    def _working(self, **more: str) -> None:
        """A program that publishes, and has just brought something there."""
        if self.process is None or self.process.poll() is not None:
            self._go(**more)
        assert self.process is not None
        before, until = self._done(), time.perf_counter() + PATIENCE
        while self._done() == before and self.process.poll() is None and time.perf_counter() < until:
            time.sleep(0.02)

    def _go(self, point: str = "", **more: str) -> subprocess.Popen[bytes]:
        self._resume()
        paths = os.pathsep.join((str(ROOT / "src"), str(ROOT)))
        env = {**os.environ, "PYTHONPATH": paths, **more}
        self.process = subprocess.Popen([sys.executable, "-c", DRIVER, point], env=env, stdout=subprocess.DEVNULL)
        return self.process

    def _end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            with suppress(ProcessLookupError):
                self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        self.process = None

    def _resume(self) -> None:
        """A run that paused goes on; what failed is published again."""
        from penstock.ledger import control
        from penstock.ledger.models import Run
        from tests.publish.desk import CLOCK

        run = Run.objects.get(id=self.run_id)
        if run.status in ("paused", "pausing"):
            control.resume(run, CLOCK)
        elif not run.open:
            self.run_id = self.desk.start().id

    def _rest(self) -> int:
        """Undisturbed until everything is published; how many publishes that took."""
        for turn in range(1, 20):
            self._go().wait()
            if self._done() == 3 * self.rows:
                return turn
        return 20

    def _done(self) -> int:
        from penstock.publish.models import THERE, Delivery

        return Delivery.objects.filter(state="done", outcome__in=THERE).count()

    def _look(self) -> dict[str, Any]:
        """What stands where, and everything that is wrong with it."""
        from penstock.oracle import examination
        from penstock.pipelines.photos.models import Photo
        from penstock.publish.drift import reconcile
        from penstock.publish.models import Delivery
        from penstock.publish.website import COLUMNS

        names = ["id", *COLUMNS]
        quoted = ", ".join(map(self.database.quoted, names))
        there = [dict(zip(names, row, strict=True)) for row in self.database.sql(f"SELECT {quoted} FROM {TABLE}")]
        writes = dict(self.database.sql("SELECT word, COUNT(*) FROM told GROUP BY word"))
        receipts = Delivery.objects.filter(target__name="files").values_list("receipt", flat=True)
        sent = {file["sha256"] for receipt in receipts for file in receipt["files"].values()}
        files = self.desk.files()
        told = {
            "published": Photo.objects.filter(Review_Status="Published").count() == self.rows,
            "rows": len(there) == self.rows,
            "mirror": sorted(there, key=lambda row: row["id"]) == self.desk.rows(),
            "files": len(files) == 2 * self.rows and set(files.values()) <= sent,
            "unfinished": not [path for path in files if ".part" in path],
            "drift": reconcile(self.desk.site) == [],
            "writes": writes == {"INSERT": self.rows},
            "oracle": [v for v in examination.examine(self.desk.site) if v.invariant not in INTAKE] == [],
        }
        return {"writes": writes, "wrong": [name for name, right in told.items() if not right]}


def _start_django(home: Path) -> None:
    from penstock import boot, config

    (home / "data").mkdir()
    boot.start(config.load(home))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kind", choices=sorted(KINDS), default="mysql")
    parser.add_argument("--rows", type=int, default=30)
    parser.add_argument("--faults", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _table(result: dict[str, Any]) -> str:
    faults = ", ".join(f"{n} {name}" for name, n in result["faults"].items())
    state = "nothing wrong" if not result["wrong"] else f"WRONG: {', '.join(result['wrong'])}"
    seconds, writes = result["seconds"], result["writes"]
    return f"{result['rows']} photos to {result['kind']} in {seconds} s under {faults}: {state}; writes {writes}"


if __name__ == "__main__":
    sys.exit(main())
