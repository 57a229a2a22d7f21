"""Sessions with servers, kept open from one item to the next and made anew when they break."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable
from typing import TypeVar

from penstock.adapters.remote.wire import Lost, Progress, Unreached, Wire, silent
from penstock.engine.clock import Clock, SystemClock
from penstock.engine.errors import Unavailable

T = TypeVar("T")
WAITS = (0.2, 1.0, 3.0)  # seconds before each further try after a loss
STALE = 10.0  # seconds without a word after which a session is asked whether it lives

_kept = threading.local()


class Session:
    """One server as one user, for this thread. `connect` makes the wire; `where` names it for people."""

    def __init__(
        self,
        where: str,
        connect: Callable[[], Wire],
        *,
        clock: Clock | None = None,
        wait: Callable[[float], object] | None = None,
    ) -> None:
        self.where = where
        self._connect = connect
        self._clock = clock or SystemClock()
        self._wait = wait or threading.Event().wait
        self._wire: Wire | None = None
        self._used = 0.0
        self._lived = False

    def steady(self, act: Callable[[Wire], T], progress: Progress = silent) -> T:
        """Do something on the wire, again on a new one after each loss.

        Raises Unavailable when it stays lost, and at once when nobody ever answered."""
        for wait in (*WAITS, None):
            progress("asking")  # a server that says nothing is lost again and again; whoever asks it is not idle
            try:
                return self._once(act)
            except Lost as error:
                self.close()
                if wait is None or (isinstance(error, Unreached) and not self._lived):
                    raise Unavailable(f"{self.where}: {error}") from error
                self._wait(wait)
        raise AssertionError("the last try returns or raises")

    def close(self) -> None:
        """End the session."""
        if self._wire is not None:
            self._wire.close()
            self._wire = None

    def _once(self, act: Callable[[Wire], T]) -> T:
        wire = self._living()
        try:
            return act(wire)
        finally:
            self._used = self._clock.monotonic()

    def _living(self) -> Wire:
        if self._wire is not None and self._clock.monotonic() - self._used > STALE:
            try:
                self._wire.ping()
            except Lost:
                self.close()  # servers end idle sessions; that is no loss of anything
        if self._wire is None:
            self._wire = self._connect()
            self._lived = True
        return self._wire


def kept(key: str, make: Callable[[], Session]) -> Session:
    """This thread's session for a key, made when there is none."""
    sessions: dict[str, Session] = _kept.__dict__.setdefault("sessions", {})
    if key not in sessions:
        sessions[key] = make()
    return sessions[key]


def close_all() -> None:
    """End this thread's sessions."""
    for session in _kept.__dict__.pop("sessions", {}).values():
        session.close()


atexit.register(close_all)
