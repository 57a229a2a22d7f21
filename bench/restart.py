"""How long after a kill -9 there is new progress: from the start of a fresh process to its first committed settle.

    python bench/restart.py [--kills N] [--items N] [--json]

`processor` are the seconds of a core that one start needs: on an idle machine the median is near to it. A no-op
pipeline of seven stages is driven by `penstock up --once` and by `penstock up`, each in a process of its own:
interpreter, imports, Django, the look at the migrations, recovery, first claim, first settle. At a random moment after
that commit it is killed, and the next one starts on what it left.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import select
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.mill import home as mill

MEDIAN, P95 = 0.6, 1.0  # seconds
PATIENCE = 60.0  # seconds after which a start counts as failed
COMMANDS = {"up --once": ["up", "--once"], "up": ["up", "--no-browser", "--port", "0"]}
ASIDE = {"--help": ["--help"], "status": ["status"]}


def main() -> int:
    """Kill, start, measure, print; 1 when a limit is passed."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="penstock-bench-") as folder:
        home = Path(folder) / "home"
        mill.make(home, [""] * options.items)
        dice = random.Random(options.seed)
        for words in COMMANDS.values():
            progress(home, words, dice)  # compiles what an installation has compiled
        result = {name: figures(home, words, options.kills, dice) for name, words in COMMANDS.items()}
        for name, words in ASIDE.items():
            took = sorted(_whole(home, words) for _ in range(5))
            result[name] = {"median_s": round(took[2], 3)}
    print(json.dumps(result, indent=2) if options.json else _table(result))
    return 0 if all(result[name]["ratio"] <= 1.0 for name in COMMANDS) else 1


def figures(home: Path, words: list[str], kills: int, dice: random.Random) -> dict[str, Any]:
    """Median and 95th percentile in seconds; `ratio` is the worse of the two over its limit."""
    starts = [progress(home, words, dice) for _ in range(kills)]
    took = sorted(seconds for seconds, _ in starts)
    median, p95 = statistics.median(took), took[min(len(took) - 1, round(0.95 * len(took)))]
    ratio = max(median / MEDIAN, p95 / P95)
    cpu = statistics.median(cpu for _, cpu in starts)
    figures = {"median_s": median, "p95_s": p95, "cpu_s": cpu, "ratio": ratio}
    return {"kills": kills, **{name: round(figure, 3) for name, figure in figures.items()}}


def progress(home: Path, words: list[str], dice: random.Random) -> tuple[float, float]:
    """Seconds from the start of the process to its first committed settle, and of the processor; then it is killed."""
    hear, tell = os.pipe()
    env = mill.environment(home, MILL_TELL=str(tell))
    with open(home.parent / "err", "wb") as errors:
        began = time.perf_counter()
        process = subprocess.Popen(
            [*mill.PROGRAM, *words], env=env, pass_fds=[tell], stdout=subprocess.DEVNULL, stderr=errors
        )
    os.close(tell)
    try:
        ready, _, _ = select.select([hear], [], [], PATIENCE)
        heard = os.read(hear, 1) if ready else b""
        took = time.perf_counter() - began
        if heard != b".":
            raise SystemExit(f"no progress: {(home.parent / 'err').read_text()[-2000:]}")
        times = psutil.Process(process.pid).cpu_times()
        time.sleep(dice.uniform(0.0, 0.2))
        return took, times.user + times.system
    finally:
        process.kill()
        process.wait()
        os.close(hear)


def _whole(home: Path, words: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(
        [*mill.PROGRAM, *words], env=mill.environment(home), check=True, stdout=subprocess.DEVNULL, timeout=PATIENCE
    )
    return time.perf_counter() - began


def _table(result: dict[str, Any]) -> str:
    lines = ["from the start of a process to its first committed settle, after a kill -9"]
    for name in COMMANDS:
        one = result[name]
        lines.append(
            f"  penstock {name:<10} median {one['median_s']:.3f} s (limit {MEDIAN}), p95 {one['p95_s']:.3f} s"
            f" (limit {P95}), ratio {one['ratio']:.2f}, processor {one['cpu_s']:.2f} s, {one['kills']} kills"
        )
    lines += [f"  penstock {name:<10} median {result[name]['median_s']:.3f} s, start to end" for name in ASIDE]
    return "\n".join(lines)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20, help="kills of each command")
    parser.add_argument("--items", type=int, default=20_000, help="items of the run")
    parser.add_argument("--seed", type=int, default=1, help="when the kills come")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
