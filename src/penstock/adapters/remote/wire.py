"""What every kind of server answers, and what can go wrong with one. A wire is one session, for one thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Literal, Protocol

from penstock.engine.errors import PenstockError, Transient

Progress = Callable[[str], None]
CHUNK = 1 << 16
BROKEN_OFF = "broken_off"  # code of a Transient: the server broke off what it had begun, and lives
TOLD = 1 << 20  # bytes between two words of progress


def silent(_word: str) -> None:
    """Nobody listens to progress."""


class Lost(Transient):
    """The connection broke before the reply: what was asked may have happened, or not."""

    code = "lost"


class Unreached(Lost):
    """Nobody answers there."""


class Declined(PenstockError):
    """The server understood, and said no to this one request."""

    code = "declined"


@dataclass(frozen=True)
class Entry:
    """What stands under a name. `size` counts for files only."""

    kind: Literal["file", "folder", "other"]
    size: int = 0


class Wire(Protocol):
    """A session with a server. Paths are absolute. All raise Lost, Declined, Transient or Unavailable."""

    root: str

    def ping(self) -> None:
        """Return when the session still lives."""

    def close(self) -> None:
        """End the session; never raises."""

    def entry(self, path: str) -> Entry | None:
        """What stands there; None when nothing does."""

    def is_folder(self, path: str) -> bool:
        """Whether a folder stands there, or a link to one."""

    def entries(self, path: str) -> Iterator[tuple[str, Entry]]:
        """Names in a folder and what stands under them."""

    def digest(self, path: str, progress: Progress) -> str:
        """The SHA-256 of a file, computed by the server where it can, else by reading all of it."""

    def write(self, path: str, stream: BinaryIO, start: int, progress: Progress) -> None:
        """Make the file hold `stream`, of which it holds `start` bytes already; `stream` stands there."""

    def move(self, old: str, new: str, *, replace: bool) -> None:
        """Give a file its name. Without `replace` something that is there stays, where the server can see to it."""

    def delete(self, path: str) -> None:
        """Remove a file."""

    def make_folder(self, path: str) -> None:
        """Make one folder; Declined when it is there already."""

    def drop_folder(self, path: str) -> None:
        """Remove an empty folder; Declined when it is not empty."""


class Steps:
    """Tells progress now and then: at every megabyte."""

    def __init__(self, progress: Progress, word: str, done: int = 0) -> None:
        self._progress, self._word, self._done, self._told = progress, word, done, done

    def __call__(self, piece: bytes) -> None:
        self._done += len(piece)
        if self._done - self._told >= TOLD:
            self._told = self._done
            self._progress(f"{self._word} {self._done} bytes")
