"""SFTP over paramiko (extra `sftp`). The server's key is always compared with one that is known."""

from __future__ import annotations

import base64
import errno
import hashlib
import logging
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from penstock.adapters.remote.address import Address
from penstock.adapters.remote.wire import CHUNK, Declined, Entry, Lost, Progress, Steps, Unreached
from penstock.engine.errors import Unavailable, UsageError

try:
    import paramiko
except ImportError as error:
    raise UsageError("SFTP needs the extra `sftp`; install it: pip install 'penstock[sftp]'") from error

PORT = 22
CONNECT = 15.0  # seconds
ALIVE = 30  # seconds between two signs of life

logging.getLogger("paramiko").addHandler(logging.NullHandler())  # what matters is raised; it prints stacks besides


@dataclass(frozen=True)
class Trust:
    """Whom to believe and how to log in. `host_key` is "type base64" or "SHA256:…"; else `known_hosts` decides."""

    host_key: str = ""
    known_hosts: Path | None = None
    key_file: Path | None = None


class SftpWire:
    """One session."""

    def __init__(self, address: Address, password: str, timeout: float, trust: Trust) -> None:
        self._client = paramiko.SSHClient()
        try:
            self._open(address, password, timeout, trust)
        except BaseException:
            self.close()
            raise

    def ping(self) -> None:
        """Ask for the working folder."""
        with self._replies():
            self._sftp.normalize(".")

    def close(self) -> None:
        """Close the connection."""
        with suppress(OSError, EOFError, paramiko.SSHException):
            self._client.close()

    def entry(self, path: str) -> Entry | None:
        """lstat: a link is not what it points to."""
        with self._replies():
            try:
                return _entry(self._sftp.lstat(path))
            except FileNotFoundError:
                return None

    def is_folder(self, path: str) -> bool:
        """stat: a link to a folder is one."""
        with self._replies():
            try:
                return _entry(self._sftp.stat(path)).kind == "folder"
            except FileNotFoundError:
                return False

    def entries(self, path: str) -> Iterator[tuple[str, Entry]]:
        """All names but the folder itself and the one above."""
        with self._replies():
            listed = self._sftp.listdir_attr(path)
        yield from ((one.filename, _entry(one)) for one in listed if one.filename not in (".", ".."))

    def digest(self, path: str, progress: Progress) -> str:
        """By reading it: OpenSSH computes none."""
        digest, steps = hashlib.sha256(), Steps(progress, "read back")
        with self._replies(), self._sftp.open(path, "rb") as stream:
            stream.prefetch()
            while piece := stream.read(CHUNK):
                digest.update(piece)
                steps(piece)
        return digest.hexdigest()

    def write(self, path: str, stream: BinaryIO, start: int, progress: Progress) -> None:
        """Pieces follow each other without waiting; the last one waits for all answers."""
        steps = Steps(progress, "sent", start)
        with self._replies():
            out = self._sftp.open(path, "r+b" if start else "wb")
        with self._replies(writing=True), out:
            out.seek(start)
            out.set_pipelined(True)
            piece = stream.read(CHUNK)
            while piece:
                following = stream.read(CHUNK)
                out.set_pipelined(bool(following))
                out.write(piece)
                steps(piece)
                piece = following

    def move(self, old: str, new: str, *, replace: bool) -> None:
        """Plain rename never replaces, which OpenSSH sees to; its posix-rename does."""
        with self._replies():
            if not replace:
                self._sftp.rename(old, new)
                return
            try:
                self._sftp.posix_rename(old, new)
            except OSError as error:
                if self._gone() or error.errno is not None:
                    raise
                self._sftp.remove(new)  # a server without that extension
                self._sftp.rename(old, new)

    def delete(self, path: str) -> None:
        """Remove a file."""
        with self._replies():
            self._sftp.remove(path)

    def make_folder(self, path: str) -> None:
        """Make one folder."""
        with self._replies():
            self._sftp.mkdir(path)

    def drop_folder(self, path: str) -> None:
        """Remove an empty folder."""
        with self._replies():
            self._sftp.rmdir(path)

    def _open(self, address: Address, password: str, timeout: float, trust: Trust) -> None:
        name = address.host if address.port == PORT else f"[{address.host}]:{address.port}"
        self._client.set_missing_host_key_policy(_Pinned(trust.host_key, address.place))
        _believe(self._client, name, trust)
        with _reached(address, trust):
            self._client.connect(
                address.host, address.port, address.user,
                password=password if password and trust.key_file is None else None,
                key_filename=str(trust.key_file) if trust.key_file else None,
                passphrase=password if trust.key_file and password else None,
                timeout=min(CONNECT, timeout), banner_timeout=min(CONNECT, timeout), auth_timeout=timeout,
                channel_timeout=timeout,
                allow_agent=False, look_for_keys=False,
            )  # fmt: skip
            self._transport.set_keepalive(ALIVE)
            self._sftp = self._client.open_sftp()
            self._sftp.get_channel().settimeout(timeout)  # type: ignore[union-attr]
            home = self._sftp.normalize(".")
        path = address.path
        self.root = f"{home.rstrip('/')}/{path[3:]}" if path.startswith("/~/") or path == "/~" else path
        self.root = self.root.rstrip("/") or "/"

    @property
    def _transport(self) -> paramiko.Transport:
        transport = self._client.get_transport()
        if transport is None:
            raise Lost("the connection is closed")
        return transport

    def _gone(self) -> bool:
        transport = self._client.get_transport()
        return transport is None or not transport.is_active()

    @contextmanager
    def _replies(self, *, writing: bool = False) -> Iterator[None]:
        """Say what an answer means for what we do. The protocol has one word, "failure", for most troubles."""
        try:
            yield
        except (EOFError, TimeoutError, paramiko.SSHException) as error:
            raise Lost(f"the connection broke ({_said(error)})") from error
        except OSError as error:
            if self._gone() or error.errno in _CUT:
                raise Lost(f"the connection broke ({_said(error)})") from error
            if writing and error.errno is None:
                why = f"the server cannot write it ({_said(error)}): its disk may be full, or a quota reached"
                raise Unavailable(f"{why}; make room, then resume") from error
            raise Declined(_said(error)) from error


_CUT = {errno.ECONNRESET, errno.EPIPE, errno.ETIMEDOUT, errno.ECONNABORTED, errno.EBADF}


class _Pinned(paramiko.MissingHostKeyPolicy):
    """A key that no file knows is good only when it is the one that was named."""

    def __init__(self, host_key: str, place: str) -> None:
        self._host_key, self._place = host_key, place

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:
        seen = fingerprint(key.asbytes())
        if self._host_key and self._host_key in (seen, f"{key.get_name()} {key.get_base64()}"):
            return
        known = "is another than option host_key says" if self._host_key else "is in no known_hosts file"
        raise Unavailable(
            f"{self._place}: the server's key {key.get_name()} {seen} {known}; compare it with what its operator tells"
            f" you, and only then give --option host_key={seen}"
        )


def fingerprint(key: bytes) -> str:
    """A key as ssh-keygen -l prints it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(key).digest()).decode().rstrip("=")


def _believe(client: paramiko.SSHClient, name: str, trust: Trust) -> None:
    """Load the known keys: the named one, else a file's."""
    if trust.host_key:
        kind, _, encoded = trust.host_key.partition(" ")
        if encoded:  # so that this kind of key is asked for
            with suppress(paramiko.SSHException, ValueError):
                key = paramiko.PKey.from_type_string(kind, base64.b64decode(encoded))
                client.get_host_keys().add(name, kind, key)
        return
    file = trust.known_hosts or Path("~/.ssh/known_hosts").expanduser()
    if trust.known_hosts or file.exists():
        try:
            client.load_host_keys(str(file))
        except OSError as error:
            raise Unavailable(f"option known_hosts: {file} cannot be read ({error.strerror})") from error


@contextmanager
def _reached(address: Address, trust: Trust) -> Iterator[None]:
    """What keeps a server from being reached at all, in words that say how to mend it."""
    try:
        yield
    except paramiko.BadHostKeyException as error:
        seen = fingerprint(error.key.asbytes())
        why = f"the server's key is {seen}, another than the one that is known; it may be somebody else's server"
        raise Unavailable(f"{address.place}: {why}") from error
    except (paramiko.AuthenticationException, paramiko.PasswordRequiredException) as error:
        how = f"key {trust.key_file}" if trust.key_file else "password"
        why = f"{address.place} lets {address.user} not in ({_said(error)})"
        raise Unavailable(f"{why}; check user and {how}") from error
    except (FileNotFoundError, PermissionError) as error:
        raise Unavailable(f"option key_file: {trust.key_file} cannot be read ({_said(error)})") from error
    except (paramiko.SSHException, EOFError) as error:
        raise Lost(f"the connection broke ({_said(error)})") from error
    except OSError as error:
        raise Unreached(f"nobody answers ({_said(error)})") from error


def _entry(found: Any) -> Entry:
    mode = found.st_mode or 0
    if stat.S_ISREG(mode):
        return Entry("file", found.st_size or 0)
    return Entry("folder") if stat.S_ISDIR(mode) else Entry("other")


def _said(error: object) -> str:
    text = str(error) or type(error).__name__
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:200]
