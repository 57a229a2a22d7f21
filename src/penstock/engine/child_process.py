"""One started child process: frames in, frames out, the tail of what it prints, and the end of its tree."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from penstock.engine.child_main import FRAME_LIMIT, HEADER, Frame
from penstock.engine.clock import Clock
from penstock.engine.errors import PenstockError
from penstock.engine.exits import oom_kills
from penstock.engine.pipeline import Progress

if TYPE_CHECKING:
    import psutil

_TAIL = 4096  # bytes kept of what a child prints
_LAST_WORDS = 0.5  # seconds for an exit status after the pipes closed, and for pipes after the exit
_REAP = 5.0  # seconds to wait for a killed process to be gone; one in the kernel's hands may take longer
_ROUNDS = 20  # looks for what left the group; each kills what the one before let escape
_STDOUT, _STDERR = 1, 2
_OWN_GROUP: dict[str, Any] = (
    {"start_new_session": True}
    if os.name == "posix"
    else {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}
)


class ChildProcess(asyncio.SubprocessProtocol):
    """A process that speaks frames. `reply` holds its next answer, or None when it has ended instead."""

    def __init__(self, clock: Clock) -> None:
        loop = asyncio.get_running_loop()
        self.reply: asyncio.Future[Frame | None] = loop.create_future()
        self.pid = 0
        self.code: int | None = None
        self.heard = clock.monotonic()  # when it last showed progress
        self.taken = False  # whether it has begun with what it was asked
        self.aborted = False
        self.died_alone = False  # whether it had ended before it was killed here
        self._ending = False
        self.tail = b""
        self._clock = clock
        self._asked = 0
        self._progress: Progress | None = None
        self._buffer = bytearray()
        self._open = {_STDOUT, _STDERR}
        self._ended: asyncio.Future[None] = loop.create_future()
        self._closed: asyncio.Future[None] = loop.create_future()
        self._oom_kills = oom_kills()
        self._transport: asyncio.SubprocessTransport | None = None

    @property
    def running(self) -> bool:
        """Whether it can still be asked."""
        return self.pid > 0 and self.code is None and _STDOUT in self._open and not self.aborted

    async def launch(self, command: Sequence[str], env: Mapping[str, str]) -> None:
        """Start it in its own session and group. Raises OSError."""
        await asyncio.get_running_loop().subprocess_exec(lambda: self, *command, env=env, **_OWN_GROUP)
        if self.aborted:
            await self.end()

    def ask(self, number: int, data: bytes, progress: Progress | None) -> None:
        """Send the request `number`; `reply` is renewed for its answer."""
        assert self._transport is not None
        self.reply = asyncio.get_running_loop().create_future()
        self.taken, self.tail = False, b""
        self.heard = self._clock.monotonic()
        self._asked, self._progress = number, progress
        if _STDOUT not in self._open:
            self._answer(None)
        cast(asyncio.WriteTransport, self._transport.get_pipe_transport(0)).write(data)

    async def status(self) -> int | None:
        """Its exit status, when it is about to end by itself."""
        await asyncio.wait({self._ended}, timeout=_LAST_WORDS)
        return self.code

    async def end(self) -> None:
        """Kill it and all below it, and wait until it is gone. The killing is done before the first await."""
        if self._transport is None:
            return
        self.died_alone = self.died_alone or (self.code is not None and not self._ending)
        self._ending = True
        _kill_tree(self.pid, self.code is not None)
        try:
            await asyncio.wait({self._ended}, timeout=_REAP)
            if self._open:
                await asyncio.wait({self._closed}, timeout=_LAST_WORDS)
        finally:
            self._transport.close()

    def out_of_memory(self) -> bool:
        """Whether the kernel killed it for want of memory, or its own allocations failed fatally."""
        if not self.died_alone:
            return False
        if self.code == -9 and oom_kills() > self._oom_kills:
            return True
        words = (b"std::bad_alloc", b"MemoryError", b"Cannot allocate memory", b"out of memory")
        return self.code not in (0, -9) and any(word in self.tail for word in words)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.SubprocessTransport, transport)
        self.pid = self._transport.get_pid()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd == _STDERR:
            self.tail = (self.tail + data)[-_TAIL:]
            return
        self._buffer += data
        try:
            while (frame := _cut(self._buffer)) is not None:
                self._hear(frame)
        except (ValueError, KeyError, TypeError) as error:
            self._fail(PenstockError(f"a worker answered something that is no frame: {error}", code="garbage"))

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        self._open.discard(fd)
        if fd == _STDOUT:
            self._answer(None)
        if not self._open and not self._closed.done():
            self._closed.set_result(None)

    def process_exited(self) -> None:
        assert self._transport is not None
        self.code = self._transport.get_returncode()
        if not self._ended.done():
            self._ended.set_result(None)
        # Something forked may hold the pipe open and say nothing.
        asyncio.get_running_loop().call_later(_LAST_WORDS, self._answer, None)

    def _hear(self, frame: Frame) -> None:
        if frame.get("id", self._asked) != self._asked:
            return  # a thread that outlived its item
        match frame["type"]:
            case "taken":
                self.taken = True
            case "progress":
                self.heard = self._clock.monotonic()
                self._tell(frame["note"])
            case _:
                self._answer(frame)

    def _tell(self, note: str) -> None:
        if self._progress is None or self.reply.done():
            return
        try:
            self._progress(note)
        except Exception as error:  # raised again where the answer is awaited
            self._fail(error)

    def _answer(self, frame: Frame | None) -> None:
        if not self.reply.done():
            self.reply.set_result(frame)

    def _fail(self, error: Exception) -> None:
        if not self.reply.done():
            self.reply.set_exception(error)


def _cut(buffer: bytearray) -> Frame | None:
    """Take the first whole frame off `buffer`. Raises ValueError when there cannot be one."""
    if len(buffer) < HEADER.size:
        return None
    size = HEADER.unpack_from(buffer)[0]
    if size > FRAME_LIMIT:
        raise ValueError(f"a frame of {size} bytes")
    end = HEADER.size + size
    if len(buffer) < end:
        return None
    frame: Frame = json.loads(buffer[HEADER.size : end])
    del buffer[:end]
    return frame


def _kill_tree(pid: int, exited: bool) -> None:
    """Kill what left the group, then the group. Nothing is stopped first: were this process killed just then, it
    would stand for ever."""
    import psutil

    for _ in range(0 if exited else _ROUNDS):
        strays = _strays(pid)
        for process in strays:
            with contextlib.suppress(psutil.Error):  # it has ended already
                process.kill()
        if not strays:
            break
    if os.name == "posix":
        with contextlib.suppress(ProcessLookupError, PermissionError):  # an empty group; zombies only (macOS)
            os.killpg(pid, signal.SIGKILL)
    elif not exited:
        with contextlib.suppress(psutil.Error):
            psutil.Process(pid).kill()


def _strays(pid: int) -> list[psutil.Process]:
    """What lives below the child in another group. What it starts meanwhile comes back to the child, a subreaper,
    and is found in the next round."""
    import psutil

    found = []
    with contextlib.suppress(psutil.Error):  # it ends at this moment
        for process in psutil.Process(pid).children(recursive=True):
            with contextlib.suppress(psutil.Error, ProcessLookupError):
                if process.status() != psutil.STATUS_ZOMBIE and _group(process.pid) != pid:
                    found.append(process)
    return found


def _group(pid: int) -> int:
    return os.getpgid(pid) if os.name == "posix" else 0
