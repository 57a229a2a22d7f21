"""Files that are copied, moved and put back without ever losing bytes or writing over another file.

Everything is written under a name that ends in `.part`, made durable (fsync) and only then given its name.
A symbolic link given as a source is followed once, on purpose; what it names must be a regular file.
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypedDict

from penstock.adapters.folders import make_folder, sync_folder
from penstock.engine.errors import Blocking, ItemError, PenstockError, Transient
from penstock.engine.failpoint import declare, failpoint

CHUNK = 1 << 18  # stays in the processor's cache between reading, hashing and writing
_PART = ".part"
_READ = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_MAKE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
_DISK_ERRORS = {errno.ENOSPC, errno.EIO, errno.EROFS, getattr(errno, "EDQUOT", errno.ENOSPC)}

declare(
    "files.append.before_fsync", "files.append.after_fsync", "files.copy.before_fsync", "files.copy.after_fsync",
    "files.copy.before_rename", "files.copy.after_rename", "files.write.before_fsync", "files.write.after_fsync",
    "files.write.before_rename", "files.write.after_rename", "files.move.before_rename", "files.move.after_rename",
    "files.move.before_unlink", "files.move.after_unlink", "files.link.before_link", "files.link.before_rename",
    "files.link.after_rename",
    "files.undo_copy.before_unlink", "files.undo_copy.after_unlink", "files.undo_move.before_rename",
    "files.undo_move.after_rename",
)  # fmt: skip


class Stored(TypedDict):
    """What a file holds: hex SHA-256 and size in bytes."""

    sha256: str
    size: int


def copy_verified(source: str | Path, target: str | Path, *, fsync: bool = True) -> Stored:
    """Copy `source` to `target`, hashing the bytes as they pass; the modification time is kept.

    Does nothing when `target` already holds the same bytes. Raises ItemError (`missing`, `unreadable`,
    `occupied` when `target` holds other bytes), Transient (`changed`) when the source changed meanwhile,
    Blocking (`disk`) when the disk refuses.
    """
    target = Path(target)
    with _opened(source) as fd:
        if os.path.lexists(target):
            return _same_bytes(fd, source, target)
        with _disk(target):
            part, before = _part(target), os.fstat(fd)
            stored = _stream(fd, part, fsync=fsync)
            _unchanged(fd, source, before, part)
            _place(part, target)
            sync_folder(target.parent, fsync=fsync)
    return stored


def move_verified(source: str | Path, target: str | Path) -> Stored:
    """Move `source` to `target`: a rename on one device, else a checked copy followed by removal.

    Repeating a finished move returns what `target` holds. Raises as `copy_verified`.
    """
    source, target = Path(source), Path(target)
    if not os.path.lexists(source) and target.is_file():
        sync_folder(target.parent)  # whoever moved it may have died just then
        return _stored(target)
    if os.path.lexists(target):
        return _finish_move(source, target)
    with _opened(source) as fd:
        stored = _hash(fd)
        real = Path(os.path.realpath(source))
        with _disk(target):
            _part(target)  # what a copy that was cut short has left
            failpoint("files.move.before_rename", path=str(target))
            moved = not source.is_symlink() and _rename(real, target)
            failpoint("files.move.after_rename", path=str(target))
    if moved:
        sync_folder(target.parent)
        sync_folder(real.parent)
        return stored
    copy_verified(source, target)
    return _finish_move(source, target)


def write_bytes(target: str | Path, data: bytes) -> Stored:
    """Make `target` hold `data`, durably, in place of an older file. Raises Blocking (`disk`)."""
    target = Path(target)
    with _disk(target):
        part = _part(target)
        with os.fdopen(os.open(part, _MAKE, 0o644), "wb", buffering=0) as out:
            _write(out.fileno(), memoryview(data))
            failpoint("files.write.before_fsync", path=str(target))
            os.fsync(out.fileno())
            failpoint("files.write.after_fsync", path=str(target))
        failpoint("files.write.before_rename", path=str(target))
        os.replace(part, target)
        failpoint("files.write.after_rename", path=str(target))
        sync_folder(target.parent)
    return Stored(sha256=hashlib.sha256(data).hexdigest(), size=len(data))


def keep_bytes(target: str | Path, data: bytes) -> None:
    """As `write_bytes`, unless `target` holds `data` already and nobody died over it. Raises Blocking (`disk`)."""
    target = Path(target)
    with suppress(OSError):
        if target.read_bytes() == data and not _part_name(target).exists():
            return
    write_bytes(target, data)


def link_or_copy(source: str | Path, target: str | Path) -> Stored:
    """Make `target` hold the bytes of `source`: a hard link where the disk can, else a copy.

    Only for files that nobody changes in place. Raises as `copy_verified`.
    """
    target = Path(target)
    with _opened(source) as fd:
        stored = _hash(fd)
    with _disk(target):
        part = _part(target)
        try:
            failpoint("files.link.before_link", path=str(target))
            os.link(os.path.realpath(source), part)
        except OSError:
            return copy_verified(source, target)
        failpoint("files.link.before_rename", path=str(target))
        os.replace(part, target)
        failpoint("files.link.after_rename", path=str(target))
        sync_folder(target.parent)
    return stored


def sha256_of(path: str | Path) -> str:
    """The hex SHA-256 of a regular file. Raises ItemError (`missing`, `unreadable`)."""
    return _stored(Path(path))["sha256"]


def content(path: str | Path) -> str:
    """As `sha256_of`; "" for a file that cannot be read."""
    try:
        return sha256_of(path)
    except ItemError:
        return ""


def release_cache(path: str | Path) -> None:
    """Tell the system that this file's bytes are not needed in memory for now; a hint, never an error.

    A batch of originals would push out everything else, and memory in use again is memory that is warm.
    """
    if hasattr(os, "posix_fadvise"):
        with suppress(ItemError, OSError), _opened(path) as fd:
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)


def undo_copy(target: str | Path, sha: str) -> bool:
    """Remove `target` when its bytes have the SHA-256 `sha`; True when it is gone afterwards."""
    target = Path(target)
    with suppress(FileNotFoundError, NotADirectoryError):
        os.unlink(_part_name(target))
    if not os.path.lexists(target):
        if target.parent.is_dir():
            sync_folder(target.parent)  # whoever removed it may have died just then
        return True
    if target.is_symlink() or not target.is_file() or sha256_of(target) != sha:
        return False
    failpoint("files.undo_copy.before_unlink", path=str(target))
    target.unlink()
    failpoint("files.undo_copy.after_unlink", path=str(target))
    sync_folder(target.parent)
    return True


def undo_move(source: str | Path, target: str | Path) -> Path:
    """Put what was moved to `target` back at `source`; returns where it is now.

    Another file at `source` is left alone: ours then becomes `name_restored_001.ext`. Does nothing when
    `target` is gone and `source` is there. Raises ItemError (`missing`) when both are gone.
    """
    source, target = Path(source), Path(target)
    if not os.path.lexists(target):
        if os.path.lexists(source):
            return source
        raise ItemError(f"{target} cannot be put back: it is not there, and neither is {source}", code="missing")
    if source.is_file() and not source.is_symlink() and sha256_of(source) == sha256_of(target):
        target.unlink()
        sync_folder(target.parent)
        return source
    home = _free_name(source)
    failpoint("files.undo_move.before_rename", path=str(home))
    move_verified(target, home)
    failpoint("files.undo_move.after_rename", path=str(home))
    return home


@contextmanager
def _opened(path: str | Path) -> Iterator[int]:
    try:
        real = Path(path).resolve(strict=True)
        fd = os.open(real, _READ)
    except FileNotFoundError as error:
        raise ItemError(f"{path} is not there (any more)", code="missing") from error
    except (OSError, ValueError, RuntimeError) as error:
        raise ItemError(f"{path} cannot be read: {error}", code="unreadable") from error
    try:
        _regular(fd, path)
        yield fd
    finally:
        os.close(fd)


def _regular(fd: int, path: str | Path) -> None:
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        raise ItemError(f"{path} is not an ordinary file", code="unreadable")


@contextmanager
def _disk(target: Path) -> Iterator[None]:
    """Say whose fault a failed write is: the disk's, which stops the run, or this one file's."""
    try:
        yield
    except PenstockError:
        raise
    except OSError as error:
        with suppress(OSError):
            _part_name(target).unlink()
        folder = target.parent
        if error.errno in _DISK_ERRORS or not (folder.is_dir() and os.access(folder, os.W_OK)):
            raise Blocking(
                f"cannot write {target}: {error.strerror}; make room or allow it, then start again",
                code="disk",
            ) from error
        raise ItemError(f"cannot write {target}: {error}", code="unwritable") from error


def _stream(fd: int, part: Path, *, fsync: bool) -> Stored:
    digest, size = hashlib.sha256(), 0
    out = os.open(part, _MAKE, 0o644)
    try:
        for piece in _pieces(fd):
            digest.update(piece)
            _write(out, piece)
            size += len(piece)
        facts = os.fstat(fd)
        os.utime(out if os.utime in os.supports_fd else part, ns=(facts.st_atime_ns, facts.st_mtime_ns))
        failpoint("files.copy.before_fsync", path=str(part))
        if fsync:
            os.fsync(out)
        failpoint("files.copy.after_fsync", path=str(part))
    finally:
        os.close(out)
    return Stored(sha256=digest.hexdigest(), size=size)


def _pieces(fd: int) -> Iterator[memoryview]:
    """The file from its start, in one buffer that is filled again and again."""
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_SEQUENTIAL)
    os.lseek(fd, 0, os.SEEK_SET)
    buffer = memoryview(bytearray(CHUNK))
    with open(fd, "rb", buffering=0, closefd=False) as source:
        while count := _read(source, buffer):
            yield buffer[:count]


def _read(source: io.FileIO, buffer: memoryview) -> int:
    try:
        return source.readinto(buffer) or 0
    except OSError as error:  # a bad sector of the card, not of the disk that is written to
        raise ItemError(f"it cannot be read to its end: {error.strerror}", code="unreadable") from error


def _write(fd: int, data: memoryview) -> None:
    while data:
        data = data[os.write(fd, data) :]


def _unchanged(fd: int, source: str | Path, before: os.stat_result, part: Path) -> None:
    after = os.fstat(fd)
    if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
        part.unlink()
        raise Transient(f"{source} changed while it was copied", code="changed")


def _hash(fd: int) -> Stored:
    digest, size = hashlib.sha256(), 0
    for piece in _pieces(fd):
        digest.update(piece)
        size += len(piece)
    return Stored(sha256=digest.hexdigest(), size=size)


def _stored(path: Path) -> Stored:
    with _opened(path) as fd:
        return _hash(fd)


def _same_bytes(fd: int, source: str | Path, target: Path) -> Stored:
    """What both hold. Raises ItemError (`occupied`) when they differ."""
    wanted = _hash(fd)
    if target.is_symlink() or not target.is_file() or _stored(target) != wanted:
        raise ItemError(f"{source} was not copied: {target} exists already and is another file", code="occupied")
    with suppress(FileNotFoundError, NotADirectoryError):
        os.unlink(_part_name(target))
    sync_folder(target.parent)  # whoever put it there may have died just then
    return wanted


def _finish_move(source: Path, target: Path) -> Stored:
    with _opened(source) as fd:
        if not source.is_symlink() and os.path.samestat(os.fstat(fd), os.stat(target)):
            raise ItemError(f"{source} and {target} are one and the same file", code="occupied")
        stored = _same_bytes(fd, source, target)
    failpoint("files.move.before_unlink", path=str(source))
    source.unlink()
    failpoint("files.move.after_unlink", path=str(source))
    sync_folder(source.parent)
    return stored


def _part_name(target: Path) -> Path:
    return target.with_name(target.name + _PART)


def _part(target: Path) -> Path:
    """The temporary name for `target`, free: a leftover of an earlier try is removed."""
    make_folder(target.parent)
    part = _part_name(target)
    with suppress(FileNotFoundError, NotADirectoryError):
        part.unlink()
    return part


def _place(part: Path, target: Path) -> None:
    """Rename without writing over a file that appeared meanwhile; where links are impossible, look first."""
    failpoint("files.copy.before_rename", path=str(target))
    try:
        os.link(part, target)
    except FileExistsError as error:
        part.unlink()
        raise ItemError(f"{target} appeared meanwhile and is left alone", code="occupied") from error
    except OSError:
        if not _rename(part, target):
            raise
    failpoint("files.copy.after_rename", path=str(target))
    part.unlink(missing_ok=True)  # the second name of a link


def _rename(source: Path, target: Path) -> bool:
    """Rename unless `target` exists. False when they are on different devices."""
    if os.path.lexists(target):
        raise ItemError(f"{target} appeared meanwhile and is left alone", code="occupied")
    try:
        os.rename(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        return False
    return True


def _free_name(path: Path) -> Path:
    if not os.path.lexists(path):
        return path
    for number in range(1, 100_000):
        candidate = path.with_name(f"{path.stem}_restored_{number:03d}{path.suffix}")
        if not os.path.lexists(candidate):
            return candidate
    raise ItemError(f"no free name beside {path} is left to restore to", code="occupied")


def append(file: Path, text: str) -> None:
    """Add whole lines to a text file, durably. What a loss of power left of a last line gets an end of its own."""
    make_folder(file.parent)
    with file.open("a+b") as stream:
        end = stream.seek(0, os.SEEK_END)
        stream.seek(max(0, end - 1))
        torn = stream.read() not in (b"", b"\n")
        stream.write(b"\n" * torn + text.encode())
        stream.flush()
        failpoint("files.append.before_fsync", path=str(file))
        os.fsync(stream.fileno())
        failpoint("files.append.after_fsync", path=str(file))
    if not end:
        sync_folder(file.parent)
