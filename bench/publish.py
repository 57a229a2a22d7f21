"""Approved photos on their way to a real server and a table, with faults: each arrives once, nothing is half there.

    python bench/publish.py [--kind ftps|ftp|sftp] [--database mysql|postgres|none] [--rows N] [--faults N] [--seed N]

Long form: --rows 500 --faults 100. The servers are the system's own. Faults, in turn: the file server is killed with
all its sessions in mid-transfer and starts again; the connection is cut before a reply; the publishing program is
killed (kill -9) at a random moment; its worker is killed at a named step, each in turn; the driver is killed on
either side of a commit; the server's disk is full for a while (where a small disk can be mounted); the database is
killed and starts again. Then publishing goes on to its rest.
"""

from __future__ import annotations

import argparse
import getpass
import hashlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing, suppress
from itertools import cycle
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests import databases
from tests.crash import plant
from tests.databases import served
from tests.servers import PASSWORD, Cutter, Server, ftp_server, sftp_server

ROOT = Path(__file__).resolve().parents[1]
SITE = "herons"
SEEN = ("id", "File_Name", "Path", "Thumb_Path", "Caption", "alt_text", "Keywords", "Width", "Height")
PATIENCE = 300.0  # seconds for one command
STEPS = (
    "publish.before_send", "remote.before_upload", "remote.after_upload", "remote.before_rename",
    "remote.after_rename", "servertable.before_commit", "servertable.after_commit", "sqltable.before_commit",
    "publish.after_row", "publish.before_settle",
)  # fmt: skip
COMMITS = ("ledger.turn.before_commit", "ledger.turn.after_commit")
MAIN = (
    "import os; from penstock.engine import failpoint; "
    "failpoint._armed.extend(failpoint.parse(os.environ.pop('BENCH_DRIVER', ''))); "
    "from penstock.cli.main import main; main()"
)


def main() -> int:
    """Disturb, let it come to rest, look; 1 when anything is wrong."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="penstock-bench-") as folder:
        case = Case(Path(folder), options, random.Random(options.seed))
        try:
            result = case.run(options.faults)
        finally:
            case.close()
    print(json.dumps(result, indent=2) if options.json else _table(result))
    return 1 if result["wrong"] else 0


class Case:
    """One home with approved photos, one server behind a cutter, one table."""

    def __init__(self, folder: Path, options: argparse.Namespace, dice: random.Random) -> None:
        self.home, self.kind, self.rows, self.dice = folder / "home", options.kind, options.rows, dice
        self.base = served(options.database, {}) if options.database != "none" else None
        self.steps, self.deaths = cycle(STEPS), 0
        self.mounted = self.cut_next = False
        self.server = self._server(folder / "server")
        self.cutter = Cutter(self.server.port, self._cut, most=1_000_000)
        self.told: dict[str, int] = {}
        self.process: subprocess.Popen[bytes] | None = None
        self.killed = 0
        self._prepare()

    def close(self) -> None:
        """End the server."""
        self.cutter.close()
        self.server.kill()
        if self.base:
            self.base.remove()
        if self.mounted:
            subprocess.run(["umount", "-l", str(self.server.files)], check=True)

    def run(self, faults: int) -> dict[str, Any]:
        """The faults, the way to rest, the look."""
        began = time.perf_counter()
        kinds = ["server", "cut", "kill", "step", "commit", *(["full"] if self.mounted else [])]
        kinds += ["database"] if self.base else []
        for number in range(faults):
            if self._at_rest():
                break
            name = kinds[number % len(kinds)]
            getattr(self, f"fault_{name}")()
            self.told[name] = self.told.get(name, 0) + 1
        self._end()
        self._rest()
        seconds = round(time.perf_counter() - began, 1)
        to = f"{self.kind} and {self.base.kind}" if self.base else self.kind
        return {"to": to, "rows": self.rows, "faults": self.told, "seconds": seconds, **self._look()}

    def fault_server(self) -> None:
        """Kill the server and its sessions, and start it again after a moment."""
        self._working()
        self.server.kill()
        time.sleep(self.dice.uniform(0, 1.5))
        self.server.start()

    def fault_cut(self) -> None:
        """Cut the connection between what is asked and the answer."""
        self._working()
        self.cut_next = True

    def fault_kill(self) -> None:
        """kill -9 of the program."""
        self._working()
        self._end()
        self.killed += 1

    def fault_step(self) -> None:
        """The worker is killed at a named step, until it was seen; then the program."""
        self._end()
        self.process = self._go(PENSTOCK_FAILPOINTS=f"{next(self.steps)}=kill@{self.dice.randint(1, 4)}")
        until = time.perf_counter() + 15
        while self.process.poll() is None and time.perf_counter() < until:
            if self._ask("SELECT 1 FROM delivery WHERE deaths > 0"):
                self.deaths += 1
                break
            time.sleep(0.01)
        self._end()

    def fault_database(self) -> None:
        """Kill the database, and start it again after a moment."""
        assert self.base is not None
        self._working()
        self.base.kill()
        time.sleep(self.dice.uniform(0, 1.5))
        self.base.start()

    def fault_commit(self) -> None:
        """The driver is killed before or after a commit."""
        self._end()
        process = self._go(BENCH_DRIVER=f"{self.dice.choice(COMMITS)}=kill@{self.dice.randint(2, 20)}")
        process.wait(PATIENCE)
        self.killed += process.returncode == -signal.SIGKILL

    def fault_full(self) -> None:
        """No room on the server for a while."""
        self._working()
        ballast = self.server.files / ".ballast.part"
        with ballast.open("wb") as stream, suppress(OSError):
            while stream.tell() < 1 << 32:
                stream.write(b"\0" * 65536)
                stream.flush()
        time.sleep(self.dice.uniform(0, 1.5))
        ballast.unlink()

    def _working(self, **more: str) -> subprocess.Popen[bytes]:
        """A program that publishes, and has just brought something there."""
        if self.process is None or self.process.poll() is not None:
            self.process = self._go(**more)
        before, until = self._done(), time.perf_counter() + PATIENCE
        while self._done() == before and self.process.poll() is None and time.perf_counter() < until:
            time.sleep(0.02)
        time.sleep(self.dice.uniform(0, 0.2))
        return self.process

    def _end(self) -> None:
        """kill -9 of what still works."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def _done(self) -> int:
        return int(self._ask("SELECT count(*) FROM delivery WHERE state='done'")[0][0])

    def _cut(self, _said: bytes) -> bool:
        """Once each time that it was asked for."""
        cut, self.cut_next = self.cut_next, False
        return cut

    def _go(self, **more: str) -> subprocess.Popen[bytes]:
        """A fresh process that publishes, or goes on publishing."""
        run = self._open_run()
        words = ["resume", run] if run else ["publish", SITE]
        quiet = subprocess.DEVNULL
        command = [sys.executable, "-c", MAIN, "--home", str(self.home), *words]
        return subprocess.Popen(command, env={**os.environ, **more}, stdin=quiet, stdout=quiet, stderr=quiet)

    def _rest(self) -> None:
        """Undisturbed, until nothing is left to do."""
        for _ in range(10):
            process = self._go()
            process.wait(PATIENCE)
            if self._at_rest():
                return

    def _at_rest(self) -> bool:
        done = self._ask("SELECT count(*) FROM review_queue WHERE Review_Status='Published'")
        return bool(done) and done[0][0] == self.rows and not self._open_run()

    def _open_run(self) -> str:
        found = self._ask("SELECT id FROM ledger_run WHERE kind='publish' AND active_key IS NOT NULL")
        return str(found[0][0]) if found else ""

    def _ask(self, sql: str) -> list[Any]:
        with closing(sqlite3.connect(self.home / "data" / "review.db", timeout=30)) as base:
            return base.execute(sql).fetchall()

    def _look(self) -> dict[str, Any]:
        """What stands where, read by nobody of ours; and what our own doctor and reconcile say."""
        there = {
            path.relative_to(self.server.files / "pics").as_posix(): path
            for path in (self.server.files / "pics").rglob("*") if path.is_file()
        }  # fmt: skip
        parts = [name for name in there if name.endswith(".part")]
        wanted = self._wanted()
        named = {name: path for name, path in there.items() if name not in parts}
        partial = [n for n, p in named.items() if n in wanted and p.stat().st_size < wanted[n][1]]
        other = [n for n, p in named.items() if n not in wanted or _sha(p) != wanted[n][0]]
        table = self._table_rows()
        told = [row[0] for row in self._ask("SELECT count(*) FROM ledger_event WHERE kind='published'")]
        found = {
            "published_once": sum(table.get(name, 0) == 1 for name in self._names()), "events": told[0],
            "files": len(named), "partial": len(partial), "mismatches": len(other), "unfinished_parts": len(parts),
        }  # fmt: skip
        found["driver_kills"] = self.killed
        found["worker_deaths"] = self.deaths
        return {**found, "cuts": self.cutter.cuts, "wrong": self._wrong(found, wanted, named)}

    def _wrong(self, found: dict[str, int], wanted: dict[str, Any], named: dict[str, Path]) -> list[str]:
        wrong = [f"{len(set(wanted) - set(named))} files are missing"] if set(wanted) - set(named) else []
        for name, right in (("published_once", self.rows), ("events", self.rows), ("files", 2 * self.rows)):
            wrong += [f"{name}: {found[name]}, not {right}"] if found[name] != right else []
        wrong += [f"{name}: {found[name]}" for name in ("partial", "mismatches") if found[name]]
        if self.base and self._remote() != self._mirror():
            wrong.append("the mirror is not what stands in the database")
        wrong += [f"reconcile: {one['detail']}" for one in self._command("reconcile", SITE)["drift"][:5]]
        return wrong + [f"doctor: {one}" for one in self._command("doctor")["violations"][:5]]

    def _command(self, *words: str) -> Any:
        command = [sys.executable, "-c", MAIN, "--home", str(self.home), "--json", *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, stdin=subprocess.DEVNULL)
        if done.returncode not in (0, 1):
            raise SystemExit(f"{' '.join(words)}: {done.stderr[-2000:]}")
        return json.loads(done.stdout)

    def _wanted(self) -> dict[str, tuple[str, int]]:
        """Path → hash and size of what was rendered for the last approval."""
        found: dict[str, tuple[str, int]] = {}
        join = "delivery d JOIN publish_target t ON t.id=d.target_id"
        sql = f"SELECT d.payload, d.files FROM {join} WHERE t.rank=0 ORDER BY d.id"
        for payload, files in self._ask(sql):
            places, made = json.loads(payload)["places"], json.loads(files)
            found |= {places[part]: (one["sha256"], one["size"]) for part, one in made.items()}
        return found

    def _names(self) -> list[str]:
        return [row[0] for row in self._ask("SELECT File_Name FROM review_queue")]

    def _table_rows(self) -> Counter[str]:
        """File name → rows in the last table but the mirror."""
        return Counter(str(row[1]) for row in (self._remote() if self.base else self._mirror()))

    def _mirror(self) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.home / "data" / "photos_info_revamp.db")) as base:
            return sorted(base.execute(f"SELECT {', '.join(SEEN)} FROM photos_info_revamp").fetchall())

    def _remote(self) -> list[tuple[Any, ...]]:
        assert self.base is not None
        names = ", ".join(map(self.base.quoted, SEEN))
        return sorted(tuple(row) for row in self.base.sql(f"SELECT {names} FROM photos_info_revamp"))

    def _server(self, home: Path) -> Server:
        home.mkdir(parents=True)
        server = sftp_server(home) if self.kind == "sftp" else ftp_server(home, encrypted=self.kind == "ftps")
        size = f"size={max(2, self.rows // 4)}m,mode=0777"
        mount = ["mount", "-t", "tmpfs", "-o", size, "none", str(server.files)]
        self.mounted = subprocess.run(mount, capture_output=True).returncode == 0
        server.start()
        return server

    def _prepare(self) -> None:
        """Approved photos and the two targets, in a home of their own."""
        names = tuple(f"IMG_{number}.jpg" for number in range(self.rows))
        source = plant.photos(self.home.parent / "source", names)
        secret = self.home.parent / "password"
        secret.write_text(PASSWORD)
        add = ["photos", "add", str(source), "--site", SITE, "--folder", "nature", "--location", "gouda", "--yes"]
        self._command("site", "create", SITE, "--pipeline", "photos")
        self._command(*add, "--subject", "Heron")
        self._command("run", SITE)
        self._command("review", "approve", SITE, "--all", "--count", str(self.rows))
        self._command("target", "remove", SITE, "site")
        options = [word for key, value in self._options().items() for word in ("--option", f"{key}={value}")]
        password = [] if self.kind == "sftp" else ["--secret-file", str(secret)]
        self._command("target", "add", SITE, "web", "--kind", self.kind, "--url", self._url(), *options, *password)
        if self.base:
            secret.write_text(databases.PASSWORD)
            words = ["--kind", self.base.kind, "--url", self.base.url(), "--option", "make=yes"]
            self._command("target", "add", SITE, "base", *words, "--secret-file", str(secret))

    def _url(self) -> str:
        if self.kind == "sftp":
            return f"sftp://{getpass.getuser()}@localhost:{self.cutter.port}{self.server.files}/pics"
        return f"{self.kind}://heron@localhost:{self.cutter.port}/pics"

    def _options(self) -> dict[str, str]:
        home = self.server.home
        if self.kind == "sftp":
            key = " ".join((home / "host_key.pub").read_text().split()[:2])
            return {"host_key": key, "key_file": str(home / "user_key")}
        return {"ca": str(home / "server.crt")} if self.kind == "ftps" else {"plaintext": "yes"}


def _sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _table(result: dict[str, Any]) -> str:
    faults = ", ".join(f"{n} × {name}" for name, n in result["faults"].items())
    lines = [f"publish to {result['to']}: {result['rows']} rows, faults: {faults or 'none'}, {result['seconds']} s"]
    for name in (
        "published_once",
        "events",
        "files",
        "partial",
        "mismatches",
        "unfinished_parts",
        "cuts",
        "driver_kills",
        "worker_deaths",
    ):
        lines.append(f"  {name.replace('_', ' '):<18}{result[name]:>6}")
    return "\n".join([*lines, *(f"  WRONG  {one}" for one in result["wrong"])])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", choices=("ftps", "ftp", "sftp"), default="ftps")
    parser.add_argument("--database", choices=("mysql", "postgres", "none"), default="mysql")
    parser.add_argument("--rows", type=int, default=24)
    parser.add_argument("--faults", type=int, default=7)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
