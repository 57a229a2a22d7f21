"""What the automation API and the run page cost with 1,000,000 items and 10,000 runs on SQLite.

    python bench/api.py [--items N] [--runs N] [--calls N] [--json]

Server time: from the request to the whole answer in the program itself, middleware, session and JSON included. The
p95 of each address may be 50 ms; the table says which part of that it takes.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[1] / "src")]

LIMIT = 0.050  # seconds, p95
HOST = {"host": "127.0.0.1"}
PLACES = (
    ("score", "ready", 300_000),
    ("caption", "leased", 40),
    ("review", "waiting", 690_000),
    ("caption", "failed", 9_960),
)
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def main() -> int:
    """Make the home, ask, print; 1 when a limit is passed."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="penstock-bench-") as folder:
        os.environ["PENSTOCK_HOME"] = folder
        from penstock import boot, config

        boot.start(config.load(Path(folder)))
        site, run = fill(options.items, options.runs)
        result = {name: figures(path, options.calls) for name, path in addresses(site, run).items()}
    print(json.dumps(result, indent=2) if options.json else _table(result, options))
    return 0 if all(one["ratio"] <= 1.0 for one in result.values()) else 1


def addresses(site: Any, run: str) -> dict[str, str]:
    """What a console polls, and its pages."""
    base, ours = "/api/v1/automation/", f"site_id={site.pk}"
    calls = ("config", "current_run", "pipeline_overview", "history", "estimate", "lock")
    found = {name: f"{base}{name}?{ours}" for name in calls}
    found["current_processing"] = f"{base}current_processing?{ours}&run_id={run}"
    found["logs"] = f"{base}logs?run_id={run}"
    pages = {"sites": "/", "automation": f"/sites/{site.name}/automation", "runs": f"/sites/{site.name}/runs"}
    pages |= {"what moves of it": f"/sites/{site.name}/automation#now"}
    pages |= {"run": f"/runs/{run}", "log": f"/runs/{run}/log", "sets": f"/sites/{site.name}/sets", "health": "/health"}
    return found | {f"page: {name}": path for name, path in pages.items()}


def figures(path: str, calls: int) -> dict[str, float]:
    """Median and 95th percentile in ms, and of the processor alone; `ratio` is the p95 over its limit."""
    from django.test import Client

    from penstock.accounts.sessions import keeper

    client: Any = Client(headers=HOST)
    client.cookies["penstock_session_80"] = keeper().open_session(keeper().new_link())
    took, cpu = [], []
    for _ in range(calls + 3):
        begun, worked = time.perf_counter(), time.process_time()
        answer = client.get(path, headers={"HX-Request": "true"} if path.endswith("#now") else {})
        took.append(time.perf_counter() - begun)
        cpu.append(time.process_time() - worked)
        assert answer.status_code == 200, (path, answer.content[:300])
    took, cpu = sorted(took[3:]), sorted(cpu[3:])
    at = min(calls - 1, round(0.95 * calls))
    figures = {"median_ms": took[calls // 2], "p95_ms": took[at], "cpu_p95_ms": cpu[at]}
    return {name: seconds * 1000 for name, seconds in figures.items()} | {"ratio": took[at] / LIMIT}


def fill(items: int, runs: int) -> tuple[Any, str]:
    """A photo site with old runs, and an open one over all of its photos."""
    from penstock.accounts.models import create_site
    from penstock.engine.clock import SystemClock
    from penstock.engine.ids import RandomIds
    from penstock.ledger import control
    from penstock.ledger.models import Run

    site = create_site("big", "photos")
    one = control.start(site, SystemClock(), RandomIds(), scope={})
    _old_runs(site, one, runs)
    moved = {(stage, state): max(1, n * items // 1_000_000) for stage, state, n in PLACES}
    _photos(site, one, moved)
    _count(site, one, moved)
    Run.objects.filter(id=one.id).update(heartbeat_at=SystemClock().wall())
    return site, one.id


def _old_runs(site: Any, one: Any, runs: int) -> None:
    from penstock.ledger.models import Run, StageRun

    stages = list(StageRun.objects.filter(run=one))
    for begin in range(0, runs, 1000):
        made = [
            Run(id=f"20250101-{n:06}-aaaa", site=site, pipeline="photos", status="completed", recorded=True, plan={},
                started_at=BEGIN - timedelta(hours=runs - n), completed_at=BEGIN)
            for n in range(begin, min(runs, begin + 1000))
        ]  # fmt: skip
        Run.objects.bulk_create(made)
        StageRun.objects.bulk_create(
            StageRun(run=run, number=s.number, name=s.name, title=s.title, table=s.table, passed=100, started_at=BEGIN)
            for run in made
            for s in stages
        )


def _photos(site: Any, one: Any, moved: dict[tuple[str, str], int]) -> None:
    """One photo by the model, the others copied from it by the database."""
    from django.db import connection

    from penstock.ledger.models import Batch
    from penstock.pipelines.photos.models import Photo, PhotoSet

    own = PhotoSet.objects.create(site=site, folder="city", location="x", subject="y")
    first = Photo.objects.create(site=site, set=own, stage="done", state="done", Original_File_Name="DSC.JPG")
    batch = Batch.objects.create(run=one, stage="caption", holder="a b 1 1", boot="b", until=9e12, size=4, open=True)
    columns = [
        f.column
        for f in Photo._meta.concrete_fields
        if f.column not in ("id", "run", "stage", "state", "batch", "ordinal", "File_Name")
    ]
    names, start = ", ".join(f'"{name}"' for name in columns), first.pk
    with connection.cursor() as cursor:
        for (stage, state), n in moved.items():
            held = batch.pk if state == "leased" else None
            cursor.execute(
                f"""WITH RECURSIVE n(i) AS (SELECT %s UNION ALL SELECT i+1 FROM n WHERE i<%s)
                INSERT INTO review_queue (id, run, stage, state, batch, ordinal, "File_Name", {names})
                SELECT i, %s, %s, %s, %s, i, 'n' || i, {names} FROM n, review_queue WHERE review_queue.id=%s""",
                [start + 1, start + n, one.id, stage, state, held, first.pk],
            )
            start += n
        cursor.execute("ANALYZE")


def _count(site: Any, one: Any, moved: dict[tuple[str, str], int]) -> None:
    from penstock.ledger.counters import Tally
    from penstock.ledger.models import StageRun
    from penstock.ledger.tx import write

    with write("bench.counted") as cursor:
        tally = Tally()
        for place, n in moved.items():
            tally.add(one.id, "photo", place, n)
        tally.write(cursor, site.pk)
    StageRun.objects.filter(run=one).update(started_at=one.started_at, passed=1000)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _table(result: dict[str, dict[str, float]], options: argparse.Namespace) -> str:
    lines = [f"{options.items:,} items, {options.runs:,} runs; limit: p95 of {LIMIT * 1000:.0f} ms"]
    for name, one in result.items():
        times = f"median {one['median_ms']:7.2f} ms   p95 {one['p95_ms']:7.2f} ms (cpu {one['cpu_p95_ms']:6.2f})"
        lines.append(f"  {name:<20} {times}   {one['ratio']:.2f} x limit")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
