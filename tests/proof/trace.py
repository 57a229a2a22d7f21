"""What strace saw of a run, as a list of operations on files below one folder, in the order in which they ended."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

CALLS = (
    "openat,creat,pwrite64,write,writev,pwritev,pwritev2,sendfile,copy_file_range,splice,fsync,fdatasync,"
    "sync_file_range,ftruncate,truncate,fallocate,unlink,unlinkat,rename,renameat,renameat2,link,linkat,symlink,"
    "symlinkat,mkdir,mkdirat,rmdir"
)
WRITES = {"write", "pwrite64", "writev", "pwritev", "pwritev2"}
Kind = Literal["make", "write", "cut", "sync", "link", "rename", "unlink", "mkdir", "rmdir"]
STOPS = {"write", "cut", "sync", "link", "rename", "unlink", "mkdir", "rmdir"}  # where power may fail; all but an open
_WHOLE = re.compile(r"(\d+) +(\w+)\((.*)\) += (-?\d+|\?)(.*)")
_BEGUN = re.compile(r"(\d+) +(\w+)\((.*) <unfinished \.\.\.>")
_RESUMED = re.compile(r"(\d+) +<\.\.\. \w+ resumed>(.*)")
_HANDLE = re.compile(r"(?:AT_FDCWD|-?\d+)<([^>]*)>(\(deleted\))?")
_TEXT = re.compile(r'"([^"]*)"(\.\.\.)?')


@dataclass(frozen=True, slots=True)
class Op:
    """One change. Paths are relative to the folder. `at` is a write's offset, -1 for the end of the file.

    `seen` is how many operations had ended when this one began: what an fsync answers for."""

    kind: Kind
    path: str
    to: str = ""
    at: int = 0
    data: bytes = b""
    seen: int = 0


class Strange(Exception):
    """The trace holds something that this reader does not understand, so that its states would be wrong."""


def read(lines: Iterable[str], root: str) -> list[Op]:
    """Every operation below `root`. Raises Strange."""
    reader, below = _Reader(root.rstrip("/") + "/"), "".join(f"\\x{byte:02x}" for byte in root.rstrip("/").encode())
    about = (line for line in lines if below in line or " resumed>" in line)
    for call in _joined(about, reader.ops):
        reader.take(*call)
    return reader.ops


def _joined(lines: Iterable[str], ops: list[Op]) -> Iterator[tuple[str, str, int, str, int]]:
    """(name, arguments, result, what follows it, operations before it began) of every call that succeeded."""
    begun: dict[str, tuple[str, str, int]] = {}
    for line in lines:
        if found := _BEGUN.match(line):
            begun[found[1]] = (found[2], found[3], len(ops))
            continue
        seen = len(ops)
        if (found := _RESUMED.match(line)) and found[1] in begun:
            name, head, seen = begun.pop(found[1])
            line = f"{found[1]} {name}({head}{found[2]}"
        if (found := _WHOLE.match(line)) and found[4] not in ("-1", "?"):
            yield found[2], found[3], int(found[4]), found[5], seen


class _Reader:
    def __init__(self, root: str) -> None:
        self.root, self.ops = root, list[Op]()
        self._names: set[str] = set()  # files made since the trace began
        self._places: dict[str, int] = {}  # where a file is written next by write(); absent = at its end
        self._flags: dict[str, str] = {}

    def take(self, name: str, arguments: str, result: int, tail: str, seen: int) -> None:
        before_data = arguments.partition('"')[0] if name in WRITES else arguments
        handles = [(_plain(text), bool(gone)) for text, gone in _HANDLE.findall(before_data)]
        texts = [_bytes(text) for text, _ in _TEXT.findall(arguments)]
        if not any((path + "/").startswith(self.root) for path in self._paths(name, handles, texts, tail)):
            return
        if any(dots for _, dots in _TEXT.findall(arguments)):
            raise Strange(f"{name}: its data was cut off; record with a larger -s")
        act = getattr(self, f"_{name}", None)
        if act is None:
            raise Strange(f"{name} below {self.root} is not understood: {arguments[:200]}")
        act(handles, texts, arguments, result, tail, seen)

    def _paths(self, name: str, handles: list[tuple[str, bool]], texts: list[bytes], tail: str) -> list[str]:
        if name in WRITES:
            return [path for path, _ in handles]
        whole = [posixpath.join(handles[0][0] if handles else "/", text.decode()) for text in texts[:2]]
        return [path for path, _ in handles] + whole + [_plain(text) for text, _ in _HANDLE.findall(tail)]

    def _add(self, kind: Kind, path: str, seen: int, **more: object) -> None:
        self.ops.append(Op(kind, self._below(path), seen=seen, **more))  # type: ignore[arg-type]

    def _below(self, path: str) -> str:
        path = posixpath.normpath(path)
        if not (path + "/").startswith(self.root):
            raise Strange(f"{path} lies outside {self.root}")
        return path[len(self.root) :]

    # -- calls ----------------------------------------------------------------------------------------------

    def _openat(self, handles: list, texts: list, arguments: str, result: int, tail: str, seen: int) -> None:
        path, flags = _plain(_HANDLE.findall(f"{result}{tail}")[0][0]), arguments.rpartition('", ')[2]
        if "O_RDONLY" in flags and "O_CREAT" not in flags:
            return
        self._places[path] = 0
        self._flags[path] = flags
        if "O_APPEND" in flags:
            del self._places[path]
        if "O_CREAT" in flags:
            self._add("make", path, seen)
        if "O_TRUNC" in flags:
            self._add("cut", path, seen, at=0)

    def _write(self, handles: list, texts: list, arguments: str, result: int, tail: str, seen: int) -> None:
        (path, gone), data = handles[0], texts[0][:result]
        if gone:
            return
        at = self._places.get(path, -1)
        if at >= 0:
            self._places[path] = at + len(data)
        self._add("write", path, seen, at=at, data=data)

    def _pwrite64(self, handles: list, texts: list, arguments: str, result: int, tail: str, seen: int) -> None:
        (path, gone), data = handles[0], texts[0][:result]
        if not gone:
            self._add("write", path, seen, at=int(arguments.rpartition(", ")[2]), data=data)

    def _ftruncate(self, handles: list, texts: list, arguments: str, result: int, tail: str, seen: int) -> None:
        path, gone = handles[0]
        if not gone:
            self._add("cut", path, seen, at=int(arguments.rpartition(", ")[2]))

    def _fsync(self, handles: list, texts: list, arguments: str, result: int, tail: str, seen: int) -> None:
        path, gone = handles[0]
        if not gone:
            self._add("sync", path, seen)

    _fdatasync = _fsync

    def _two(self, kind: Kind, handles: list, texts: list, seen: int) -> None:
        base = [path for path, _ in handles] or ["/", "/"]
        old, new = (posixpath.join(b, t.decode()) for b, t in zip((base[0], base[-1]), texts, strict=True))
        inside = [(posixpath.normpath(p) + "/").startswith(self.root) for p in (old, new)]
        if not all(inside):
            raise Strange(f"{kind} across {self.root}: {old} to {new}")
        self._add(kind, old, seen, to=self._below(new))

    def _rename(self, handles: list, texts: list, arguments: str, result: int, tail: str, seen: int) -> None:
        self._two("rename", handles, texts, seen)

    _renameat = _renameat2 = _rename

    def _link(self, handles: list, texts: list, arguments: str, result: int, tail: str, seen: int) -> None:
        self._two("link", handles, texts, seen)

    _linkat = _link

    def _one(self, kind: Kind, handles: list, texts: list, seen: int) -> None:
        base = handles[0][0] if handles else "/"
        self._add(kind, posixpath.join(base, texts[0].decode()), seen)

    def _unlink(self, handles: list, texts: list, arguments: str, result: int, tail: str, seen: int) -> None:
        self._one("unlink", handles, texts, seen)

    def _unlinkat(self, handles: list, texts: list, arguments: str, result: int, tail: str, seen: int) -> None:
        self._one("rmdir" if "AT_REMOVEDIR" in arguments else "unlink", handles, texts, seen)

    def _mkdir(self, handles: list, texts: list, arguments: str, result: int, tail: str, seen: int) -> None:
        self._one("mkdir", handles, texts, seen)

    _mkdirat = _mkdir

    def _rmdir(self, handles: list, texts: list, arguments: str, result: int, tail: str, seen: int) -> None:
        self._one("rmdir", handles, texts, seen)


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))


def _plain(text: str) -> str:
    return _bytes(text).decode() if text.startswith("\\x") else text
