"""Puts each seeded defect into a copy of the program and looks whether its test notices: `make defects`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.defects.seeded import DEFECTS, Defect

ROOT = Path(__file__).resolve().parents[2]
CAUGHT, MISSED = "caught", "MISSED"


def main(words: Sequence[str]) -> int:
    """Print the table; 1 when a defect was missed or stands nowhere any more."""
    wanted = [one for one in DEFECTS if not words or any(word in one.name for word in words)]
    with tempfile.TemporaryDirectory(prefix="penstock-defects-") as folder:
        copy = Path(folder)
        for name in ("src", "tests", "docs"):
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", copy)
        found = [_show(one, _try(copy, one)) for one in wanted]
    print(f"{found.count(CAUGHT)} of {len(found)} seeded defects caught")
    return 0 if found.count(CAUGHT) == len(found) else 1


def _show(defect: Defect, verdict: str) -> str:
    print(f"{verdict:<8} {defect.name:<48} {defect.test}", flush=True)
    return verdict


def _try(copy: Path, defect: Defect) -> str:
    """A defect that no longer fits the source is no defect: that is told too."""
    file = copy / "src" / "penstock" / defect.file
    sound = file.read_text(encoding="utf-8")
    if sound.count(defect.old) != 1:
        return "STALE"
    file.write_text(sound.replace(defect.old, defect.new), encoding="utf-8")
    try:
        return CAUGHT if _fails(copy, defect.test) else MISSED
    finally:
        file.write_text(sound, encoding="utf-8")


def _fails(copy: Path, test: str) -> bool:
    """Whether the test ran and failed: pytest's exit status 1, which an error of collection is not."""
    path = os.pathsep.join([str(copy / "src"), str(copy)])
    words = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", test]
    done = subprocess.run(
        words, cwd=copy, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, timeout=300
    )
    return done.returncode == 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
