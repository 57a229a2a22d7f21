"""A small photo site in a home of its own, driven by real processes that can be killed."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

MAIN = [sys.executable, "-m", "penstock"]
VOLATILE = {  # which process held a row, and when
    "run", "made_by", "batch", "attempts", "deaths", "losses", "available_at", "revision",
}  # fmt: skip


def photos(folder: Path, names: tuple[str, ...], seed: int = 1) -> Path:
    """Small camera-like JPEGs with EXIF; a name with `damaged` is cut short, `twin` has its neighbour's bytes."""
    folder.mkdir(parents=True)
    last = b""
    for number, name in enumerate(names):
        noise = np.random.default_rng(seed * 100 + number)
        pixels = noise.integers(0, 255, (12, 18, 3), dtype=np.uint8)
        tags = Image.Exif()
        tags[0x010F], tags[0x0110] = "Canon", "Canon EOS R5"
        tags.get_ifd(0x8769)[0x9003] = f"2026:05:0{1 + number % 8} 10:2{number % 10}:30"
        file = folder / name
        Image.fromarray(pixels).resize((360, 240), Image.Resampling.BICUBIC).save(file, "JPEG", exif=tags.tobytes())
        if "damaged" in name:
            file.write_bytes(file.read_bytes()[:2000])
        if "twin" in name:
            file.write_bytes(last)
        last = file.read_bytes()
    return folder


def command(home: Path, *words: str, env: dict[str, str] | None = None, check: bool = True) -> Any:
    """Run one command to its end; answers its JSON."""
    environment = {**os.environ, **(env or {})}
    done = subprocess.run(
        [*MAIN, "--home", str(home), "--json", *words], capture_output=True, text=True, env=environment, timeout=120
    )
    if check:
        assert done.returncode in (0, 1), done.stderr[-3000:]
    return json.loads(done.stdout) if done.stdout.strip() else {}


def site(folder: Path, count: int = 5) -> tuple[Path, Path]:
    """A home with one site and two sets, one of which moves its files; a run is started, nobody drives it."""
    home, source = folder / "home", folder / "source"
    names = tuple(f"IMG_{n}.jpg" for n in range(count))
    photos(source / "one", (*names, "IMG_8_damaged.jpg", "IMG_90.jpg", "IMG_91_twin.jpg"))
    photos(source / "two", ("DSC_1.jpg", "DSC_2.jpg"), seed=2)
    command(home, "site", "create", "demo", "--pipeline", "photos")
    add = ("photos", "add")
    where = ("--site", "demo", "--location", "Gouda_Netherlands", "--yes")
    command(home, *add, str(source / "one"), "--folder", "nature", "--subject", "Grey heron", *where)
    command(home, *add, str(source / "two"), "--folder", "birds", "--subject", "Coot", "--move", *where)
    command(home, "run", "demo", "--detach")
    return home, source


def drive(home: Path, failpoints: str = "") -> subprocess.Popen[bytes]:
    """`penstock up --once`, to be waited for or killed."""
    env = {**os.environ, "PENSTOCK_FAILPOINTS": failpoints} if failpoints else dict(os.environ)
    return subprocess.Popen(
        [*MAIN, "--home", str(home), "up", "--once"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env
    )


def rows(home: Path, folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Every row that a person could care about, without what only says which process held it."""
    found = {}
    with closing(sqlite3.connect(home / "data" / "review.db")) as base:
        base.row_factory = sqlite3.Row
        for table in ("review_queue", "photo_file", "photos_reservedname", "ledger_sitecounter"):
            part = [_plain(dict(row), folder) for row in base.execute(f"SELECT * FROM {table}")]
            found[table] = sorted(part, key=lambda row: json.dumps(row, sort_keys=True))
    found["ledger_sitecounter"] = [
        {k: v for k, v in row.items() if k != "id"} for row in found["ledger_sitecounter"] if row["n"]
    ]
    found["photos_reservedname"] = [{k: v for k, v in row.items() if k != "id"} for row in found["photos_reservedname"]]
    for part in found.values():
        part.sort(key=lambda row: json.dumps(row, sort_keys=True))
    return found


def _plain(row: dict[str, Any], folder: Path) -> dict[str, Any]:
    kept = {name: value for name, value in row.items() if name not in VOLATILE}
    text = json.dumps(kept).replace(str(folder), "")
    with_run = json.loads(text)
    path = with_run.get("ollama_path")
    if path:
        with_run["ollama_path"] = path.rpartition("/")[2]
    return dict(with_run)


def originals(source: Path) -> dict[str, str]:
    """Every original with its hash."""
    return {str(f.relative_to(source)): sha256(f.read_bytes()).hexdigest() for f in source.rglob("*.jpg")}


def staged(home: Path) -> dict[str, str]:
    """Every staged file with its hash."""
    return {f.name: sha256(f.read_bytes()).hexdigest() for f in (home / "incoming").glob("*") if f.is_file()}
