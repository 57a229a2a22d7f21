"""A folder on this machine to publish files into: each is complete under its name, or it is not there.

Nothing that is not known as ours is ever written over or removed. A file is written as `.name.….part` beside its
place, read back, made durable and only then given its name.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from penstock.adapters.files import sha256_of
from penstock.adapters.folders import make_folder, sync_folder
from penstock.engine.errors import ItemError, PenstockError, Transient, Unavailable
from penstock.engine.failpoint import declare, failpoint

CHUNK = 1 << 20
STRANGE = "not an ordinary file"  # what `look` answers for a link or a folder: never ours
_MAKE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
_MOMENT = {errno.EINTR, errno.EAGAIN, errno.EBUSY, errno.EIO, errno.ENOENT, errno.ESTALE}

declare(
    "folder.before_fsync",
    "folder.after_fsync",
    "folder.before_rename",
    "publish.after_file",
    "folder.before_remove",
    "folder.after_remove",
)


class Folder:
    """Files below `root`. Paths are relative, with `/` between their parts."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def make(self) -> None:
        """Make the folder itself. Raises Unavailable."""
        with self._reachable():
            make_folder(self.root)

    def test(self) -> None:
        """Write and remove a small file. Raises Unavailable saying what is wrong."""
        self._there()
        probe = self.root / f".penstock.{os.getpid()}.part"
        with self._reachable():
            probe.write_bytes(b"may this be written?")
            probe.unlink()

    @property
    def where(self) -> str:
        """The folder, for people."""
        return str(self.root)

    def look(self, path: str, only: int | None = None, _progress: Callable[[str], None] | None = None) -> str:
        """The SHA-256 of what is there; "" when nothing is, STRANGE when it is no ordinary file.

        With `only`, a file of another size is STRANGE without being read."""
        self._there()
        place = self._place(path)
        if not os.path.lexists(place):
            return ""
        if place.is_symlink() or not place.is_file() or (only is not None and place.stat().st_size != only):
            return STRANGE
        return sha256_of(place)

    def put(
        self, source: Path, path: str, sha256: str, size: int, known: Collection[str],
        _progress: Callable[[str], None] | None = None,
    ) -> bool:  # fmt: skip
        """Make `path` hold the bytes of `source`; False when it does already.

        Raises ItemError `conflict` when something there is not `known` as ours, `unrendered` when `source` is not
        what it should be; Transient, Unavailable when the disk refuses.
        """
        if not sha256:
            raise ItemError(f"{source} was not rendered; publish again", code="unrendered")
        there = self.look(path)
        if there == sha256:
            with self._reachable():
                _clear(self._place(path))  # whoever gave it this name may have died before it was done
            sync_folder(self._place(path).parent)  # whoever put it there may have died just then
            return False
        if there and there not in known:
            raise conflict(self._place(path))
        with self._reachable():
            place = self._place(path)
            self._make_parent(place)
            part = _written(source, place, sha256, size)
            _give_name(part, place, path, replace=bool(there))
            sync_folder(place.parent)
        return True

    def remove(self, path: str, known: Collection[str]) -> bool:
        """Remove what is known as ours, and folders that it leaves empty; False when nothing is there.

        Raises ItemError `conflict` when what is there is not ours."""
        there = self.look(path)
        if not there:
            return False
        if there not in known:
            raise conflict(self._place(path))
        with self._reachable():
            place = self._place(path)
            failpoint("folder.before_remove", path=path)
            place.unlink()
            failpoint("folder.after_remove", path=path)
            self._tidy(place.parent)
        return True

    def walk(self) -> Iterator[str]:
        """Every file that has its name, in order; unfinished ones are not listed."""
        self._there()
        for folder, folders, names in os.walk(self.root):
            folders.sort()
            for name in sorted(names):
                if not name.endswith(".part"):
                    yield (Path(folder) / name).relative_to(self.root).as_posix()

    def _there(self) -> None:
        if not self.root.is_dir():
            raise Unavailable(f"the folder {self.root} is not there; mount or make it, then try again")

    def _place(self, path: str) -> Path:
        """Where a relative path lies. Raises ItemError for one that would leave the folder."""
        parts = PurePosixPath(path).parts
        if (
            not parts
            or path.startswith("/")
            or any(part in ("..", ".") or "\\" in part or "\0" in part for part in parts)
        ):
            raise ItemError(f"{path!r} is no place below {self.root}", code="path")
        place = self.root.joinpath(*parts)
        if not place.parent.resolve().is_relative_to(self.root.resolve()):
            raise ItemError(f"{place} leads out of {self.root} through a link", code="path")
        return place

    def _make_parent(self, place: Path) -> None:
        make_folder(place.parent)
        _clear(place)

    def _tidy(self, folder: Path) -> None:
        sync_folder(folder)
        while folder != self.root and folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
            folder = folder.parent

    @contextmanager
    def _reachable(self) -> Iterator[None]:
        """Say whose fault an error is: the moment's, or the place's, which concerns the whole run."""
        try:
            yield
        except PenstockError:
            raise
        except OSError as error:
            if error.errno in _MOMENT:
                raise Transient(f"cannot write below {self.root}: {error.strerror}", code="io") from error
            raise Unavailable(
                f"cannot write below {self.root}: {error.strerror}; make room or allow it, then resume"
            ) from error


def _clear(place: Path) -> None:
    for leftover in place.parent.glob(f".{_literal(place.name)}.*.part"):
        with suppress(FileNotFoundError):  # its writer may be finishing: it will try again
            leftover.unlink()


def conflict(place: object) -> ItemError:
    """What is there is somebody else's."""
    return ItemError(f"{place} holds something that we did not put there; it is left alone", code="conflict")


def _written(source: Path, place: Path, sha256: str, size: int) -> Path:
    part = place.with_name(f".{place.name}.{sha256[:8]}.{os.getpid()}.part")
    try:
        copied = _copied(source, part)
    except FileNotFoundError as error:
        raise ItemError(f"{source} is not there (any more); publish again", code="unrendered") from error
    if copied != (sha256, size):
        part.unlink()
        raise ItemError(f"{source} is not what was rendered; publish again", code="unrendered")
    if sha256_of(part) != sha256:
        part.unlink()
        raise Transient(f"{part} reads back differently from what was written", code="io")
    return part


def _copied(source: Path, part: Path) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    with source.open("rb") as stream, os.fdopen(os.open(part, _MAKE, 0o644), "wb") as out:
        while piece := stream.read(CHUNK):
            digest.update(piece)
            size += out.write(piece)
        out.flush()
        failpoint("folder.before_fsync", path=str(part))
        os.fsync(out.fileno())
        failpoint("folder.after_fsync", path=str(part))
    return digest.hexdigest(), size


def _give_name(part: Path, place: Path, path: str, *, replace: bool) -> None:
    """Ours is replaced; otherwise a file that appeared meanwhile is left alone, where the disk can link."""
    failpoint("folder.before_rename", path=path)
    try:
        if replace:
            os.replace(part, place)
        else:
            os.link(part, place)
    except FileExistsError as error:
        part.unlink()
        raise Transient(f"{place} appeared meanwhile", code="appeared") from error
    except OSError:
        os.replace(part, place)
    failpoint("publish.after_file", path=path)
    part.unlink(missing_ok=True)  # the second name of a link


def _literal(name: str) -> str:
    return "".join(f"[{char}]" if char in "*?[" else char for char in name)
