"""Records a home's story with strace, and reads it back: how the disk began, what was done to it, what was promised."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.crash import plant
from tests.proof import trace
from tests.proof.trace import Op

ROOT = Path(__file__).resolve().parents[2]
LONGEST = 2_000_000  # bytes of one write that strace shows
IGNORED = ("-shm",)  # shared memory of SQLite's WAL mode, made anew after a crash


@dataclass(frozen=True)
class Recording:
    """`facts`: (operations done, what was acknowledged then); `chapters`: (name, operations at its end).

    `elsewhere` are the places that may be on another machine."""

    folder: Path
    journal: str
    files: dict[str, bytes]
    folders: list[str]
    ops: list[Op]
    facts: list[tuple[int, dict[str, Any]]]
    chapters: list[tuple[str, int]]

    @property
    def disk(self) -> Path:
        """Where the home and its originals lie, and every state of them."""
        return self.folder / "disk"

    @property
    def stops(self) -> list[int]:
        """How many operations may be done when power fails."""
        return [n for n, op in enumerate(self.ops, 1) if op.kind in trace.STOPS and op.path != "marks"]

    def chapter(self, number: int) -> str:
        """In which chapter operation `number` lies."""
        return next((name for name, end in self.chapters if number <= end), self.chapters[-1][0])


def record(folder: Path, journal: str, length: str) -> None:
    """Tell the story once, below `folder`. Raises RuntimeError with what went wrong."""
    disk = folder / "disk"
    disk.mkdir(parents=True)
    site(disk, journal)
    (disk / "marks").touch()
    shutil.copytree(disk, folder / "start")
    listen = ["strace", "-f", "--seccomp-bpf", "-y", "-xx", "-s", str(LONGEST), "-e", f"trace={trace.CALLS}"]
    tell = [sys.executable, "-m", "tests.proof.narrated", str(disk), journal, length]
    told = subprocess.run(
        [*listen, "-e", "signal=none", "-o", str(folder / "trace"), *tell],
        cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    if told.returncode:
        raise RuntimeError(f"the recording failed: {told.stderr[-3000:]}")


def environment() -> dict[str, str]:
    """What processes of a recording are started with: no setting of the caller's."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("PENSTOCK_")}
    return {**plain, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}


def site(disk: Path, journal: str) -> None:
    """A photo site with two sets: one is copied, one is moved; one file is damaged, one is there twice."""
    source = disk / "source"
    plant.photos(source / "one", ("IMG_1.jpg", "IMG_8_damaged.jpg", "IMG_90.jpg", "IMG_91_twin.jpg"))
    plant.photos(source / "two", ("DSC_1.jpg", "DSC_2.jpg"), seed=2)
    words = f"from tests.proof.narrated import prepare; prepare({str(disk)!r}, {journal!r})"
    subprocess.run([sys.executable, "-c", words], cwd=ROOT, env=environment(), check=True, timeout=120)


def load(folder: Path, journal: str) -> Recording:
    """What was recorded below `folder`."""
    start = folder / "start"
    found = sorted(start.rglob("*"))
    files = {str(f.relative_to(start)): f.read_bytes() for f in found if f.is_file() and not f.name.endswith(IGNORED)}
    folders = [str(f.relative_to(start)) for f in found if f.is_dir()]
    with (folder / "trace").open(encoding="ascii") as lines:
        ops = [op for op in trace.read(lines, str(folder / "disk")) if not op.path.endswith(IGNORED)]
    facts, chapters = [], []
    for number, op in enumerate(ops, 1):
        if op.path == "marks" and op.kind == "write":
            fact = json.loads(op.data)
            if "chapter" in fact:
                chapters.append((fact["chapter"], number))
            else:
                facts.append((number, fact))
    return Recording(folder, journal, files, folders, ops, facts, chapters)
