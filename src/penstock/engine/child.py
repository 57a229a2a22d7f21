"""Supervised work, the parent's side: one child process per slot, started, limited, ended, replaced."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from typing import Any

from penstock.engine import errors, outcome
from penstock.engine.child_main import Frame, clean, encode_frame
from penstock.engine.child_process import ChildProcess
from penstock.engine.clock import Clock
from penstock.engine.errors import Blocking, Died, ItemError, PenstockError, Transient, Unavailable
from penstock.engine.exits import describe_exit, is_native_crash
from penstock.engine.failpoint import declare, failpoint
from penstock.engine.outcome import Outcome
from penstock.engine.pipeline import Item, Limits, Progress

__all__ = ["Child", "describe_exit", "is_native_crash"]

declare("child.start", "child.ready", "child.sent", "child.answered", "child.before_end", "child.after_end")

_LOOK = 5.0  # seconds between two looks at the limits
_NAP = 2.0  # a look that is later than this means that the machine slept: that time is nobody's
_SECRET_NAME = re.compile(r"SECRET|TOKEN|PASSWORD|PASSWD|CREDENTIAL|(^|_)KEYS?($|_)", re.IGNORECASE)
_SECRET_VALUE = re.compile(r"://[^/\s@]*:[^/\s@]+@")
_ONE_THREAD = dict.fromkeys(  # a child is one slot: more threads only fight with the other slots
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1"
)
_REBUILT: dict[str, type[PenstockError]] = {
    name: kind
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, PenstockError) and kind not in (Died, errors.LeaseLost)
}


class Child:
    """One slot for work that is native or heavy: a process that answers one call at a time and is used again.

    `work` is "module:function", called there as function(stage, item, progress). The process imports from the
    same places as this one; `env` is added to this one's environment, less all that looks like a secret.
    """

    def __init__(
        self,
        work: str,
        limits: Limits,
        clock: Clock,
        env: Mapping[str, str] | None = None,
        python: str = sys.executable,
    ) -> None:
        self.work = work
        self.limits = limits
        self._clock = clock
        self._env = dict(env or {})
        self._python = python
        self._process: ChildProcess | None = None
        self._calls = 0
        self._busy = False
        self._starting = asyncio.Lock()

    @property
    def pid(self) -> int | None:
        """The process number while there is a process."""
        return self._process.pid if self._process is not None and self._process.running else None

    @property
    def alive(self) -> bool:
        """Whether there is a process: starting, ready or at work."""
        return self.pid is not None

    async def start(self) -> None:
        """Start the process and wait until it is ready; nothing when there is one.

        Raises Died (cause start or memory), Blocking when the work cannot be imported or there is no such
        interpreter, Unavailable when the machine has no room for another process.
        """
        async with self._starting:
            if not self.alive:
                await self.kill()
                await self._boot()

    async def call(self, stage: str, item: Item, progress: Progress | None = None) -> Outcome:
        """Let the child work on `item`; `progress` hears its notes.

        Raises what the work raised (ItemError with code bug for what was not ours), what `start` raises, Died when
        the process died, ran out of memory or passed a limit (cause aborted when `kill` was called meanwhile:
        nobody's fault), and ItemError when the item cannot be sent or is above 1 MiB.
        Cancelling the call ends the process. After a death the next call starts a fresh process.
        """
        return outcome.from_json(await self._ask(stage, item, progress))

    async def call_batch(self, stage: str, items: Sequence[Item], progress: Progress | None = None) -> list[Outcome]:
        """As `call`, for work that takes a list of items and answers a list with one outcome for each."""
        answers = await self._ask(stage, list(items), progress)
        if not isinstance(answers, list) or len(answers) != len(items):
            raise ItemError(f"stage {stage} did not answer one outcome for each of {len(items)} items", code="bug")
        return [outcome.from_json(answer) for answer in answers]

    async def kill(self) -> None:
        """End the process and everything below it at once, and wait until it is gone."""
        if self._process is not None:
            self._process.aborted = True
            await self._drop(self._process)

    async def _ask(self, stage: str, item: object, progress: Progress | None) -> Any:
        if self._busy:
            raise PenstockError(f"the worker {self.work} is at work; a slot takes one call at a time")
        self._busy = True
        self._calls += 1
        try:
            data = _request(self._calls, stage, item)
            try:
                frame = await self._exchange(data, progress)
            except _NeverTaken:  # it had died between two calls: not this item's death
                frame = await self._exchange(data, progress)
        finally:
            self._busy = False
        if frame["type"] == "verdict":
            return frame["answer"]
        if frame.get("class") == Died.__name__:
            await self.kill()  # what it still holds is not known; the next item gets a fresh one
            raise self._death(None, "memory")
        raise _rebuild(frame)

    async def _exchange(self, data: bytes, progress: Progress | None) -> Frame:
        await self.start()
        process = self._process
        if process is None:
            raise self._death(None, "aborted")
        try:
            process.ask(self._calls, data, progress)
            failpoint("child.sent", work=self.work)
            frame = await self._reply(process, "work")
            failpoint("child.answered", work=self.work)
        except BaseException:  # also a cancelled call: what nobody waits for must not go on
            await self._drop(process)
            raise
        return frame

    async def _boot(self) -> None:
        process = self._process = ChildProcess(self._clock)
        try:
            await self._launch(process)
            frame = await self._reply(process, "start")
            if frame["type"] != "ready":
                why = frame.get("message", "it did not say that it is ready")
                raise Blocking(f"the worker {self.work} cannot start: {why}", code="broken_worker")
            failpoint("child.ready", work=self.work)
        except BaseException:
            await self._drop(process)
            raise

    async def _launch(self, process: ChildProcess) -> None:
        command = [self._python, "-P", "-m", "penstock.engine.child_main", self.work]
        try:
            failpoint("child.start", work=self.work)
            await process.launch([*command, str(self.limits.memory_mb)], self._environment())
        except (FileNotFoundError, PermissionError) as error:
            raise Blocking(f"the worker {self.work} cannot start: {error}", code="broken_worker") from error
        except OSError as error:
            raise Unavailable(f"no process can be started for {self.work}: {error}", code="no_process") from error

    def _environment(self) -> dict[str, str]:
        return {
            **_ONE_THREAD,
            **{name: value for name, value in os.environ.items() if not _secret(name, value)},
            **({"PYTHONPATH": os.pathsep.join(_import_paths())} if self._python == sys.executable else {}),
            **self._env,
        }

    async def _reply(self, process: ChildProcess, phase: str) -> Frame:
        """The next answer. Raises the death that came instead of it."""
        watch = asyncio.ensure_future(self._watch(process, phase))
        try:
            first: set[asyncio.Future[Any]] = {process.reply, watch}
            await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
            if not process.reply.done():
                raise await self._post_mortem(process, watch.result())
            frame = process.reply.result()
            if frame is None:
                await process.status()
                raise await self._post_mortem(process, "start" if phase == "start" else "crashed")
            return frame
        finally:
            watch.cancel()

    async def _watch(self, process: ChildProcess, phase: str) -> str:
        """Return the name of the limit that was passed. Only time in which this machine was awake counts."""
        began = process.heard
        while True:
            now = self._clock.monotonic()
            left, cause = self._nearest(process, phase, began, now)
            if left <= 0.0:
                return cause
            step = min(left, _LOOK)
            await self._clock.sleep(step)
            slept = self._clock.monotonic() - now - step
            if slept > _NAP:
                began += slept
                process.heard = max(process.heard, min(process.heard + slept, self._clock.monotonic()))

    def _nearest(self, process: ChildProcess, phase: str, began: float, now: float) -> tuple[float, str]:
        if phase == "start":
            return began + self.limits.start - now, "start"
        return min((began + self.limits.hard - now, "hard"), (process.heard + self.limits.idle - now, "idle"))

    async def _post_mortem(self, process: ChildProcess, cause: str) -> Died:
        """End what is left, and say how it came to it."""
        await process.end()
        if process.aborted:
            cause = "aborted"
        elif process.out_of_memory():
            cause = "memory"
        if cause == "crashed" and not process.taken:
            return self._death(process, cause, _NeverTaken)
        return self._death(process, cause)

    def _death(self, process: ChildProcess | None, cause: str, kind: type[Died] = Died) -> Died:
        limits = self.limits
        what = {
            "crashed": "died while it worked",
            "memory": "ran out of memory" + (f" ({limits.memory_mb} MB allowed)" if limits.memory_mb else ""),
            "idle": f"showed no progress for {limits.idle:g} s and was ended",
            "hard": f"took more than {limits.hard:g} s for one item and was ended",
            "start": f"was not ready within {limits.start:g} s and was ended",
            "aborted": "was ended on request",
        }[cause]
        if process is None:
            return kind(f"the worker {self.work} {what}", cause=cause)
        if cause == "start" and process.died_alone:
            what = "died before it was ready"
        how = describe_exit(process.code)
        detail = f"{how}\n{clean(process.tail.decode('utf-8', 'replace'), len(process.tail))}".strip()
        return kind(f"the worker {self.work} {what}: {how}", cause=cause, detail=detail)

    async def _drop(self, process: ChildProcess) -> None:
        if self._process is process:
            self._process = None
        try:
            failpoint("child.before_end", work=self.work)
        finally:
            await process.end()
        failpoint("child.after_end", work=self.work)


def _import_paths() -> list[str]:
    """Where this process imports from, without what every interpreter finds by itself."""
    own = tuple(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib"))
    return [path for path in sys.path if path and not path.startswith(own) and not path.endswith(".zip")]


class _NeverTaken(Died):
    """The process died before it began with what it was asked."""


def _request(number: int, stage: str, item: object) -> bytes:
    try:
        return encode_frame({"type": "work", "id": number, "stage": stage, "item": item})
    except (TypeError, ValueError, RecursionError) as error:
        raise ItemError(f"the item cannot be sent to stage {stage}: {error}", code="unsendable") from error


def _rebuild(frame: Frame) -> PenstockError:
    """The error that the work raised, of the same class."""
    kind = _REBUILT.get(frame.get("class", ""), ItemError)
    error = kind(frame.get("message", ""), code=frame.get("code"))
    error.permanent = bool(frame.get("permanent", True))
    if isinstance(error, Transient):
        error.after = frame.get("after")
    if frame.get("detail"):
        error.add_note(frame["detail"])
    return error


def _secret(name: str, value: str) -> bool:
    return bool(_SECRET_NAME.search(name) or _SECRET_VALUE.search(value))
