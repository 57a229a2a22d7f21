"""A disk that may lose power: after every operation, what it may hold then.

What is taken for granted is what journaling file systems such as ext4 (data=ordered) give: a sector of 512 bytes is
written whole or not at all; a file that is renamed always has one of its names; and, except in the mode `entries`,
makings, links, renames and removals of names become durable in their order, all of them with any fsync. The content of
a file is durable only by an fsync of that file, whatever its name does. In the mode `entries` not even names are:
a name is durable only by an fsync of its own folder.
"""

from __future__ import annotations

import posixpath
import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from tests.proof.trace import Op

SECTOR = 512
Mode = Literal["all", "synced", "ordered", "entries", "torn"]
MODES: tuple[Mode, ...] = ("synced", "torn", "entries", "ordered", "all")
"""all: power fails, the disk had everything · synced: only what an fsync answers for · ordered: every name, but content
only as synced · entries: as synced, and names only by an fsync of their folder · torn: names up to a chance moment, and
any sectors of what was written since the last fsync."""


@dataclass(eq=False)
class File:
    """A file's content now (`data`), as it is durable (`safe`), and the writes in between: (number, offset, bytes);
    bytes None means cut to that length."""

    data: bytearray = field(default_factory=bytearray)
    safe: bytearray = field(default_factory=bytearray)
    pending: list[tuple[int, int, bytes | None]] = field(default_factory=list)

    def write(self, number: int, at: int, data: bytes | None) -> None:
        at = len(self.data) if at < 0 else at
        self.pending.append((number, at, data))
        _put(self.data, at, data)

    def sync(self, seen: int) -> None:
        for _, at, data in [one for one in self.pending if one[0] < seen]:
            _put(self.safe, at, data)
        self.pending = [one for one in self.pending if one[0] >= seen]

    def torn(self, dice: random.Random, share: float) -> bytes:
        """The durable content, with any sectors of what came after it."""
        kept = bytearray(self.safe)
        for _, at, data in self.pending:
            if data is None:
                if dice.random() < share:
                    _put(kept, at, None)
                continue
            for start, end in _sectors(at, len(data)):
                if dice.random() < share:
                    _put(kept, start, data[start - at : end - at])
        return bytes(kept)


class Folder:
    """A folder's names as they are durable, and the changes since: (number, name, what it names or None)."""

    def __init__(self) -> None:
        self.safe: dict[str, File | Folder] = {}
        self.pending: list[_Change] = []

    def sync(self, seen: int) -> None:
        for change in [one for one in self.pending if one.number < seen]:
            change.settle()


@dataclass(eq=False)
class _Change:
    """One name that changed. `other`: the new name of what lost this one, which is durable before."""

    number: int
    folder: Folder
    name: str
    what: File | Folder | None
    other: _Change | None = None

    def settle(self) -> None:
        if self not in self.folder.pending:
            return
        if self.other is not None:
            self.other.settle()
        self.folder.pending.remove(self)
        if self.what is None:
            self.folder.safe.pop(self.name, None)
        else:
            self.folder.safe[self.name] = self.what


class Disk:
    """Begins with files that are durable; `apply` moves it on, `state` says what may be left."""

    def __init__(self, files: Mapping[str, bytes], folders: Iterable[str]) -> None:
        self.number = 0
        self.top = Folder()
        self.names: dict[str, File | Folder] = {"": self.top}
        self.safe: dict[str, File | Folder] = {}  # by path, as of the last fsync of anything
        self.since: list[tuple[int, str, File | Folder | None]] = []  # names changed after that, in order
        for path in sorted(folders):
            self._begin(path, Folder())
        for path, data in files.items():
            self._begin(path, File(bytearray(data), bytearray(data)))
        self.safe = dict(self.names)

    def _begin(self, path: str, what: File | Folder) -> None:
        self.names[path] = what
        self._folder(path).safe[posixpath.basename(path)] = what

    def _folder(self, path: str) -> Folder:
        found = self.names[posixpath.dirname(path)]
        assert isinstance(found, Folder), path
        return found

    def _file(self, path: str) -> File:
        found = self.names[path]
        assert isinstance(found, File), path
        return found

    # -- operations -----------------------------------------------------------------------------------------

    def apply(self, op: Op) -> None:
        """The next operation of the trace."""
        match op.kind:
            case "make" if op.path not in self.names:
                self._name(op.path, File())
            case "mkdir":
                self._name(op.path, Folder())
            case "write":
                self._file(op.path).write(self.number, op.at, op.data)
            case "cut" if len(self._file(op.path).data) != op.at:
                self._file(op.path).write(self.number, op.at, None)
            case "sync":
                self._sync(op)
            case "link":
                self._name(op.to, self.names[op.path])
            case "rename":
                self._rename(op.path, op.to)
            case "unlink" | "rmdir":
                self._name(op.path, None)
        self.number += 1

    def _name(self, path: str, what: File | Folder | None, other: _Change | None = None) -> _Change:
        folder = self._folder(path)
        change = _Change(self.number, folder, posixpath.basename(path), what, other)
        folder.pending.append(change)
        self.since.append((self.number, path, what))
        if what is None:
            del self.names[path]
        else:
            self.names[path] = what
        return change

    def _rename(self, old: str, new: str) -> None:
        what = self.names[old]
        if isinstance(what, Folder):  # its content goes with it, under other paths
            inside = [path for path in self.names if path.startswith(old + "/")]
            assert not inside, f"{old} is renamed with what is in it"
        self._name(old, None, self._name(new, what))

    def _sync(self, op: Op) -> None:
        self.names[op.path].sync(op.seen)
        for number, path, what in self.since:
            if number < op.seen:
                _change(self.safe, path, what)
        self.since = [one for one in self.since if one[0] >= op.seen]

    # -- what may be left -----------------------------------------------------------------------------------

    def state(
        self, mode: Mode, dice: random.Random, elsewhere: tuple[str, ...] = ()
    ) -> tuple[dict[str, bytes], list[str]]:
        """Files with their content, and folders, outermost first. What lies below `elsewhere` is on another machine,
        which has power and keeps everything."""
        share = dice.choice((0.1, 0.5, 0.9))
        names, remote = self._names(mode, dice), {}
        if elsewhere:
            remote = {path: what for path, what in self.names.items() if path.startswith(elsewhere)}
            names = {path: what for path, what in names.items() if not path.startswith(elsewhere)} | remote
        folders = sorted(path for path, what in names.items() if isinstance(what, Folder) and path)
        contents: dict[int, bytes] = {}  # one file may have two names
        files = {}
        for path, what in sorted(names.items()):
            if isinstance(what, File):
                if id(what) not in contents:
                    contents[id(what)] = self._content(what, "all" if path in remote else mode, dice, share)
                files[path] = contents[id(what)]
        return files, folders

    def _content(self, file: File, mode: Mode, dice: random.Random, share: float) -> bytes:
        if mode == "all" or not file.pending:
            return bytes(file.data)
        return file.torn(dice, share) if mode == "torn" else bytes(file.safe)

    def _names(self, mode: Mode, dice: random.Random) -> dict[str, File | Folder]:
        if mode in ("all", "ordered"):
            return self.names
        if mode == "entries":
            return dict(_walk(self.top, ""))
        names = dict(self.safe)
        for _, path, what in self.since[: dice.randint(0, len(self.since))] if mode == "torn" else ():
            _change(names, path, what)
        return names


def _walk(folder: Folder, path: str) -> Iterator[tuple[str, File | Folder]]:
    for name, what in folder.safe.items():
        place = posixpath.join(path, name)
        yield place, what
        if isinstance(what, Folder):
            yield from _walk(what, place)


def _change(names: dict[str, File | Folder], path: str, what: File | Folder | None) -> None:
    if what is None:
        names.pop(path, None)
    else:
        names[path] = what


def _put(content: bytearray, at: int, data: bytes | None) -> None:
    if data is None:
        del content[at:]
        content.extend(bytes(at - len(content)))
        return
    content.extend(bytes(max(0, at - len(content))))
    content[at : at + len(data)] = data


def _sectors(at: int, size: int) -> Iterator[tuple[int, int]]:
    """The parts of a write that lie in one sector each."""
    start, end = at, at + size
    while start < end:
        stop = min(end, (start // SECTOR + 1) * SECTOR)
        yield start, stop
        start = stop
