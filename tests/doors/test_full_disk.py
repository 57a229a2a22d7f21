"""A disk that is really full: a small file system of its own, mounted where only the test sees it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.crash import plant
from tests.services import require

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """
set -e
say() { "$PYTHON" -m penstock --home "$HOME_HERE" --json -q "$@"; }
mount -t tmpfs -o size=8m tmpfs "$HOME_HERE"
say site create demo --pipeline photos >/dev/null
say photos add "$PHOTOS" --site demo --folder nature --location Delft --subject Heron --yes --move >/dev/null
free=$(df -k "$HOME_HERE" | tail -1 | awk '{print $4}')
head -c $(( (free - 150) * 1024 )) /dev/zero > "$HOME_HERE/filler"
set +e
say run demo > "$OUT/full"; echo $? > "$OUT/code"
rm "$HOME_HERE/filler"
run=$(say status demo | "$PYTHON" -c 'import json, sys; print(json.load(sys.stdin)["run_id"])')
say resume "$run" > "$OUT/resumed"
say doctor > "$OUT/doctor"
ls "$PHOTOS" > "$OUT/photos"
say run demo > "$OUT/again"
"""


def may_mount() -> bool:
    """Whether this machine lets us have a mount of our own."""
    test = [require("unshare"), "-Urm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return sys.platform == "linux" and subprocess.run(test, capture_output=True).returncode == 0


def test_nothing_is_lost_on_a_full_disk_and_the_run_is_undone_once_there_is_room(tmp_path: Path) -> None:
    if not may_mount():
        pytest.skip("no mount of one's own is allowed here")
    names = tuple(f"IMG_{n}.jpg" for n in range(6))
    photos, home, out = plant.photos(tmp_path / "photos", names), tmp_path / "home", tmp_path / "out"
    home.mkdir()
    out.mkdir()
    here = {"PYTHON": sys.executable, "HOME_HERE": str(home), "PHOTOS": str(photos), "OUT": str(out)}
    env = {**os.environ, "PYTHONPATH": str(ROOT / "src"), **here}
    done = subprocess.run(
        [require("unshare"), "-Urm", "sh", "-c", SCRIPT], env=env, cwd=ROOT, capture_output=True, timeout=90, text=True
    )
    assert (out / "again").exists(), done.stderr
    said = json.loads((out / "full").read_text())
    assert (out / "code").read_text().strip() in ("1", "5"), said
    assert "full" in json.dumps(said) or "No space left" in json.dumps(said)
    resumed = json.loads((out / "resumed").read_text() or "{}")
    assert resumed.get("status", "failed") == "failed"
    assert json.loads((out / "doctor").read_text())["violations"] == []
    assert (out / "photos").read_text().split() == sorted(names), "every moved original is back"
    assert json.loads((out / "again").read_text())["items"] == {"waiting": 6}
