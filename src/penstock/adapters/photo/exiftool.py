"""The lens that only the maker's notes know, from exiftool when it is installed. Starting it takes 0.2 s, so
one process stays open and is asked again and again."""

from __future__ import annotations

import atexit
import ctypes
import io
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from penstock.adapters.photo.exif import lens_text
from penstock.engine.failpoint import declare, failpoint

declare("exiftool.before_start", "exiftool.after_start")

PATIENCE = 20.0  # seconds for one file
_TAGS = ("LensModel", "LensID", "Lens")
_OPTIONS = ("-j", "-q", "-q", "-fast", "-charset", "filename=utf8", *(f"-{tag}" for tag in _TAGS))
_LINE, _LINES = 1 << 16, 64  # bytes, pieces: an answer of three tags is far smaller
_PR_SET_PDEATHSIG = 1  # prctl(2)
_Lines = queue.SimpleQueue[bytes | None]
_OPEN: dict[str, ExifTool] = {}


def lens_name(path: str | Path, *, program: str = "exiftool") -> str:
    """The lens of one file as exiftool knows it; "" when it knows none, fails, or is not installed."""
    if program not in _OPEN:
        _OPEN[program] = ExifTool(program)
        atexit.register(_OPEN[program].close)
    return _OPEN[program].lens(path)


class ExifTool:
    """An exiftool process: started when first asked, again after it died or was too slow."""

    def __init__(self, program: str = "exiftool") -> None:
        self._program = program
        self._process: subprocess.Popen[bytes] | None = None
        self._lines: _Lines = queue.SimpleQueue()
        self._asked = 0

    @property
    def pid(self) -> int | None:
        """The process number while there is a process."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def lens(self, path: str | Path, timeout: float = PATIENCE) -> str:
        """See `lens_name`. A name with a line break cannot be sent and has no answer."""
        name = os.path.abspath(path)  # no name begins with a dash then, nor with white space
        if "\n" in name or "\r" in name:
            return ""
        for _ in range(2):  # it may have died since the last question
            answer = self._ask(name, timeout)
            if answer is not None:
                return next((lens for tag in _TAGS if (lens := lens_text(answer.get(tag)))), "")
        return ""

    def close(self) -> None:
        """End the process; the next question starts another."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            with suppress(OSError):  # what was still to be sent to it
                process.stdin.close()  # type: ignore[union-attr]

    def _ask(self, name: str, timeout: float) -> dict[str, Any] | None:
        """The tags of a file, none where the program is not installed; None when it died, or did not start."""
        program = shutil.which(self._program)
        if not program:
            return {}
        self._asked += 1
        words = "\n".join((*_OPTIONS, name, f"-execute{self._asked}", ""))
        try:
            if self.pid is None:
                self._start(program)
            self._process.stdin.write(os.fsencode(words))  # type: ignore[union-attr]
            return self._answer(f"{{ready{self._asked}}}".encode(), timeout)
        except OSError:
            self.close()
            return None
        except queue.Empty:  # the lens is a nicety: a file without one is complete
            self.close()
            return {}

    def _answer(self, end: bytes, timeout: float) -> dict[str, Any] | None:
        answer = b""
        for _ in range(_LINES):
            line = self._lines.get(timeout=timeout)
            if line is None:
                self.close()
                return None
            if line.strip() == end:
                return _tags(answer)
            answer += line
        raise queue.Empty

    def _start(self, program: str) -> None:
        self.close()
        failpoint("exiftool.before_start")
        self._process = subprocess.Popen(
            [program, "-stay_open", "True", "-@", "-"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            preexec_fn=_die_with_us if sys.platform == "linux" else None,  # at the end of its input it waits
        )
        failpoint("exiftool.after_start")
        self._lines = queue.SimpleQueue()
        stdout: Any = self._process.stdout
        threading.Thread(target=_pump, args=(stdout, self._lines), daemon=True).start()


def _pump(source: io.FileIO, lines: _Lines) -> None:
    """Lines from the process to its asker, who can then stop waiting; None at the end."""
    with io.BufferedReader(source) as buffered:
        while line := buffered.readline(_LINE):
            lines.put(line)
    lines.put(None)


def _tags(answer: bytes) -> dict[str, Any]:
    try:
        found = json.loads(answer.decode("utf-8", "replace") or "[]")
    except ValueError:
        return {}
    return dict(found[0]) if isinstance(found, list) and found and isinstance(found[0], dict) else {}


_libc: Any = ctypes.CDLL(None) if sys.platform == "linux" else None


def _die_with_us() -> None:
    """Runs in the new process: end when the worker ends, however it ends."""
    _libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
