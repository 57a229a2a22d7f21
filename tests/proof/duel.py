"""Two actors on two connections, one running at a time: a schedule says where one is held up.

They may be held up wherever they hold no lock: before every statement outside a transaction, before it begins, and
right after every commit. The same schedule gives the same execution."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

from django.db import connection

from penstock.engine import failpoint
from tests.proof import throwaway

PATIENCE = 30.0  # seconds of real time after which something is wrong with the schedule


class Duel:
    """Runs actor 0 up to its `holds[0]`-th point, actor 1 up to its `holds[1]`-th, then 0 to its end, then 1."""

    def __init__(self, holds: tuple[int, int]) -> None:
        self.holds = holds
        self.points = [0, 0]
        self._turn, self._over = 0, [False, False]
        self._change = threading.Condition()

    def fight(self, actors: Sequence[Callable[[], Any]]) -> list[Any]:
        """What each answered, or the error that it ended with."""
        jobs = [self._thread(n).submit(self._act, n, actor) for n, actor in enumerate(actors)]
        failpoint.arm_call("ledger.*after_commit", lambda name, context: self._point())
        try:
            return [job.result(PATIENCE * 2) for job in jobs]
        finally:
            failpoint.disarm()

    @staticmethod
    @cache
    def _thread(number: int) -> ThreadPoolExecutor:
        def own() -> None:
            throwaway.use(throwaway.home().connection())

        return ThreadPoolExecutor(1, f"actor-{number}", own)

    def _act(self, me: int, actor: Callable[[], Any]) -> Any:
        _of_thread.me = me
        self._wait(me)
        try:
            with connection.execute_wrapper(self._statement):
                return actor()
        except (Exception, failpoint.SimulatedCrash) as error:
            return error
        finally:
            with self._change:
                self._over[me] = True
                self._turn = 1 - me
                self._change.notify_all()

    def _statement(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if not connection.in_atomic_block:
            self._point()
        return execute(sql, params, many, context)

    def _point(self) -> None:
        me = getattr(_of_thread, "me", None)
        if me is None or connection.in_atomic_block:
            return
        self.points[me] += 1
        if self.points[me] == self.holds[me] and not self._over[1 - me]:
            with self._change:
                self._turn = 1 - me
                self._change.notify_all()
            self._wait(me)

    def _wait(self, me: int) -> None:
        with self._change:
            if not self._change.wait_for(lambda: self._turn == me or self._over[1 - me], PATIENCE):
                raise TimeoutError(f"actor {me} never got its turn")


_of_thread = threading.local()
