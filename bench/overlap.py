"""Whether stages in different lanes work at the same time: three of 20 ms each take as long as one, not as three.

    python bench/overlap.py [--items N] [--ms N] [--runners async,child] [--json]

One slot per lane, batches of the default size, the durable ledger of every home. `ratio` is the time of the run over
that of a lane which does nothing but rest, an item after the other. Status 1 when it is over its limit.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "src"), str(Path(__file__).resolve().parents[1])]

RATIO = 1.15
LANES = ("io", "model", "cpu")
ME = str(Path(__file__).resolve())


def main() -> int:
    """Measure each way of working in a process and a home of its own; print; 1 when a limit is passed."""
    options = _options()
    if options.inside:
        print(json.dumps(_inside(Path(options.inside), options.runners, options.items)), flush=True)
        return 0
    found = [_measure(runner, options) for runner in options.runners.split(",")]
    print(json.dumps(found) if options.json else "\n".join(map(_line, found)))
    return 0 if all(one["ratio"] <= RATIO for one in found) else 1


def _measure(runner: str, options: argparse.Namespace) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="penstock-bench-") as folder:
        home = Path(folder) / "home"
        home.mkdir()
        env = {**os.environ, "PENSTOCK_HOME": str(home), "MILL_SECONDS": str(options.ms / 1000)}
        env |= {f"PENSTOCK_{lane.upper()}_SLOTS": "1" for lane in LANES}
        command = [sys.executable, ME, "--inside", str(home), "--runners", runner, "--items", str(options.items)]
        done = subprocess.run(command, env=env, stdout=subprocess.PIPE, check=True)
    one = json.loads(done.stdout.decode().splitlines()[-1])
    lane = options.items * options.ms / 1000
    return {**one, "items": options.items, "lane_s": round(lane, 2), "ratio": round(one["seconds"] / lane, 3)}


def _inside(home: Path, runner: str, items: int) -> dict[str, Any]:
    from penstock import boot, config

    os.environ["DJANGO_SETTINGS_MODULE"] = "bench.mill.settings"
    settings = config.load(home)
    config.use(settings)
    boot.start(settings)
    from bench.mill import home as mill
    from penstock import engine
    from penstock.engine.pipeline import Pipeline, Stage
    from penstock.ledger import drive

    work: Any = "bench.mill.work:work" if runner == "child" else _rest
    stages = (Stage(n, f"s{n}", f"s{n}", "grain", runner, work=work, lane=lane) for n, lane in enumerate(LANES, 1))
    pipeline = Pipeline("mill", tuple(stages))
    run = mill.fill([""] * items)
    engine.PIPELINES["mill"] = lambda row: pipeline
    began = time.perf_counter()
    drive.drive(config.current(), only=run)
    return {"runner": runner, "seconds": round(time.perf_counter() - began, 2), **_states(run)}


async def _rest(item: dict[str, Any], progress: Any) -> Any:
    from penstock.engine.outcome import Done

    await asyncio.sleep(float(os.environ["MILL_SECONDS"]))
    return Done()


def _states(run: str) -> dict[str, Any]:
    from bench.mill.models import Grain
    from penstock.ledger.models import StageRun

    done = Grain.objects.filter(run=run, state="done").count()
    working = [round(one.seconds, 2) for one in StageRun.objects.filter(run=run)]
    return {"done": done, "working_s": working}


def _line(one: dict[str, Any]) -> str:
    return (
        f"{one['runner']:<6} {one['items']} items through {len(LANES)} lanes: {one['seconds']} s, a lane alone"
        f" {one['lane_s']} s: {one['ratio']:.3f} × (at most {RATIO}); {one['done']} done"
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=500)
    parser.add_argument("--ms", type=float, default=20.0)
    parser.add_argument("--runners", default="async,child")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
