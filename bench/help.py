"""How long `penstock --help` takes, from the start of the process to its end. It should answer at once: < 0.3 s.

Run: python bench/help.py
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

STARTS = 15
LIMIT = 0.3  # seconds
CALLS = {"penstock --help": ["--help"], "penstock run --help": ["run", "--help"], "penstock version": ["version"]}


def main() -> int:
    """Print the median of each call; 1 when one is over the limit."""
    slow = False
    for shown, words in CALLS.items():
        seconds = [_seconds(words) for _ in range(STARTS)]
        middle = statistics.median(seconds)
        slow = slow or middle > LIMIT
        print(f"{shown:<22} median {middle * 1000:4.0f} ms, slowest {max(seconds) * 1000:4.0f} ms of {STARTS} starts")
    return int(slow)


def _seconds(words: list[str]) -> float:
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-m", "penstock", *words], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begin


if __name__ == "__main__":
    sys.exit(main())
