"""What a durable item-stage costs: items through seven stages that do nothing, in the whole engine.

    python bench/engine.py [--items N] [--batches 100,1] [--journal delete|wal] [--million] [--json] [--folder DIR]

Events, leases, counters and the run log are included, with the durability that every home has. Beside it, on the same
disk, in the same journal mode and the same process: raw commits of one row each. A second process writes as a person
would (a transaction of one event) the whole time, and says how long it waited. `--million` compares a run of 1,000,000
items with one of 10,000. Status 1 when a limit is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

STAGES = 7
RATIO = {("delete", 100): 10.0, ("wal", 100): 5.0, ("delete", 1): 0.25, ("wal", 1): 0.25}
RATE = 15_000  # item-stages per second at batch 100
FOREIGN_MS = 100.0
GROWTH = 1.3
ITEMS = {1: 2_000}  # by batch size; else 20,000
PRAGMAS = {"delete": ("DELETE", "EXTRA"), "wal": ("WAL", "FULL")}
ME = str(Path(__file__).resolve())


def main() -> int:
    """Measure each batch size in a process of its own; print; 1 when a limit is missed."""
    options = _options()
    if options.inside:
        print(json.dumps(_inside(options)), flush=True)
        return 0
    if options.foreign:
        return _write_as_a_person(Path(options.foreign), options.journal)
    with tempfile.TemporaryDirectory(prefix="penstock-bench-", dir=options.folder) as folder:
        found = _million(options, Path(folder)) if options.million else _sizes(options, Path(folder))
    print(json.dumps(found) if options.json else "\n".join(map(_line, found)))
    missed = [sentence for one in found for sentence in one["missed"]]
    for sentence in missed:
        print(f"MISSED {sentence}", file=sys.stderr)
    return 1 if missed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=0)
    parser.add_argument("--batches", default="100,1")
    parser.add_argument("--journal", choices=sorted(PRAGMAS), help="instead of the one that this SQLite is given")
    parser.add_argument("--million", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--folder", help="where the temporary home lies: the disk that is measured")
    parser.add_argument("--profile", help="write a cProfile of the ledger's thread here")
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    parser.add_argument("--foreign", help=argparse.SUPPRESS)
    return parser.parse_args()


def _sizes(options: argparse.Namespace, folder: Path) -> list[dict[str, Any]]:
    sizes = [int(size) for size in options.batches.split(",")]
    found = [_measure(options, folder / f"b{size}", size, options.items or ITEMS.get(size, 20_000)) for size in sizes]
    for one in found:
        one["missed"] = _judge(one)
    return found


def _million(options: argparse.Namespace, folder: Path) -> list[dict[str, Any]]:
    """The second result is held against the first."""
    few, many = (_measure(options, folder / f"n{n}", 100, n) for n in (10_000, options.items or 1_000_000))
    few["missed"], many["missed"] = [], _judge(many)
    rss, cost = many["rss_mb"] / few["rss_mb"], few["item_stages_per_s"] / many["item_stages_per_s"]
    many |= {"rss_growth": round(rss, 2), "cost_growth": round(cost, 2)}
    for what, value in (("memory", rss), ("cost per item", cost)):
        if value > GROWTH:
            many["missed"].append(f"{what}: {value:.2f} × of 10,000 items, at most {GROWTH}")
    return [few, many]


def _judge(one: dict[str, Any]) -> list[str]:
    size, missed = one["batch"], []
    least = RATIO.get((one["journal_mode"], size), 0.0)
    if one["ratio"] < least:
        missed.append(f"batch {size}: {one['ratio']} × raw commits, at least {least}")
    if size == 100 and one["item_stages_per_s"] < RATE:
        missed.append(f"batch {size}: {one['item_stages_per_s']:,} item-stages/s, at least {RATE:,}")
    if one["foreign_write_p95_ms"] > FOREIGN_MS:
        missed.append(f"batch {size}: a person's write waited {one['foreign_write_p95_ms']} ms (p95)")
    return missed


def _line(one: dict[str, Any]) -> str:
    growth = f"  memory × {one['rss_growth']}, cost × {one['cost_growth']}" if "rss_growth" in one else ""
    return (
        f"batch {one['batch']:>3}, {one['items']:>9,} items, {one['journal_mode']}: "
        f"{one['item_stages_per_s']:>7,} item-stages/s = {one['ratio']:.2f} × "
        f"{one['raw_single_per_s']:,} raw commits/s; "
        f"{one['cpu_us']} µs CPU, {one['fsyncs']} fsyncs, {one['bytes']} bytes per item-stage; "
        f"{one['rss_mb']} MB; a person's write waits {one['foreign_write_p95_ms']} ms (p95){growth}"
    )


def _measure(options: argparse.Namespace, home: Path, size: int, items: int) -> dict[str, Any]:
    """One run in a fresh process and home; the fsyncs of a short one are counted apart, for counting slows it."""
    found = _run(options, home, size, items)
    found["fsyncs"] = _fsyncs(options, home.with_name(f"{home.name}-traced"), size)
    return found


def _run(options: argparse.Namespace, home: Path, size: int, items: int, under: tuple[str, ...] = ()) -> Any:
    home.mkdir(parents=True)
    words = ["--inside", str(home), "--batches", str(size), "--items", str(items)]
    words += ["--journal", options.journal] if options.journal else []
    words += ["--profile", options.profile] if options.profile and not under else []
    words += ["--alone"] if under else []
    environment = {**os.environ, "PENSTOCK_HOME": str(home)}
    done = subprocess.run([*under, sys.executable, ME, *words], env=environment, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout.decode().splitlines()[-1])


def _fsyncs(options: argparse.Namespace, home: Path, size: int) -> float | None:
    """Per item-stage: those of a longer run less those of a shorter one; None where strace is not installed."""
    counts = []
    few = 20 * max(size, 5)
    for number, items in enumerate((few, 3 * few)):
        log = home.with_name(f"{home.name}-{number}.trace")
        words = ("strace", "-f", "-c", "-U", "calls,name", "-e", "trace=fsync,fdatasync", "-o", str(log))
        try:
            _run(options, home.with_name(f"{home.name}-{number}"), size, items, words)
        except FileNotFoundError:
            return None
        lines = [line.split() for line in log.read_text().splitlines()]
        counts.append(sum(int(w[0]) for w in lines if len(w) == 2 and w[1] in ("fsync", "fdatasync")))
    return round((counts[1] - counts[0]) / (2 * few * STAGES), 4)


# -- the measured process ---------------------------------------------------------------------------------------


def _inside(options: argparse.Namespace) -> dict[str, Any]:
    home, size = Path(options.inside), int(options.batches)
    journal = _start(home, options.journal)
    run = _fill(size, options.items)
    if options.alone:  # what is counted from outside is the run's alone
        _drive(run, None)
        return {}
    raw = [_raw(home, journal)]
    with _person(home, journal) as waits:
        before, wall, cpu = _written(), time.perf_counter(), time.process_time()
        _drive(run, options.profile)
        wall, cpu, written = time.perf_counter() - wall, time.process_time() - cpu, _written() - before
    raw.append(_raw(home, journal))
    _check(run, options.items)
    n = options.items * STAGES
    commits = statistics.mean(raw)
    return {
        "batch": size, "items": options.items, "journal_mode": journal, "item_stages_per_s": round(n / wall),
        "raw_single_per_s": round(commits), "ratio": round(n / wall / commits, 2),
        "foreign_write_p95_ms": round(_p95(waits) * 1000, 1), "foreign_writes": len(waits),
        "cpu_us": round(cpu / n * 1e6, 1), "bytes": round(written / n), "seconds": round(wall, 2),
        "rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }  # fmt: skip


@contextmanager
def _person(home: Path, journal: str) -> Iterator[list[float]]:
    """Somebody who writes meanwhile; afterwards the list holds how long each write took."""
    waits: list[float] = []
    command = [sys.executable, ME, "--foreign", str(home), "--journal", journal]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as person:
        assert person.stdout is not None
        person.stdout.readline()
        yield waits
        waits += json.loads(person.communicate(b"stop\n")[0])


def _start(home: Path, journal: str | None) -> str:
    """Django on an empty home. Another journal than this SQLite gets is set here, and nowhere a user could."""
    from penstock import boot, config

    settings = config.load(home)
    config.use(settings)
    from penstock import settings as django_settings

    if journal:
        mode, sync = PRAGMAS[journal]
        options = django_settings.DATABASES["default"]["OPTIONS"]
        django_settings.WAL = journal == "wal"  # what the oracle then expects
        options["init_command"] = f"PRAGMA journal_mode={mode}; PRAGMA synchronous={sync}; PRAGMA foreign_keys=ON"
    boot.start(settings)
    return journal or ("wal" if django_settings.WAL else "delete")


def _fill(size: int, items: int) -> str:
    """A site whose backlog is `items` rows; answers the run that has taken them."""
    from django.db import connection, models

    from penstock import engine, ledger
    from penstock.accounts.models import create_site
    from penstock.engine.clock import SystemClock
    from penstock.engine.ids import SequenceIds
    from penstock.engine.outcome import Done
    from penstock.engine.pipeline import Pipeline, Stage
    from penstock.ledger import control
    from penstock.ledger.models import SiteCounter
    from penstock.ledger.workitem import WorkItem

    class Thing(WorkItem):
        note = models.CharField(max_length=40, default="")

        class Meta(WorkItem.Meta):
            app_label = "bench"

    with connection.schema_editor() as editor:
        editor.create_model(Thing)
    ledger.TABLES["thing"] = Thing
    names = [f"s{number}" for number in range(1, STAGES + 1)]
    stages = (
        Stage(number, name, name, "thing", "inline", work=lambda item: Done(), size=size, lane="inline")
        for number, name in enumerate(names, 1)
    )
    pipeline = Pipeline("noop", tuple(stages))
    engine.PIPELINES["noop"] = lambda run: pipeline
    site = create_site("bench", "noop")
    for start in range(1, items + 1, 10_000):
        part = range(start, min(start + 10_000, items + 1))
        Thing.objects.bulk_create(Thing(id=n, site=site, stage="s1", ordinal=n) for n in part)
    SiteCounter.objects.create(site=site, table="thing", stage="s1", state="ready", n=items)
    return control.start(site, SystemClock(), SequenceIds()).id


def _drive(run: str, profile: str | None) -> None:
    from penstock import config
    from penstock.ledger import drive

    if not profile:
        drive.drive(config.current(), only=run)
        return
    import cProfile

    from penstock.engine import loop

    profiler, plain = cProfile.Profile(), loop.Driver.__init__

    def profiled(self: Any, *args: Any, call: Any, **more: Any) -> None:
        async def watched(function: Any, *words: Any) -> Any:
            return await call(lambda: profiler.runcall(function, *words))

        plain(self, *args, call=watched, **more)

    loop.Driver.__init__ = profiled  # type: ignore[method-assign]
    drive.drive(config.current(), only=run)
    profiler.dump_stats(profile)


def _check(run: str, items: int) -> None:
    from penstock.ledger import models as m
    from penstock.oracle import examine

    stages = dict(m.StageRun.objects.filter(run=run).values_list("name", "passed"))
    assert stages == {f"s{number}": items for number in range(1, STAGES + 1)}, stages
    wrong = examine(files=False, deep=items <= 100_000)
    assert not wrong, wrong[:3]


def _raw(home: Path, journal: str, seconds: float = 1.5) -> float:
    """Commits of one changed row per second: what the disk gives to a program that does nothing else."""
    mode, sync = PRAGMAS[journal]
    with closing(sqlite3.connect(home / "raw.db", isolation_level=None)) as base:
        base.execute(f"PRAGMA journal_mode={mode}")
        base.execute(f"PRAGMA synchronous={sync}")
        base.execute("CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, state TEXT, n INTEGER)")
        base.executemany("INSERT OR IGNORE INTO t VALUES (?, 'ready', 0)", [(n,) for n in range(1000)])
        n, end = 0, time.perf_counter() + seconds
        began = time.perf_counter()
        while time.perf_counter() < end:
            base.execute("BEGIN IMMEDIATE")
            base.execute("UPDATE t SET state='done', n=n+1 WHERE id=?", (n % 1000,))
            base.execute("COMMIT")
            n += 1
        return n / (time.perf_counter() - began)


def _written() -> int:
    """Bytes that this process has caused to be written."""
    lines = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(lines["write_bytes"])


def _p95(waits: list[float]) -> float:
    return sorted(waits)[int(len(waits) * 0.95)] if waits else 0.0


def _write_as_a_person(home: Path, journal: str) -> int:
    """One small transaction every 20 ms until told to stop; prints how long each took."""
    import select

    _start(home, journal)
    from penstock.accounts.models import Site
    from penstock.engine.clock import SystemClock
    from penstock.ledger import events
    from penstock.ledger.tx import write

    site, clock, waits = Site.objects.get().pk, SystemClock(), []
    print("ready", flush=True)
    while not select.select([sys.stdin], [], [], 0.02)[0]:
        began = time.perf_counter()
        with write("bench"):
            events.record(clock.wall(), "decided", site=site, who="bench")
        waits.append(time.perf_counter() - began)
    print(json.dumps(waits), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
