"""One photo run under kill -9, and one whose holders are stopped past their leases: nothing is lost or done twice.

    python bench/kills.py [--kills N] [--stops N] [--photos N] [--seed N] [--json]

Long form: --kills 200 --stops 50. The photos are two sets, one copied and one moved, with a duplicate and a damaged
file. Each kill ends a `penstock up --once` at a random moment, and the next one starts on what it left. For the stops
two drivers with leases of one second serve the home as two machines would; one is stopped (SIGSTOP) with what it holds,
the other takes that over, then the first goes on (SIGCONT). In the end everything is where an undisturbed run of the
same photos ends, and the witness's record tells what was done twice.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.witness import record
from tests.crash import plant

ROOT = Path(__file__).resolve().parents[1]
MOST, LINE = 12, 30  # pieces of work after which a driver is killed, at most; bytes of each in the side log
PATIENCE = 120.0  # seconds for anything that should take one


def main() -> int:
    """Disturb, let it come to rest, compare; 1 when anything is wrong."""
    options = _options()
    dice = random.Random(options.seed)
    result: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="penstock-bench-", dir=options.folder) as folder:
        for name, disturb, times in (("kills", killed, options.kills), ("stops", stopped, options.stops)):
            if times:
                photos = options.photos or 6 + times * (1 if name == "kills" else 4)
                result[name] = Case(Path(folder) / name, photos).run(disturb, times, dice)
    print(json.dumps(result, indent=2) if options.json else _table(result))
    return 1 if any(one["wrong"] for one in result.values()) else 0


class Case:
    """The same photos in two homes: one is disturbed, one is not."""

    def __init__(self, folder: Path, photos: int) -> None:
        self.folder, self.log = folder, folder / "log"
        self.golden = plant.site(folder / "golden", photos)[0]
        self.home, self.source = plant.site(folder / "victim", photos)
        self.originals = plant.originals(self.source)
        self.log.touch()
        record.prepare(self.home)
        self.env = {
            **{name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
            "DJANGO_SETTINGS_MODULE": "bench.witness.settings",
            "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)]),
            "WITNESS_LOG": str(self.log),
        }

    def run(self, disturb: Callable[[Case, int, random.Random], dict[str, Any]], times: int, dice: Any) -> Any:
        """The disturbance, the way to rest, the comparison."""
        began = time.perf_counter()
        told = disturb(self, times, dice)
        self.wait(self.drive())
        seen = record.read(self.home, self.log)
        told |= {"work": len(seen.began), "redone": seen.redone, "seconds": round(time.perf_counter() - began, 1)}
        repeated = seen.repeated()
        told["in_vain"] = len(repeated)  # begun by a holder that did not know yet that its batch was another's
        if disturb is killed:
            told["wrong"] += [f"{one.stage} of {one.item} began again after its commit" for one in repeated]
        told["wrong"] += [*seen.committed_twice, *self.differences()]
        return told

    def drive(self, **more: str) -> subprocess.Popen[bytes]:
        """A fresh process that works until the run rests."""
        command = [sys.executable, "-m", "penstock", "--home", str(self.home), "up", "--once"]
        quiet = subprocess.DEVNULL
        return subprocess.Popen(command, env={**self.env, **more}, stdout=quiet, stderr=quiet)

    def wait(self, process: subprocess.Popen[bytes]) -> None:
        """Until it ends in good order."""
        if process.wait(PATIENCE * 3) not in (0, 1):
            raise SystemExit(f"a driver ended with {process.returncode}")

    def ask(self, sql: str) -> list[Any]:
        """Look into the database; nothing while it is locked for long."""
        with suppress(sqlite3.OperationalError), closing(sqlite3.connect(self.database, timeout=0.2)) as base:
            return base.execute(sql).fetchall()
        return []

    @property
    def database(self) -> Path:
        return self.home / "data" / "review.db"

    @property
    def open(self) -> bool:
        """Whether work is left."""
        return self.ask("SELECT 1 FROM ledger_run WHERE status='running'") != [] or not self.ask("SELECT 1")

    def differences(self) -> list[str]:
        """What is not where the undisturbed run ends."""
        self.wait(plant.drive(self.golden))
        wrong = []
        expected, found = plant.rows(self.golden, self.folder / "golden"), plant.rows(self.home, self.folder / "victim")
        for table, rows in expected.items():
            odd = [row for row in found[table] if row not in rows] + [row for row in rows if row not in found[table]]
            wrong += [f"{table}: {json.dumps(row)[:300]}" for row in odd[:5]]
        if plant.staged(self.home) != plant.staged(self.golden):
            wrong.append("the staged files differ")
        kept = {name: sha for name, sha in self.originals.items() if name.startswith("one/")}
        if plant.originals(self.source) != kept:
            wrong.append("the originals differ")
        report = plant.command(self.home, "doctor")
        return wrong + [f"doctor: {one}" for one in report["violations"]]


def killed(case: Case, times: int, dice: random.Random) -> dict[str, Any]:
    """Kill `times` drivers, a quarter of them in their start or recovery, the others at work."""
    at_work = 0
    for _ in range(times):
        process, size = case.drive(), case.log.stat().st_size
        if dice.random() < 0.25:
            time.sleep(dice.uniform(0.1, 0.8))
        else:
            until, more = time.perf_counter() + PATIENCE, dice.randint(1, MOST) * LINE
            while case.log.stat().st_size < size + more and process.poll() is None and time.perf_counter() < until:
                time.sleep(0.002)
            time.sleep(dice.uniform(0.0, 0.05))
        at_work += process.poll() is None
        below = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
        process.kill()
        process.wait()
        _, alive = psutil.wait_procs(below, timeout=5)
        if alive:
            return {"kills": at_work, "wrong": [f"{len(alive)} children outlived their killed driver by 5 s"]}
    wrong = [] if at_work >= times * 0.9 else [f"only {at_work} of {times} kills met a driver; take more photos"]
    return {"kills": at_work, "wrong": wrong}


def stopped(case: Case, times: int, dice: random.Random) -> dict[str, Any]:
    """Stop one of two drivers while it holds something until that is taken over, then let it go on."""
    case.env |= {"PENSTOCK_LEASE_SECONDS": "1", "WITNESS_SLOW": "0.1", "PENSTOCK_CPU_SLOTS": "1"}
    drivers = {name: case.drive(WITNESS_DRIVER=name) for name in "ab"}
    told: dict[str, Any] = {"stops": 0, "in_a_transaction": 0, "wrong": []}
    try:
        while told["stops"] < times and case.open:
            for name, process in drivers.items():
                if process.poll() is not None:
                    drivers[name] = case.drive(WITNESS_DRIVER=name)
            _stop(case, drivers[dice.choice("ab")], told, dice)
    finally:
        for process in drivers.values():
            process.send_signal(signal.SIGCONT)
            process.terminate()
        for process in drivers.values():
            process.wait(PATIENCE)
    if told["stops"] < times:
        told["wrong"].append(f"only {told['stops']} of {times} stops met a holder; take more photos")
    return told


def _stop(case: Case, process: subprocess.Popen[bytes], told: dict[str, Any], dice: random.Random) -> None:
    time.sleep(dice.uniform(0.05, 0.4))
    below = (
        psutil.Process(process.pid).children(recursive=True) if dice.random() < 0.5 and process.poll() is None else []
    )
    for one in (process, *below):
        with suppress(psutil.NoSuchProcess, ProcessLookupError):
            one.send_signal(signal.SIGSTOP)
    try:
        held = _held(case, process.pid)
        if not held:  # it holds nothing, or the database's lock: another waits for that
            told["in_a_transaction"] += held is None
            return
        marks = ",".join(map(str, held))
        until = time.perf_counter() + PATIENCE
        while case.ask(f"SELECT 1 FROM ledger_batch WHERE open AND id IN ({marks})") and time.perf_counter() < until:
            time.sleep(0.02)
        if case.ask(f"SELECT 1 FROM ledger_batch WHERE open AND id IN ({marks})"):
            told["in_a_transaction"] += 1  # it holds the lock for writing: nobody could take over, and it may go on
            return
        last = case.ask("SELECT COALESCE(MAX(number), 0) FROM witness")[0][0]
    finally:
        for one in (*below, process):
            with suppress(psutil.NoSuchProcess, ProcessLookupError):
                one.send_signal(signal.SIGCONT)
    time.sleep(dice.uniform(0.2, 0.5))
    late = case.ask(f"SELECT stage, item FROM witness WHERE batch IN ({marks}) AND number > {last}")
    told["wrong"] += [f"a holder past its lease wrote {stage} of {item}" for stage, item in late]
    told["stops"] += 1


def _held(case: Case, pid: int) -> list[int] | None:
    """The open batches of the process; None when the database does not answer."""
    if not case.ask("SELECT 1 FROM ledger_run"):
        return None
    return [row[0] for row in case.ask(f"SELECT id FROM ledger_batch WHERE open AND holder LIKE '% {pid} %'")]


def _table(result: dict[str, Any]) -> str:
    lines = []
    for name, one in result.items():
        figures = ", ".join(f"{key} {value}" for key, value in one.items() if key != "wrong")
        lines += [f"{name}: {figures}, wrong {len(one['wrong'])}", *(f"  WRONG: {line}" for line in one["wrong"][:20])]
    return "\n".join(lines)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=12, help="drivers that are killed")
    parser.add_argument("--stops", type=int, default=4, help="drivers that are stopped past their lease")
    parser.add_argument("--photos", type=int, default=0, help="photos of the first set (0 = as many as it takes)")
    parser.add_argument("--seed", type=int, default=1, help="when and whom")
    parser.add_argument("--folder", default=None, help="where to work")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
