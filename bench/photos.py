"""Stages 2 to 6 of the photo pipeline through the whole engine, beside plain decoding of the same files.

    python bench/photos.py [--photos N] [--repeat R] [--json] [--folder DIR]

Makes N camera-like 24-megapixel JPEGs, then in the same run measures decoding at a quarter of the size and nothing
else in two processes, and real runs (ledger, children, journaled copies, hash, EXIF, all local scores, model copy)
on two cores with two worker slots, and on one core with one. `scaling` is the first over the second: the whole
program, its driver included, has one core or two. Time runs from the first claim of stage 2 to the last settle of
stage 6.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from photo_steps import TARGET_RATIO, TARGET_SCALING, make_photos
from photo_steps import _run as run_workers

RSS_LIMIT = 150  # MiB per worker


def main() -> int:
    """Make the photos, measure, print; status 1 when a target is missed."""
    options = _options()
    if options.home:
        print(json.dumps(drive(Path(options.home), Path(options.folder), options.slots)), flush=True)
        return 0
    with tempfile.TemporaryDirectory(prefix="penstock-bench-", dir=options.folder) as folder:
        photos = make_photos(Path(folder) / "photos", options.photos)
        result = measure(photos, Path(folder), options.repeat)
    print(json.dumps(result, indent=2) if options.json else _table(result))
    good = result["ratio"] >= TARGET_RATIO and result["scaling"] >= TARGET_SCALING and result["rss_mb"] <= RSS_LIMIT
    return 0 if good else 1


def measure(photos: list[Path], folder: Path, repeat: int) -> dict[str, Any]:
    """The best of `repeat` interleaved rounds of each."""
    decode, one, two, rss = [], [], [], []
    for number in range(repeat):
        decode.append(run_workers("decode", photos, 2, folder / f"d{number}")["rate"])
        for slots, rates in ((2, two), (1, one)):
            done = _in_a_process(folder / f"home-{slots}-{number}", photos[0].parent, slots)
            rates.append(done["photos"] / done["seconds"])
            rss.append(done["rss_mb"])
    return {
        "photos": len(photos),
        "images_per_s": round(max(two), 2),
        "decode_only_per_s": round(max(decode), 2),
        "ratio": round(max(two) / max(decode), 3),
        "scaling": round(max(two) / max(one), 2),
        "rss_mb": round(max(rss), 1),
    }


def _in_a_process(home: Path, photos: Path, slots: int) -> dict[str, Any]:
    command = [sys.executable, __file__, "--home", str(home), "--folder", str(photos), "--slots", str(slots)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def drive(home: Path, photos: Path, slots: int) -> dict[str, Any]:
    """One run in a fresh home."""
    os.environ["PENSTOCK_CPU_SLOTS"] = str(slots)
    if hasattr(os, "sched_setaffinity"):  # elsewhere the one-core run may use more than its core
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:slots])
    from penstock import boot, config

    settings = config.load(home)
    boot.start(settings)
    from penstock.accounts.models import create_site
    from penstock.engine.clock import SystemClock
    from penstock.engine.ids import RandomIds
    from penstock.ledger import control
    from penstock.ledger.drive import drive as go
    from penstock.pipelines.photos import intake

    clock, site = SystemClock(), create_site("bench", "photos")
    intake.add(
        site, photos, folder="nature", location="Bench", subject="Bench", confirm=lambda question: True, at=clock.wall()
    )
    run = control.start(site, clock, RandomIds())
    peak = _watch()
    go(settings, only=run.id, interruptible=False)
    stages = {stage.name: stage for stage in run.stages.all()}
    took = stages["resize_for_model"].ended_at - stages["stage_files"].started_at
    return {"photos": stages["score"].passed, "seconds": took.total_seconds(), "rss_mb": peak["rss_mb"]}


def _watch() -> dict[str, float]:
    """The largest peak of any one worker process, read while it lives; seldom, so as not to take part in the race."""
    import psutil

    peak, me = {"rss_mb": 0.0}, psutil.Process()

    def look() -> None:
        while True:
            for child in me.children(recursive=True):
                with suppress(psutil.NoSuchProcess, OSError):
                    peak["rss_mb"] = max(peak["rss_mb"], _peak_of(child))
            time.sleep(0.25)

    threading.Thread(target=look, daemon=True).start()
    return peak


def _peak_of(child: Any) -> float:
    """The process's own peak where the kernel keeps it, else what it holds now; MiB."""
    status = Path(f"/proc/{child.pid}/status")
    if not status.is_file():
        return float(child.memory_info().rss / 1048576)
    lines = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")]
    return int(lines[0].split()[1]) / 1024 if lines else 0.0


def _table(result: dict[str, Any]) -> str:
    return "\n".join(
        [
            f"{result['photos']} photos of 24 megapixels, stages 2 to 6 through the engine",
            f"  images per second   {result['images_per_s']:>8}",
            f"  decoding only       {result['decode_only_per_s']:>8}",
            f"  ratio               {result['ratio']:>8}   target ≥ {TARGET_RATIO}",
            f"  scaling 1→2 cores   {result['scaling']:>8}   target ≥ {TARGET_SCALING}",
            f"  peak MiB per worker {result['rss_mb']:>8}   target ≤ {RSS_LIMIT}",
        ]
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=40, help="how many photos")
    parser.add_argument("--repeat", type=int, default=2, help="rounds; the best one counts")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--folder", default=None, help="where to work (on the disk to be measured)")
    parser.add_argument("--home", help=argparse.SUPPRESS)
    parser.add_argument("--slots", type=int, default=2, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
