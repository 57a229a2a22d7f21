"""The child's side of supervised work: `python -m penstock.engine.child_main module:function [memory_mb]`.

Frames are a 4-byte big-endian length and that many bytes of UTF-8 JSON, at most 1 MiB: requests on stdin,
replies on what was stdout. Light on purpose (no asyncio, no psutil): a child is started for every slot.
"""

from __future__ import annotations

import ctypes
import faulthandler
import importlib
import json
import os
import queue
import signal
import struct
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from time import perf_counter  # a Clock would bring asyncio
from typing import Any

from penstock.engine import errors, failpoint, outcome
from penstock.engine.errors import Died, ItemError, PenstockError, UsageError

FRAME_LIMIT = 1 << 20  # bytes of JSON
HEADER = struct.Struct(">I")
Frame = dict[str, Any]
Work = Callable[[str, Any, Callable[[str], None]], Any]

_PROGRESS_EVERY = 0.1  # seconds: a tight loop must not flood the parent
_NOTE_LIMIT, _MESSAGE_LIMIT, _TRACE_LIMIT = 500, 2_000, 8_000  # characters
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36  # prctl(2)


def main(argv: list[str]) -> int:
    """Serve until stdin ends. The exit status is 1 when the work cannot be loaded."""
    channel = _Channel(*_private_pipes())
    _die_with_parent()
    faulthandler.enable()
    requests: queue.SimpleQueue[Frame] = queue.SimpleQueue()
    threading.Thread(target=_read_requests, args=(channel, requests), daemon=True).start()
    try:
        _limit_memory(int(argv[2]) if len(argv) > 2 else 0)
        work = _resolve(argv[1])
        failpoint.arm_from_environment(strict=False)
    except Exception as error:  # crosses to the parent, typed
        channel.send({"type": "broken", "message": clean(f"{type(error).__name__}: {error}", _MESSAGE_LIMIT)})
        traceback.print_exc()
        return 1
    channel.send({"type": "ready"})
    while True:
        _serve(channel, work, requests.get())


class _Channel:
    """The two private pipes to the parent."""

    def __init__(self, source: int, target: int) -> None:
        self._source = source
        self._target = target
        self._lock = threading.Lock()  # work may report progress from its own threads

    def send(self, message: Mapping[str, Any]) -> None:
        self.send_bytes(encode_frame(message))

    def send_bytes(self, data: bytes) -> None:
        with self._lock:
            view = memoryview(data)
            while view:
                view = view[os.write(self._target, view) :]

    def receive(self) -> Frame | None:
        """The next request; None when the parent is gone."""
        header = self._exactly(HEADER.size)
        body = self._exactly(HEADER.unpack(header)[0]) if header else b""
        return json.loads(body) if body else None

    def _exactly(self, size: int) -> bytes:
        parts = bytearray()
        while len(parts) < size:
            part = os.read(self._source, size - len(parts))
            if not part:
                return b""
            parts += part
        return bytes(parts)


class FrameTooLarge(ValueError):
    """The message is above what a frame holds."""


def encode_frame(message: Mapping[str, Any]) -> bytes:
    """A frame. Raises TypeError or ValueError when it is no plain data, FrameTooLarge above 1 MiB."""
    body = json.dumps(message, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    if len(body) > FRAME_LIMIT:
        raise FrameTooLarge(f"{len(body):,} bytes, and a frame holds {FRAME_LIMIT:,}; pass large data as a file")
    return HEADER.pack(len(body)) + body


def clean(text: str, limit: int) -> str:
    """Valid UTF-8 without control characters (line breaks and tabs stay), at most `limit` characters."""
    valid = text[:limit].encode("utf-8", "replace").decode()
    return "".join(char if char.isprintable() or char in "\n\t" else " " for char in valid)


def _serve(channel: _Channel, work: Work, request: Frame) -> None:
    number, stage = request["id"], request["stage"]
    channel.send({"type": "taken", "id": number})
    try:
        answer = work(stage, request["item"], _reporter(channel, number))
        reply = encode_frame({"type": "verdict", "id": number, "answer": _plain(stage, answer)})
    except (Exception, SystemExit) as error:  # the boundary: what was raised crosses to the parent, typed
        reply = encode_frame({"type": "error", "id": number, **_describe(stage, error)})
    channel.send_bytes(reply)


def _plain(stage: str, answer: object) -> object:
    if isinstance(answer, list):
        return [_plain(stage, one) for one in answer]
    if isinstance(answer, outcome.Outcome):
        return outcome.to_json(answer)
    raise TypeError(f"stage {stage} answered {type(answer).__name__}, which is no outcome")


def _reporter(channel: _Channel, number: int) -> Callable[[str], None]:
    last = -_PROGRESS_EVERY

    def progress(note: str = "") -> None:
        nonlocal last
        now = perf_counter()
        if now - last >= _PROGRESS_EVERY:
            last = now
            channel.send({"type": "progress", "id": number, "note": clean(str(note), _NOTE_LIMIT)})

    return progress


def _describe(stage: str, error: BaseException) -> Frame:
    """An error as data. Ours keep their class, everything unknown becomes the item's own; without memory this
    process is of no more use."""
    match error:
        case PenstockError():
            kind, code, message = _known_class(error), error.code, str(error)
        case MemoryError():
            kind, code, message = Died, "memory", f"stage {stage} needs more memory than a worker may have"
        case FrameTooLarge():
            kind, code, message = ItemError, "answer_too_large", f"stage {stage} answered {error}"
        case _:
            kind, code, message = ItemError, "bug", f"{type(error).__name__}: {error}"
    return {
        "class": kind.__name__,
        "code": clean(code, 80),
        "message": clean(message, _MESSAGE_LIMIT),
        "permanent": bool(getattr(error, "permanent", True)),
        "after": getattr(error, "after", None),
        "detail": _trace(error) if code == "bug" else "",
    }


def _known_class(error: PenstockError) -> type[BaseException]:
    """The nearest class that the parent knows too."""
    return next(kind for kind in type(error).__mro__ if kind.__module__ == errors.__name__)


def _trace(error: BaseException) -> str:
    text = "".join(traceback.format_exception(error))
    sys.stderr.write(clean(text, _TRACE_LIMIT))
    sys.stderr.flush()
    return clean(text[-_TRACE_LIMIT:], _TRACE_LIMIT)


def _private_pipes() -> tuple[int, int]:
    """Keep stdin and stdout for frames alone: what the work and its children print goes to stderr."""
    source, target = os.dup(0), os.dup(1)  # not inherited by the work's own children
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return source, target


def _read_requests(channel: _Channel, requests: queue.SimpleQueue[Frame]) -> None:
    """Runs beside the work, so that the end of the parent ends the work too."""
    try:
        while (request := channel.receive()) is not None:
            requests.put(request)
    finally:
        _end()


def _end() -> None:
    """End this process and its group at once."""
    if hasattr(os, "getpgrp") and os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(0)


def _die_with_parent() -> None:
    """On Linux, die with the parent even when native code holds the interpreter and no Python can run.

    The kernel's death signal is SIGHUP; its handler is libc's own `alarm`, called with the signal's number,
    1: so the reader has one second to end the whole group before SIGALRM ends this process alone.
    As a subreaper, the child stays the ancestor of everything that was started below it.
    """
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None)
    libc.signal.restype = ctypes.c_void_p
    libc.signal(int(signal.SIGHUP), ctypes.cast(libc.alarm, ctypes.c_void_p))
    libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGHUP), 0, 0, 0)
    libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _limit_memory(megabytes: int) -> None:
    if megabytes > 0 and sys.platform != "win32":
        import resource

        size = megabytes << 20
        resource.setrlimit(resource.RLIMIT_AS, (size, size))


def _resolve(name: str) -> Work:
    module, _, function = name.partition(":")
    found = getattr(importlib.import_module(module), function, None)
    if not callable(found):
        raise UsageError(f"{name!r} names no function; write module:function")
    work: Work = found
    return work


if __name__ == "__main__":
    sys.exit(main(sys.argv))
