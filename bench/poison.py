"""A batch in which 3 % of the items crash their worker, hang for ever or allocate without end.

    python bench/poison.py [--items N] [--ms N] [--limit SECONDS] [--slots N] [--json]

Long form: --items 2000 --ms 200 --limit 1. Each run is one `penstock up --once` in a fresh home. The clean run has the
same items without poison. A third of the poison hangs: the seconds that its limits wait, three deaths each over all
slots, are the limits' own and are subtracted before the two are compared.
"""

from __future__ import annotations

import argparse
import json
import random
import sqlite3
import subprocess
import sys
import tempfile
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.mill import home as mill

RATIO = 1.15
KINDS = {"segfault": {"crashed"}, "hang": {"hard", "idle"}, "allocate": {"memory"}}  # plan → causes that may be told
DEATHS = 3
MEMORY_MB = 256


def main() -> int:
    """A clean run, a poisoned one, what became of the items; 1 when something was not as it must be."""
    options = _options()
    limits = {"idle": options.limit, "hard": options.limit, "start": 60.0, "memory_mb": MEMORY_MB}
    each = round(options.items * options.share)
    plans = [kind for kind in KINDS for _ in range(each)] + [""] * (options.items - each * len(KINDS))
    random.Random(options.seed).shuffle(plans)
    clean = drive([""] * options.items, limits, options.ms, options.slots)
    poisoned = drive(plans, limits, options.ms, options.slots)
    waited = each * DEATHS * options.limit / options.slots
    result = {
        "items": options.items,
        "slots": options.slots,
        "clean_s": round(clean["seconds"], 2),
        "poisoned_s": round(poisoned["seconds"], 2),
        "waited_s": round(waited, 2),
        "ratio": round((poisoned["seconds"] - waited) / clean["seconds"], 3),
        "states": poisoned["states"],
        "causes": poisoned["causes"],
        "wrong": poisoned["wrong"] + clean["wrong"],
    }
    print(json.dumps(result, indent=2) if options.json else _table(result))
    return 0 if result["ratio"] <= RATIO and not result["wrong"] else 1


def drive(plans: list[str], limits: dict[str, Any], milliseconds: int, slots: int) -> dict[str, Any]:
    """One run in a home of its own, by one coordinator."""
    with tempfile.TemporaryDirectory(prefix="penstock-bench-") as folder:
        home = Path(folder) / "home"
        maker = [sys.executable, __file__, "--make", json.dumps([str(home), plans, {"child": limits}])]
        subprocess.run(maker, check=True, stdin=subprocess.DEVNULL)
        env = mill.environment(home, PENSTOCK_CPU_SLOTS=str(slots), MILL_SECONDS=str(milliseconds / 1000))
        command = [*mill.PROGRAM, "--json", "up", "--once"]
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=600)
        return {**_outcome(home, plans), "coordinator": done.returncode}


def _outcome(home: Path, plans: list[str]) -> dict[str, Any]:
    with closing(sqlite3.connect(home / "data" / "review.db")) as base:
        rows = base.execute("SELECT ordinal, state, error_code, deaths FROM mill_grain").fetchall()
        drivers = base.execute("SELECT COUNT(DISTINCT holder) FROM ledger_batch").fetchone()[0]
        when = "SELECT (julianday(ended_at) - julianday(started_at)) * 86400 FROM ledger_stagerun"
        seconds = base.execute(when).fetchone()[0]
    wrong = [f"{drivers} coordinators held batches"] if drivers != 1 else []
    for ordinal, state, code, deaths in rows:
        plan = plans[ordinal - 1]
        right = (state, code in KINDS[plan], deaths) == ("quarantined", True, DEATHS) if plan else state == "done"
        wrong += [] if right else [f"item {ordinal} ({plan or 'good'}): {state} {code} after {deaths} deaths"]
    states, causes = Counter(row[1] for row in rows), Counter(row[2] for row in rows if row[2])
    return {"seconds": seconds, "states": dict(states), "causes": dict(causes), "wrong": wrong}


def _table(result: dict[str, Any]) -> str:
    return "\n".join(
        [
            f"{result['items']} items in {result['slots']} slots: {result['states']}, causes {result['causes']}",
            f"  clean               {result['clean_s']:>8} s",
            f"  poisoned            {result['poisoned_s']:>8} s, of which limits waited {result['waited_s']} s",
            f"  ratio without that  {result['ratio']:>8}   limit ≤ {RATIO}",
            *(f"  WRONG: {line}" for line in result["wrong"][:20]),
        ]
    )


def _options() -> argparse.Namespace:
    if sys.argv[1:2] == ["--make"]:
        home, plans, settings = json.loads(sys.argv[2])
        mill.make(Path(home), plans, settings)
        raise SystemExit(0)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=600, help="items of each run")
    parser.add_argument("--ms", type=int, default=200, help="milliseconds of work per item")
    parser.add_argument("--limit", type=float, default=1.0, help="seconds of the idle and the hard limit")
    parser.add_argument("--slots", type=int, default=8, help="workers; they rest, so they need no core each")
    parser.add_argument("--share", type=float, default=0.01, help="of the items, for each kind of poison")
    parser.add_argument("--seed", type=int, default=1, help="where the poison is")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
