"""Who looks at which row now: a courtesy between people, kept in memory. The revision is what protects a row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import Any

from penstock.engine.clock import Clock, SystemClock

PATIENCE = 30.0  # seconds without a pulse after which a window is gone


@dataclass
class Place:
    """Where a window is, since when, and when it was last heard."""

    who: str
    item: int
    since: float
    heard: float


class Presence:
    """The windows that are open on the sites of this server. Whoever came to a row first holds it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()
        self._places: dict[tuple[int, str], Place] = {}

    def look(self, site: int, sitting: str, who: str, item: int, *, take_over: bool = False) -> None:
        """The window is at this row; with `take_over` it comes before all others there."""
        now = self._clock.monotonic()
        with self._lock:
            self._forget(now)
            mine = self._places.get((site, sitting))
            since = mine.since if mine and mine.item == item else now
            if take_over:
                since = min([now, *(one.since for _, one in self._at(site) if one.item == item)]) - 1.0
            self._places[site, sitting] = Place(who, item, since, now)

    def leave(self, site: int, sitting: str) -> None:
        """The window is closed."""
        with self._lock:
            self._places.pop((site, sitting), None)

    def others(self, site: int, sitting: str) -> list[dict[str, Any]]:
        """(item, who, first) of the other windows; `first`: they came before this one, if it is there too."""
        with self._lock:
            self._forget(self._clock.monotonic())
            mine = self._places.get((site, sitting))
            found = [one for key, one in self._at(site) if key != sitting]
        return [{"item": one.item, "who": one.who, "first": mine is None or one.since <= mine.since} for one in found]

    def _at(self, site: int) -> Iterator[tuple[str, Place]]:
        return ((key[1], one) for key, one in self._places.items() if key[0] == site)

    def _forget(self, now: float) -> None:
        gone = [key for key, one in self._places.items() if now - one.heard > PATIENCE]
        for key in gone:
            del self._places[key]


@cache
def keeper() -> Presence:
    """The one of this process."""
    return Presence(SystemClock())
