"""L4: every state in which a loss of power may leave the disk of a recorded run is survived.

A seed is `JOURNAL:STORY:NUMBER:MODE:WHERE:DICE`: the journal mode, the story, how many operations the disk was given
before power failed, what it kept (see `disk.MODES`), whether the targets stand `here` or `elsewhere`, and the chance
that tears sectors. Each proof records anew, so that the same number may mean a neighbouring operation the next time:
a recording in which something was found is kept, and PENSTOCK_PROOF_RECORDINGS names its folder for a replay.
"""

from __future__ import annotations

import atexit
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.proof import recording
from tests.proof.case import Case, Level
from tests.proof.disk import MODES

MEMORY = Path("/dev/shm")
ROUND = 250  # states for which the disk is walked from its beginning once
KEPT = "PENSTOCK_PROOF_RECORDINGS"  # a folder of recordings to use, and to keep


class Examiner:
    """A process that lays down states of one recording and says what is wrong with each."""

    def __init__(self, journal: str, length: str) -> None:
        self.journal, self.length = journal, length
        self.folder = _folder() / f"{journal}-{length}"
        if not (self.folder / "trace").exists():
            recording.record(self.folder, journal, length)
        self._process: subprocess.Popen[str] | None = None
        self.stops: list[int] = []
        self._start()

    def _start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.proof.power", str(self.folder), self.journal],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=recording.ROOT, env=recording.environment(),
        )  # fmt: skip
        self.stops = json.loads(self._line())["stops"]

    def _line(self) -> str:
        assert self._process is not None
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the examiner ended with code {self._process.wait()}")
        return line

    def look(self, number: int, mode: str, where: str, dice: str) -> Case:
        """One state."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(f"{number}:{mode}:{where}:{dice}\n")
        self._process.stdin.flush()
        answer = json.loads(self._line())
        seed = f"{self.journal}:{self.length}:{number}:{mode}:{where}:{dice}"
        what = (
            f"power fails in chapter {answer['what']}, the disk keeps: {mode}; targets {where}; journal {self.journal}"
        )
        if answer["wrong"]:
            what += f"; replay with {KEPT}={self.folder.parent}"
            _found.append(self.folder)
        return Case(seed, what, tuple(answer["wrong"]))

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            self._process.wait(30)
            self._process.stdout.close()  # type: ignore[union-attr]
            self._process = None


_examiners: dict[tuple[str, str], Examiner] = {}


def examiner(journal: str, length: str) -> Examiner:
    """The one of this process, recording first when need be."""
    if (journal, length) not in _examiners:
        _examiners[journal, length] = Examiner(journal, length)
    return _examiners[journal, length]


def close() -> None:
    """End all examiners, and forget the recordings unless they were asked for."""
    for one in _examiners.values():
        one.close()
    _examiners.clear()
    if _made and not _found:
        shutil.rmtree(_made.pop(), ignore_errors=True)


_made: list[Path] = []
_found: list[Path] = []  # recordings with a bad state: not removed


def _folder() -> Path:
    if kept := os.environ.get(KEPT):
        Path(kept).mkdir(parents=True, exist_ok=True)
        return Path(kept)
    if not _made:
        _made.append(Path(tempfile.mkdtemp(prefix="penstock-power-", dir=MEMORY if MEMORY.is_dir() else None)))
        atexit.register(close)
    return _made[0]


def cases(seed: int, length: str = "all") -> Iterator[Case]:
    """Both journals in turn, prefixes drawn anew each round."""
    dice = random.Random(f"L4 {seed}")
    journals = [examiner("delete", length), examiner("wal", length)]
    while True:
        for one in journals:
            yield from round_of(one, dice, ROUND)


def round_of(one: Examiner, dice: random.Random, size: int) -> Iterator[Case]:
    """`size` states of a recording, in the order of its operations, all modes evenly."""
    picks = sorted(dice.choice(one.stops) for _ in range(size))
    for turn, number in enumerate(picks):
        where = dice.choice(("here", "elsewhere"))
        yield one.look(number, MODES[turn % len(MODES)], where, f"{dice.randrange(10**6)}")


def replay(seed: str) -> Case:
    """The state of a seed."""
    journal, length, number, mode, where, dice = seed.split(":")
    return examiner(journal, length).look(int(number), mode, where, dice)


LEVEL = Level(
    "L4", "states of the disk after a loss of power, of a recorded run", cases, replay, share=0.18, least=1000
)
