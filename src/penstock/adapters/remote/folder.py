"""A folder on a server to publish files into: each is complete under its name, or it is not there.

A file is uploaded as `.….part` beside its place, compared by size and SHA-256, and only then given its name. What is
not known as ours is never written over or removed. A connection that breaks is made anew, and what it left is looked
at: an upload goes on where it stopped, and a name that was given counts as given.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import TypeVar

from penstock.adapters.folder import STRANGE, conflict
from penstock.adapters.remote.session import Session
from penstock.adapters.remote.wire import BROKEN_OFF, Declined, Entry, Lost, Progress, Wire, silent
from penstock.engine.errors import ItemError, Transient, Unavailable
from penstock.engine.failpoint import declare, failpoint

T = TypeVar("T")
LONGEST = 1024  # characters of a path

declare(
    "remote.before_upload",
    "remote.after_upload",
    "remote.before_rename",
    "remote.after_rename",
    "remote.before_remove",
    "remote.after_remove",
)


class RemoteFolder:
    """Files below the root of a session. Paths are relative, with `/` between their parts."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def where(self) -> str:
        """The server and the folder there, for people."""
        return self._session.where

    def make(self) -> None:
        """Make the folder itself. Raises Unavailable."""
        self._allowed(lambda wire: _make_folders(wire, wire.root))

    def test(self) -> None:
        """Write and remove a small file. Raises Unavailable saying what is wrong."""
        self._allowed(lambda wire: _probe(wire, wire.root))

    def look(self, path: str, only: int | None = None, progress: Progress = silent) -> str:
        """The SHA-256 of what is there; "" when nothing is, STRANGE when it is no ordinary file.

        With `only`, a file of another size is STRANGE without being read."""
        return self._allowed(lambda wire: _look(wire, _absolute(wire, path), only, progress), progress)

    def put(
        self, source: Path, path: str, sha256: str, size: int, known: Collection[str], progress: Progress = silent
    ) -> bool:
        """Make `path` hold the bytes of `source`; False when it did already.

        Raises ItemError `conflict` when something there is not `known` as ours, `unrendered` when `source` is not
        what it should be; Transient, Unavailable when the server does not take it."""
        _check(source, sha256, size)
        job = _Put(source, path, sha256, size, known, progress)
        return self._allowed(job.once, progress)

    def remove(self, path: str, known: Collection[str]) -> bool:
        """Remove what is known as ours, and folders that it leaves empty; False when nothing was there.

        Raises ItemError `conflict` when what is there is not ours."""
        tried = False

        def once(wire: Wire) -> bool:
            nonlocal tried
            place = _absolute(wire, path)
            there = _look(wire, place, None, silent)
            if there and there not in known:
                raise conflict(path)
            if there:
                failpoint("remote.before_remove", path=path)
                tried = True
                wire.delete(place)
                failpoint("remote.after_remove", path=path)
            _sweep(wire, place, known)
            _tidy(wire, place)
            return tried

        return self._allowed(once)

    def walk(self) -> Iterator[str]:
        """Every file that has its name, in order; unfinished ones are not listed."""
        return iter(self._allowed(lambda wire: sorted(_below(wire, wire.root, ""))))

    def _allowed(self, act: Callable[[Wire], T], progress: Progress = silent) -> T:
        """Do it, again after each loss of the connection. What is refused here concerns the place, not one file."""
        try:
            return self._session.steady(act, progress)
        except Declined as error:
            raise Unavailable(f"{self.where}: {error}; allow it there, then try again") from error


class _Put:
    """One file on its way, over as many connections as it takes."""

    def __init__(
        self, source: Path, path: str, sha256: str, size: int, known: Collection[str], progress: Progress
    ) -> None:
        self._source, self._path, self._sha256, self._size = source, path, sha256, size
        self._known, self._progress = known, progress
        self._naming = False  # whether we may have given the name on a connection that broke

    def once(self, wire: Wire) -> bool:
        """The whole way on one connection. Whatever happened before is found by looking."""
        place = _absolute(wire, self._path)
        only = None if self._known else self._size
        there = _look(wire, place, only, self._progress)
        if there == self._sha256:
            _sweep(wire, place, [*self._known, self._sha256])  # whoever gave it this name may have died just then
            return self._naming
        if there and there not in self._known:
            raise conflict(self._path)
        self._send(wire, place, replace=bool(there))
        return True

    def _send(self, wire: Wire, place: str, *, replace: bool) -> None:
        part = _part(place, self._sha256)
        try:
            _make_folders(wire, place.rpartition("/")[0])
            self._upload(wire, part)
            self._name(wire, part, place, replace=replace)
        except Declined as error:
            _sweep(wire, place, [self._sha256])
            raise _blame(wire, place, error) from error
        except Transient as error:
            if error.code == BROKEN_OFF and not _writable(wire, part.rpartition("/")[0]):
                raise Unavailable(f"the server cannot write ({error}); make room there, then resume") from error
            raise

    def _upload(self, wire: Wire, part: str) -> None:
        """Go on where an earlier try stopped; from the start when that does not give the right bytes."""
        failpoint("remote.before_upload", path=self._path)
        start = self._left(wire, part)
        if not (start and self._resumed(wire, part, start)):
            self._write(wire, part, 0)
            if not self._right(wire, part):
                wire.delete(part)
                raise Transient(f"{part} reads back differently from what was sent", code="io")
        failpoint("remote.after_upload", path=self._path)

    def _resumed(self, wire: Wire, part: str, start: int) -> bool:
        """Whether the rest went there; servers that do not resume get all of it again."""
        try:
            self._write(wire, part, start)
        except Lost:
            raise
        except (Declined, Transient):
            return False
        return self._right(wire, part)

    def _left(self, wire: Wire, part: str) -> int:
        """How much of it an earlier try has left there."""
        there = wire.entry(part)
        if there is None:
            return 0
        if there.kind != "file":
            raise ItemError(f"{part} is in the way of an upload; remove it", code="conflict")
        if there.size <= self._size:
            return there.size
        wire.delete(part)
        return 0

    def _write(self, wire: Wire, part: str, start: int) -> None:
        with self._source.open("rb") as stream:
            stream.seek(start)
            wire.write(part, stream, start, self._progress)

    def _right(self, wire: Wire, part: str) -> bool:
        there = wire.entry(part)
        return there == Entry("file", self._size) and wire.digest(part, self._progress) == self._sha256

    def _name(self, wire: Wire, part: str, place: str, *, replace: bool) -> None:
        """Ours is replaced; a file that appeared meanwhile is left alone."""
        failpoint("remote.before_rename", path=self._path)
        if not replace and wire.entry(place) is not None:
            wire.delete(part)
            raise Transient(f"{place} appeared meanwhile", code="appeared")
        self._naming = True
        try:
            wire.move(part, place, replace=replace)
        except Declined:
            if not replace and wire.entry(place) is not None:
                raise Transient(f"{place} appeared meanwhile", code="appeared") from None
            raise
        failpoint("remote.after_rename", path=self._path)


def _check(source: Path, sha256: str, size: int) -> None:
    """What is sent is what was rendered."""
    if not sha256:
        raise ItemError(f"{source} was not rendered; publish again", code="unrendered")
    try:
        with source.open("rb") as stream:
            read = hashlib.file_digest(stream, "sha256").hexdigest(), stream.tell()
    except FileNotFoundError as error:
        raise ItemError(f"{source} is not there (any more); publish again", code="unrendered") from error
    if read != (sha256, size):
        raise ItemError(f"{source} is not what was rendered; publish again", code="unrendered")


def _absolute(wire: Wire, path: str) -> str:
    """Where a relative path lies. A name is data: what a server could take for anything else is refused."""
    parts = PurePosixPath(path).parts
    odd = any(part in ("..", ".") or part != part.strip() or "\\" in part for part in parts)
    if not parts or path.startswith("/") or odd or not path.isprintable() or len(path) > LONGEST:
        raise ItemError(f"{path[:200]!r} is no place below {wire.root}", code="path")
    return "/".join((wire.root.rstrip("/"), *parts))


def _part(place: str, sha256: str) -> str:
    """The unfinished file's name: always the same, so that the next try finds it."""
    folder, _, name = place.rpartition("/")
    return f"{folder}/.{hashlib.sha256(name.encode()).hexdigest()[:12]}.{sha256[:12]}.part"


def _look(wire: Wire, place: str, only: int | None, progress: Progress) -> str:
    there = wire.entry(place)
    if there is None:
        return ""
    if there.kind != "file" or (only is not None and there.size != only):
        return STRANGE
    try:
        return wire.digest(place, progress)
    except Declined:
        return STRANGE  # what we may not read is nothing that we put there


def _make_folders(wire: Wire, place: str) -> None:
    """Make a folder and those above it, unless they are there. Raises Declined."""
    if wire.is_folder(place or "/"):
        return
    if not place or wire.entry(place) is not None:
        raise Declined(f"{place or '/'} is no folder that can be entered")
    _make_folders(wire, place.rpartition("/")[0])
    try:
        wire.make_folder(place)
    except Declined:
        if not wire.is_folder(place):  # another driver may have been quicker
            raise


def _probe(wire: Wire, folder: str) -> None:
    """See whether a small file can be written and removed in a folder that is there."""
    if not wire.is_folder(folder):
        raise Unavailable(f"the folder {folder} is not there on the server; make it, then try again")
    place, data = f"{folder.rstrip('/')}/.penstock-probe.part", b"may this be written?"
    wire.write(place, io.BytesIO(data), 0, silent)
    whole = wire.entry(place) == Entry("file", len(data))
    wire.delete(place)
    if not whole:
        raise Unavailable(f"{folder}: what is written there does not arrive whole")


def _writable(wire: Wire, folder: str) -> bool:
    """Whether a small file can still be written; servers that are full say "input/output error"."""
    try:
        _probe(wire, folder)
    except Lost:
        raise
    except (Declined, Transient, Unavailable):
        return False
    return True


def _blame(wire: Wire, place: str, error: Declined) -> ItemError | Unavailable:
    """Whose fault a refusal is: this file's when another name may be written beside it, else the place's."""
    folder = place.rpartition("/")[0]
    while folder not in ("", wire.root) and not wire.is_folder(folder):
        folder = folder.rpartition("/")[0]
    try:
        _probe(wire, folder or "/")
    except Declined:
        return Unavailable(f"{folder} cannot be written on the server: {error}; allow it there, then resume")
    return ItemError(f"the server takes no {place}: {error}", code="refused")


def _sweep(wire: Wire, place: str, hashes: Collection[str]) -> None:
    """Remove what broken uploads of these bytes left beside the place."""
    for sha256 in sorted(set(hashes)):
        part = _part(place, str(sha256))
        there = wire.entry(part)
        if there is not None and there.kind == "file":
            wire.delete(part)


def _tidy(wire: Wire, place: str) -> None:
    """Remove the folders above a place for as long as they are empty."""
    folder = place.rpartition("/")[0]
    with suppress(Declined):
        while folder.startswith(wire.root.rstrip("/") + "/"):
            wire.drop_folder(folder)
            folder = folder.rpartition("/")[0]


def _below(wire: Wire, folder: str, prefix: str) -> Iterator[str]:
    for name, entry in list(wire.entries(folder)):
        if entry.kind == "folder":
            yield from _below(wire, f"{folder.rstrip('/')}/{name}", f"{prefix}{name}/")
        elif not name.endswith(".part"):
            yield f"{prefix}{name}"
