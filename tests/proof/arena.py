"""Where victims die: a loaded process that forks them, each on a fresh copy of a prepared home, and looks at the rest.

A case is one chapter of the world with a disturbance in it. The chapter before it is not repeated: its end was kept.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from tests.proof import errands, far, hands, world
from tests.proof.picture import differences, picture

ENDED, CRASHED, ERRED, BROKEN = 0, 3, 4, 5
PATIENCE = 60.0  # seconds for one chapter; a victim that is still there then hangs
LINGER = 5.0  # seconds for the children of a dead process to notice
_SUBREAPER = 36  # prctl(2)


@dataclass(frozen=True)
class Chapter:
    """A chapter as it goes undisturbed: hits per failpoint, its end, the seconds it takes."""

    hits: dict[str, int]
    end: dict[str, Any]
    seconds: float


@dataclass(frozen=True)
class Verdict:
    """What became of a victim and of what it left behind."""

    status: int  # as of os.waitstatus_to_exitcode
    violations: tuple[str, ...] = ()


class Arena:
    """Prepared homes, golden ends, and victims. The process that makes one is loaded with the product for good."""

    def __init__(self, folder: Path, last: int) -> None:
        self.folder, self.home, self.last = folder, folder / "home", last
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.proof.model_server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._server.stdout is not None
        errands.MODEL["url"] = f"http://127.0.0.1:{int(self._server.stdout.readline())}"
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
        world.start(self.home)
        _forget_connections()
        shutil.copytree(self.home, folder / "before-0")
        self._warm()
        self.chapters: list[Chapter] = []

    def prepare(self) -> None:
        """Go through the chapters undisturbed once, keeping how each begins and ends."""
        for number in range(self.last + 1):
            if number:
                shutil.copytree(self.home, self.folder / f"before-{number}", symlinks=True)
            began = time.monotonic()
            answer = self.folder / "answer.json"
            status = self._fork(partial(_golden, number, answer))
            if status != ENDED:
                raise AssertionError(f"chapter {number} does not go through by itself: {_read(answer)}")
            found = json.loads(answer.read_text())
            self.chapters.append(Chapter(found["hits"], found["end"], time.monotonic() - began))

    def hits(self) -> dict[str, dict[int, int]]:
        """Failpoint → chapter → how often it is passed there."""
        found: dict[str, dict[int, int]] = {}
        for number, chapter in enumerate(self.chapters):
            for point, n in chapter.hits.items():
                found.setdefault(point, {})[number] = n
        return found

    def case(self, number: int, disturb: Callable[[], None], *again: Callable[[], None], after: float = 0) -> Verdict:
        """Do a chapter with `disturb` done first by the victim (and by its successors: `again`); with `after`, kill
        it that many seconds later. Then let somebody go on undisturbed, and look."""
        self._fresh(number)
        answer = self.folder / "answer.json"
        status = self._fork(lambda: _victim(number, disturb, answer), after)
        wrong = [_read(answer)] if status in (BROKEN, -signal.SIGALRM) else []
        for one in again:
            later = self._fork(partial(_victim, number, one, answer))
            wrong += [_read(answer)] if later in (BROKEN, -signal.SIGALRM) else []
        answer.unlink(missing_ok=True)
        if self._fork(lambda: _judge(number, answer)) != ENDED:
            wrong.append(f"nobody can go on: {_read(answer)}")
        else:
            found = json.loads(answer.read_text())
            wrong += [*found["wrong"], *differences(self.chapters[number].end, found["end"])]
        return Verdict(status, (*wrong, *self._left_behind()))

    def close(self) -> None:
        """End the model server; the folder stays its maker's."""
        self._server.stdin.close()  # type: ignore[union-attr]
        self._server.wait(10)

    def _warm(self) -> None:
        """Go through everything once here: what is imported and compiled on the way, no victim has to do again."""
        from penstock.adapters.photo import exiftool
        from penstock.ledger import runlog

        world.go(self.last)
        for tool in exiftool._OPEN.values():
            tool.close()
        exiftool._OPEN.clear()
        runlog.forget()
        far.forget()
        _forget_connections()
        self._fresh(0)
        gc.collect()
        gc.freeze()

    def _fresh(self, number: int) -> None:
        world.clear(self.home)
        shutil.copytree(self.folder / f"before-{number}", self.home, symlinks=True, dirs_exist_ok=True)

    def _fork(self, work: Callable[[], int], kill_after: float = 0) -> int:
        pid = os.fork()
        if pid == 0:
            status = BROKEN
            try:
                signal.alarm(int(PATIENCE))
                _hush()
                status = work()
            finally:
                os._exit(status)  # nothing of the parent's is closed or flushed by its child
        if kill_after:
            time.sleep(kill_after)
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        return os.waitstatus_to_exitcode(status)

    def _left_behind(self) -> list[str]:
        """Orphans become ours: those that are still there after a while."""
        until = time.monotonic() + LINGER
        while True:
            found = [one for one in psutil.Process().children(recursive=True) if one.pid != self._server.pid]
            alive = [one for one in found if not _reaped(one)]
            if not alive:
                return []
            if time.monotonic() > until:
                told = [f"a process is left behind: {' '.join(_words(one))[:200]}" for one in alive]
                for one in alive:
                    one.kill()
                return told
            time.sleep(0.01)


@contextmanager
def opened(last: int = len(world.CHAPTERS) - 1) -> Iterator[Arena]:
    """A prepared arena, with the chapters up to number `last`; in memory where that can be, gone afterwards."""
    shared = Path("/dev/shm")
    place = shared if shared.is_dir() and os.access(shared, os.W_OK) else None
    folder = Path(tempfile.mkdtemp(prefix="penstock-proof-", dir=place))
    try:
        arena = Arena(folder, last)
        try:
            arena.prepare()
            yield arena
        finally:
            arena.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


# -- in the forked process --------------------------------------------------------------------------------------


def _golden(number: int, answer: Path) -> int:
    from penstock.engine import failpoint
    from penstock.oracle import examine

    failpoint.arm("*=count")
    try:
        world.go(number)
    except Exception:
        answer.write_text(traceback.format_exc())
        return BROKEN
    hits = failpoint.hits()
    failpoint.disarm()
    world.recover()
    wrong = [str(one) for one in examine(deep=True)]
    answer.write_text(json.dumps({"hits": hits, "end": picture(_home())}) if not wrong else "; ".join(wrong))
    return BROKEN if wrong else ENDED


def _victim(number: int, disturb: Callable[[], None], answer: Path) -> int:
    """Ended by itself, crashed, or told of an error that it may tell; anything else is broken."""
    from django.db import DatabaseError

    from penstock.engine.errors import PenstockError
    from penstock.engine.failpoint import SimulatedCrash

    disturb()
    try:
        world.go(number)
    except SimulatedCrash:
        return CRASHED
    except (OSError, PenstockError, DatabaseError, hands.Told):
        return ERRED
    except BaseException:
        answer.write_text(traceback.format_exc()[-2000:])
        return BROKEN
    return ENDED


def _judge(number: int, answer: Path) -> int:
    """Start, recover, go on undisturbed to the chapter's end, then look at everything."""
    from penstock.oracle import examine

    try:
        world.recover()
        world.go(number)
        world.recover()
        wrong = [str(one) for one in examine(deep=True)]
        answer.write_text(json.dumps({"wrong": wrong, "end": picture(_home())}))
    except BaseException:
        answer.write_text(traceback.format_exc()[-2000:])
        return BROKEN
    return ENDED


def _home() -> Path:
    from penstock import config

    return config.current().home


def _forget_connections() -> None:
    from django.db import connections

    connections.close_all()


def _hush() -> None:
    """A victim's last words are nobody's."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)


def _read(answer: Path) -> str:
    return answer.read_text()[-2000:] if answer.exists() else "it died without a word"


def _reaped(process: psutil.Process) -> bool:
    """Whether it has ended; a zombie is taken in."""
    with suppress(ChildProcessError):
        if os.waitpid(process.pid, os.WNOHANG)[0]:
            return True
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def _words(process: psutil.Process) -> list[str]:
    with suppress(psutil.Error):
        return list(process.cmdline())
    return [str(process.pid)]
