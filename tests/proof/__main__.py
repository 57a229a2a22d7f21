"""`python -m tests.proof`: disturb executions of every level for some minutes, and tell what came of it.

A level is a module of this folder with a `LEVEL`. Each runs in a process of its own, two at a time; its cases come
back as JSON lines. The exit status is 1 when an invariant was violated, or (without --short) when a level gave fewer
cases than it should, or a failpoint was not reached by a kill, a crash and an error.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.house.source import declared_in, modules
from tests.proof import throwaway
from tests.proof.case import Case, Level

HERE = Path(__file__).parent
FORKING = ("l2", "points")  # they start Django on the home in which their victims die
KINDS = ("kill", "crash", "error")
CORES = 2
EVERY = 10.0  # seconds between two lines of progress
GRACE = 120.0  # seconds for a worker to end its last case


@dataclass
class Tally:
    """What one level has shown so far."""

    level: Level
    seconds: float = 0.0
    cases: int = 0
    failed: list[Case] = field(default_factory=list)
    broken: str = ""


def levels() -> dict[str, Level]:
    """Every level that there is, by name. Leaves Django on a home that is thrown away."""
    throwaway.started()
    found = (_imported(stem) for stem in stems().values())
    return {level.name: level for level in found}


def level_named(name: str) -> Level:
    """One level, for a process that works for nothing else."""
    stem = stems()[name]
    if stem not in FORKING:
        throwaway.started()
    return _imported(stem)


def stems() -> dict[str, str]:
    """Name of a level → its module, without importing any."""
    found = {}
    for file in sorted(HERE.glob("*.py")):
        match = re.search(r'^LEVEL = Level\("(\w+)"', file.read_text(encoding="utf-8"), re.MULTILINE)
        if match:
            found[match[1]] = file.stem
    return found


def _imported(stem: str) -> Level:
    level: Level = importlib.import_module(f"tests.proof.{stem}").LEVEL
    return level


def main() -> int:
    """Read the command line; prove, replay, or work for another process."""
    ask = argparse.ArgumentParser(prog="python -m tests.proof")
    ask.add_argument("--minutes", type=float, default=15.0)
    ask.add_argument("--level", default="", help="names with commas between; all of them when left out")
    ask.add_argument("--seed", type=int, default=1)
    ask.add_argument("--replay", default="", metavar="LEVEL:SEED")
    ask.add_argument("--short", action="store_true", help="only a violation fails")
    ask.add_argument("--work", default="", help=argparse.SUPPRESS)
    given = ask.parse_args()
    if given.work:
        return work(level_named(given.work), given.seed, given.minutes * 60)
    if given.replay:
        name, _, seed = given.replay.partition(":")
        return replay(level_named(name), seed)
    there = levels()
    unknown = set(filter(None, given.level.split(","))) - set(there)
    if unknown:
        ask.error(f"there is no level {', '.join(sorted(unknown))}; levels: {', '.join(there)}")
    chosen = [there[name] for name in there if name in given.level.split(",") or not given.level]
    return Proof(chosen, given.minutes * 60, given.seed, given.short).run()


def work(level: Level, seed: int, seconds: float) -> int:
    """Give cases as JSON lines until the time is over."""
    until = time.monotonic() + seconds
    for case in level.cases(seed):
        print(json.dumps(asdict(case)), flush=True)
        if time.monotonic() >= until:
            break
    return 0


def replay(level: Level, seed: str) -> int:
    """Repeat one case and tell what it shows."""
    case = level.replay(seed)
    print(f"{level.name}: {case.what}")
    for violation in case.violations:
        print(f"  {violation}")
    print("  violated" if case.violations else "  nothing is violated")
    return 1 if case.violations else 0


class Proof:
    """Levels dealt to the cores, what they say, and the table at the end."""

    def __init__(self, chosen: Iterable[Level], seconds: float, seed: int, short: bool) -> None:
        self.seconds, self.seed, self.short = seconds, seed, short
        self.tallies = {level.name: Tally(level) for level in chosen}
        self.cells: dict[str, Counter[str]] = defaultdict(Counter)
        self._lock = threading.Lock()
        self._began = time.monotonic()

    def run(self) -> int:
        """Prove; answers the exit status."""
        lanes = [threading.Thread(target=self._lane, args=(lane,)) for lane in self._dealt()]
        for lane in lanes:
            lane.start()
        while any(lane.is_alive() for lane in lanes):
            for lane in lanes:
                lane.join(EVERY / len(lanes))
            self._progress()
        return self._tell()

    def _dealt(self) -> list[list[Tally]]:
        """Levels to cores, the largest share first to the emptier core."""
        lanes: list[list[Tally]] = [[] for _ in range(CORES)]
        for tally in sorted(self.tallies.values(), key=lambda one: -one.level.share):
            min(lanes, key=lambda lane: sum(one.level.share for one in lane)).append(tally)
        return [lane for lane in lanes if lane]

    def _lane(self, tallies: list[Tally]) -> None:
        """One level after the other, each with its share of the time that is left."""
        for number, tally in enumerate(tallies):
            began = time.monotonic()
            whole = sum(one.level.share for one in tallies[number:])
            seconds = max(1.0, (self._began + self.seconds - began) * tally.level.share / whole)
            try:
                self._level(tally, seconds)
            finally:
                tally.seconds = time.monotonic() - began

    def _level(self, tally: Tally, seconds: float) -> None:
        home = Path(tempfile.mkdtemp(prefix="penstock-proof-home-"))
        words = [sys.executable, "-m", "tests.proof", "--work", tally.level.name, "--seed", str(self.seed)]
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PENSTOCK_", "DJANGO_"))}
        with tempfile.TemporaryFile("w+") as errors:
            process = subprocess.Popen(
                [*words, "--minutes", str(seconds / 60)], stdout=subprocess.PIPE, stderr=errors, text=True,
                env={**kept, "PENSTOCK_HOME": str(home)}, cwd=HERE.parents[1],
            )  # fmt: skip
            alarm = threading.Timer(seconds + GRACE, process.kill)
            alarm.start()
            try:
                assert process.stdout is not None
                for line in process.stdout:
                    self._take(tally, line)
                if process.wait() != 0:
                    errors.seek(0)
                    tally.broken = f"its process ended with {process.returncode}: {errors.read()[-2000:]}"
            finally:
                alarm.cancel()
                shutil.rmtree(home, ignore_errors=True)

    def _take(self, tally: Tally, line: str) -> None:
        if not line.startswith('{"seed"'):
            return
        found = json.loads(line)
        case = Case(found["seed"], found["what"], tuple(found["violations"]), tuple(map(tuple, found["hits"])))
        with self._lock:
            tally.cases += 1
            for point, kind in case.hits:
                self.cells[point][kind_of(kind)] += 1
            if case.violations:
                tally.failed.append(case)
                print(f"\n{tally.level.name}: {case.what}", *case.violations, sep="\n  ")
                print(f"  again: python -m tests.proof --replay '{tally.level.name}:{case.seed}'", flush=True)

    def _progress(self) -> None:
        with self._lock:
            told = "  ".join(f"{name} {one.cases}" for name, one in self.tallies.items())
            wrong = sum(len(one.failed) for one in self.tallies.values())
        print(f"{time.monotonic() - self._began:6.0f} s  {told}  violations {wrong}", flush=True)

    def _tell(self) -> int:
        print(f"\n{'':5}{'level':44}{'cases':>8}{'at least':>10}{'violations':>12}{'a minute':>10}")
        for name, one in self.tallies.items():
            pace = one.cases / max(one.seconds, 1) * 60
            wrong = len(one.failed)
            print(f"{name:5}{one.level.title:44}{one.cases:8}{one.level.least:10}{wrong:12}{pace:10.0f}")
            if one.broken:
                print(f"     {one.broken}")
        empty = self._matrix()
        bad = any(one.failed or one.broken for one in self.tallies.values())
        few = [name for name, one in self.tallies.items() if one.cases < one.level.least]
        if few and not self.short:
            print(f"too few cases: {', '.join(few)}")
        return 1 if bad or (not self.short and (few or empty)) else 0

    def _matrix(self) -> list[str]:
        """Failpoint × kind: how many cells are filled; the names of the empty ones."""
        points = sorted({name for path in modules() for name in declared_in(path)})
        empty = [f"{point} {kind}" for point in points for kind in KINDS if not self.cells[point][kind]]
        whole = len(points) * len(KINDS)
        print(f"\n{len(points)} failpoints × {', '.join(KINDS)}: {whole - len(empty)} of {whole} cells are filled")
        for kind in KINDS:
            lacking = [name.rpartition(" ")[0] for name in empty if name.endswith(f" {kind}")]
            if lacking:
                more = f" and {len(lacking) - 12} more" if len(lacking) > 12 else ""
                print(f"  no {kind}: {', '.join(lacking[:12])}{more}")
        return empty


def kind_of(word: str) -> str:
    """The column of the matrix that an action belongs to."""
    return "error" if word.startswith(("error", "enospc")) else word


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        sys.exit(main())
    sys.exit(130)
