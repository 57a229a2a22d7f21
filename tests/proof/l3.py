"""L3: real SIGKILLs of fresh interpreters: `penstock up` as it is deployed, with its real children and real photos."""

from __future__ import annotations

import random
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from tests.crash import plant
from tests.proof.case import Case, Level

DRIVER = (
    "ledger.claim.before_commit", "ledger.claim.after_commit", "ledger.settle.before_commit",
    "ledger.settle.after_commit", "ledger.before_rename", "ledger.after_rename", "ledger.rest.before_commit",
    "ledger.rest.after_commit", "ledger.record.before_commit", "ledger.beat.after_commit", "ledger.peaks.before_commit",
    "child.start", "child.ready", "child.sent", "child.answered", "child.before_end", "child.after_end",
    "runlog.before_rename", "runlog.after_rename", "recover.free.before_commit", "recover.free.after_commit",
)  # fmt: skip
KINDS = ("kill", "kill", "error:OSError")
LONGEST = 120.0  # seconds for one drive
FIRST = (0.2, 4.0)  # seconds after which a random kill comes


class Yard:
    """A home as it is before its run, and how the run ends undisturbed."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.work = folder, folder / "work"
        plant.site(self.work, count=2)
        shutil.copytree(self.work, folder / "kept")
        assert self._finish() == [], "the run does not end by itself"
        self.golden = self._end()
        self.originals = plant.originals(self.work / "source")

    def case(self, seed: str) -> Case:
        """Disturb a run one to three times, finish it, look."""
        dice, hits, told, wrong = random.Random(seed), [], [], []
        shutil.rmtree(self.work)
        shutil.copytree(self.folder / "kept", self.work)
        for _ in range(dice.randint(1, 3)):
            what, hit, left = self._disturb(dice)
            told.append(what)
            hits += hit
            wrong += left
        wrong += [*self._finish(), *self._look()]
        return Case(seed, f"penstock up, {'; '.join(told)}", tuple(wrong), tuple(hits))

    def _disturb(self, dice: random.Random) -> tuple[str, list[tuple[str, str]], list[str]]:
        if dice.random() < 0.5:
            point, kind, nth = dice.choice(DRIVER), dice.choice(KINDS), dice.randint(1, 4)
            process = plant.drive(self._home, f"{point}={kind}@{nth}")
            code = self._wait(process)
            hit = [(point, "kill")] if code == -9 else []
            return f"{point}={kind}@{nth}", hit, _orphans()
        process = plant.drive(self._home)
        after, child = dice.uniform(*FIRST), dice.random() < 0.3
        with suppress(subprocess.TimeoutExpired):
            process.wait(after)
        victims = _below(process.pid) if child else []
        victim = dice.choice(victims) if victims else None
        if victim is not None:
            with suppress(psutil.Error):
                victim.kill()
            self._wait(process)
            return f"a child killed after {after:.2f} s", [], _orphans()
        process.kill()
        process.wait(30)
        return f"killed after {after:.2f} s", [], _orphans()

    def _wait(self, process: subprocess.Popen[bytes]) -> int:
        try:
            return process.wait(LONGEST)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait(30)

    def _finish(self) -> list[str]:
        """Go on until the run is over, as a person would; what keeps it from that."""
        for _ in range(4):
            code = self._wait(plant.drive(self._home))
            status = plant.command(self._home, "status", "demo")
            if status.get("status") in ("paused", "interrupted"):
                plant.command(self._home, "resume", status["run_id"], "--detach", check=False)
                continue
            if code in (0, 1):
                return []
        return [f"`penstock up --once` ends with {code}"]

    def _look(self) -> list[str]:
        wrong = [f"{name} is not as after an undisturbed run" for name, end in self._end().items()
                 if end != self.golden[name]]  # fmt: skip
        if plant.originals(self.work / "source") != self.originals:
            wrong.append("the originals are not as after an undisturbed run")
        report = plant.command(self._home, "doctor")
        wrong += [str(one) for one in report["violations"]]
        return wrong + [f"{left} is left" for left in (self._home / ".work").glob("*")]

    def _end(self) -> dict[str, Any]:
        return {"rows": plant.rows(self._home, self.work), "staged": plant.staged(self._home)}

    @property
    def _home(self) -> Path:
        return self.work / "home"


def cases(seed: int) -> Iterator[Case]:
    """One after the other, each from its own seed."""
    with _yard() as yard:
        for number in range(1_000_000):
            yield yard.case(f"{seed}.{number}")


def replay(seed: str) -> Case:
    """One case by its seed."""
    with _yard() as yard:
        return yard.case(seed)


@contextmanager
def _yard() -> Iterator[Yard]:
    folder = Path(tempfile.mkdtemp(prefix="penstock-proof-l3-"))
    try:
        yield Yard(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _below(pid: int) -> list[psutil.Process]:
    with suppress(psutil.Error):
        return psutil.Process(pid).children(recursive=True)
    return []


def _orphans() -> list[str]:
    """Workers of the product that nobody drives any more, after they had time to notice."""
    until = time.monotonic() + 5.0
    while True:
        found = [one for one in psutil.process_iter(["cmdline", "ppid"]) if _is_orphan(one)]
        if not found:
            return []
        if time.monotonic() > until:
            return [f"process {one.pid} is left behind" for one in found]
        time.sleep(0.05)


def _is_orphan(process: psutil.Process) -> bool:
    words = process.info["cmdline"] or []
    return "penstock.engine.child_main" in words and process.info["ppid"] == 1


LEVEL = Level("L3", "SIGKILL of fresh interpreters", cases, replay, share=0.06, least=10)
