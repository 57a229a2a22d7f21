"""Ids and randomness, passed in; and who a process is, so that a dead one can be told from a live one."""

from __future__ import annotations

import itertools
import os
import secrets
import socket
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from penstock.engine.clock import boot_id
from penstock.engine.errors import UsageError

_BASE32 = "abcdefghijklmnopqrstuvwxyz234567"
_TAIL = 4  # characters
_PROC = "/proc"
_FIRST_PID_NAMESPACE = "4026531836"  # PROC_PID_INIT_INO, include/linux/proc_ns.h
_STATE, _START_TICKS = 0, 19  # fields 3 and 22 of proc(5) stat, counted after the command name


class Ids(Protocol):
    """Where new names come from."""

    def run_id(self, wall: datetime) -> str:
        """A name for a run that starts at `wall`, like `20261121-101502-k3f9`; sorts by time."""
        ...

    def token(self) -> str:
        """A name nobody can guess and nobody else has."""
        ...


class RandomIds:
    """Ids from the system's randomness."""

    def run_id(self, wall: datetime) -> str:
        """Time and four random characters."""
        return _run_id(wall, "".join(secrets.choice(_BASE32) for _ in range(_TAIL)))

    def token(self) -> str:
        """128 random bits in hexadecimal."""
        return secrets.token_hex(16)


class SequenceIds:
    """Ids that count up: the same in every repetition of a test."""

    def __init__(self) -> None:
        self._runs = itertools.count()
        self._tokens = itertools.count(1)

    def run_id(self, wall: datetime) -> str:
        """Time and a counter in base 32 (`aaaa`, `aaab`, …)."""
        number = next(self._runs)
        tail = "".join(_BASE32[number >> shift & 31] for shift in range(5 * (_TAIL - 1), -1, -5))
        return _run_id(wall, tail)

    def token(self) -> str:
        """`token-000001`, `token-000002`, …"""
        return f"token-{next(self._tokens):06}"


def _run_id(wall: datetime, tail: str) -> str:
    return f"{wall:%Y%m%d-%H%M%S}-{tail}"


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """A process that cannot be mistaken for another one with the same number.

    `host` names the machine (and the container, where process numbers are a container's own),
    `boot` its start, `started` the process's start in the platform's own ticks.
    """

    host: str
    boot: str
    pid: int
    started: int

    @classmethod
    def me(cls) -> ProcessIdentity:
        """This process."""
        pid = os.getpid()
        return cls(_host(), boot_id(), pid, _started(pid) or 0)

    def alive(self) -> bool:
        """Whether it runs here now. False too when it is another machine's: ask `gone` before taking over."""
        return self._near() and _started(self.pid) == self.started

    def gone(self) -> bool:
        """Whether this machine knows for sure that it has ended. In doubt False."""
        return self._near() and _started(self.pid) != self.started

    def to_text(self) -> str:
        """One line, for a column."""
        return f"{self.host} {self.boot} {self.pid} {self.started}"

    @classmethod
    def from_text(cls, text: str) -> ProcessIdentity:
        """What `to_text` wrote. Raises UsageError when the text is no identity."""
        try:
            host, boot, pid, started = text.split(" ")
            return cls(host, boot, int(pid), int(started))
        except ValueError:
            raise UsageError(f"{text[:80]!r} is no process identity (host boot pid start)") from None

    def _near(self) -> bool:
        return self.host == _host() and self.boot == boot_id()


@lru_cache(maxsize=1)
def _host() -> str:
    """The host name; with the namespace of process numbers where that is not the machine's own."""
    name = "-".join(socket.gethostname().split()) or "localhost"
    try:
        namespace = os.readlink("/proc/self/ns/pid").strip("pid:[]")
    except OSError:
        return name
    return name if namespace == _FIRST_PID_NAMESPACE else f"{name}/{namespace}"


def _started(pid: int) -> int | None:
    """When process `pid` started, in ticks that never shift; None when there is none or it is a zombie."""
    if Path(_PROC, "self/stat").exists():
        return _started_linux(pid)
    import psutil

    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return int(process.create_time() * 100)
    except psutil.Error:
        return None


def _started_linux(pid: int) -> int | None:
    # The kernel's ticks: psutil's create_time moves when somebody sets the wall clock.
    try:
        fields = Path(_PROC, f"{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[_STATE] in "ZX" else int(fields[_START_TICKS])
