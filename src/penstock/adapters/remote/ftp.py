"""FTP, with or without TLS, over the standard library's client. Passive mode only."""

from __future__ import annotations

import ftplib
import hashlib
import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from penstock.adapters.remote.address import Address
from penstock.adapters.remote.listing import machine_entry, machine_line, people_line
from penstock.adapters.remote.wire import BROKEN_OFF, CHUNK, Declined, Entry, Lost, Progress, Steps, Unreached
from penstock.engine.errors import Transient, Unavailable

PORT = 21
_FULL = re.compile(r"no space|disk full|quota|exceeded|insufficient", re.IGNORECASE)
_LOST = ("421", "425", "426")  # service closing, no data connection, transfer broken off
_SHA256 = re.compile(r"\b[0-9a-fA-F]{64}\b")


class FtpWire:
    """One session. With `context` everything is encrypted, and the server must prove its name."""

    def __init__(self, address: Address, password: str, timeout: float, context: ssl.SSLContext | None) -> None:
        self._ftp = _Encrypted(context, timeout) if context else ftplib.FTP(timeout=timeout)
        self._address = address
        try:
            self._open(password)
        except BaseException:
            self.close()
            raise

    def ping(self) -> None:
        """NOOP."""
        with _replies():
            self._ftp.voidcmd("NOOP")

    def close(self) -> None:
        """Close without good-byes: whoever ends a session may have lost it."""
        with suppress(OSError):
            self._ftp.close()

    def entry(self, path: str) -> Entry | None:
        """MLST where the server has it; else SIZE, and CWD to tell a folder."""
        if "MLST" in self._features:
            return self._listed(path)
        with _replies():
            try:
                size = self._ftp.size(path)
                return Entry("file", size or 0)
            except ftplib.error_perm as error:
                if not str(error).startswith("550"):
                    raise
        return Entry("folder") if self.is_folder(path) else None

    def is_folder(self, path: str) -> bool:
        """CWD; paths are absolute, so it does not matter where we are."""
        with _replies():
            try:
                self._ftp.cwd(path)
            except ftplib.error_perm:
                return False
        return True

    def entries(self, path: str) -> Iterator[tuple[str, Entry]]:
        """MLSD where the server has it; else LIST as Unix servers print it."""
        machine = "MLST" in self._features
        read = machine_line if machine else people_line
        for line in self._lines(f"MLSD {path}" if machine else f"LIST {path}"):
            found = read(line)
            if found is not None and "/" not in found[0]:
                yield found

    def digest(self, path: str, progress: Progress) -> str:
        """XSHA256 or HASH where the server has them; else what it sends."""
        return self._asked(path) or self._read(path, progress)

    def write(self, path: str, stream: BinaryIO, start: int, progress: Progress) -> None:
        """STOR, after REST when a part is there: so a piece that arrives twice changes nothing."""
        with _replies():
            self._ftp.storbinary(f"STOR {path}", stream, CHUNK, Steps(progress, "sent", start), rest=start or None)

    def move(self, old: str, new: str, *, replace: bool) -> None:
        """RNFR, RNTO; on servers that rename onto nothing, ours goes first."""
        with _replies():
            try:
                self._ftp.rename(old, new)
            except ftplib.error_perm:
                if not replace:
                    raise
                self._ftp.delete(new)
                self._ftp.rename(old, new)

    def delete(self, path: str) -> None:
        """DELE."""
        with _replies():
            self._ftp.delete(path)

    def make_folder(self, path: str) -> None:
        """MKD."""
        with _replies():
            self._ftp.voidcmd(f"MKD {path}")

    def drop_folder(self, path: str) -> None:
        """RMD."""
        with _replies():
            self._ftp.rmd(path)

    def _open(self, password: str) -> None:
        address = self._address
        with _reached(address.place), _replies():
            try:
                self._ftp.connect(address.host, address.port)
            except OSError as error:
                raise Unreached(f"nobody answers ({_said(error)})") from error
            _keep_alive(self._ftp.sock)
            self._login(password)
            self._features = self._asked_features()
            if "UTF8" in self._features:
                with suppress(ftplib.error_perm):  # most have it on already
                    self._ftp.sendcmd("OPTS UTF8 ON")
            self._ftp.voidcmd("TYPE I")
            home = self._ftp.pwd()
        path = address.path
        self.root = path[1:] if path.startswith("//") else f"{home.rstrip('/')}/{path.strip('/')}"
        self.root = self.root.rstrip("/") or "/"

    def _login(self, password: str) -> None:
        user = self._address.user or "anonymous"
        if isinstance(self._ftp, _Encrypted):
            self._ftp.auth()
        try:
            self._ftp.login(user, password)
        except ftplib.error_perm as error:
            why = f"{self._address.place} lets {user} not in ({_said(error)})"
            raise Unavailable(f"{why}; check user and password") from None
        if isinstance(self._ftp, _Encrypted):
            self._ftp.prot_p()

    def _asked_features(self) -> set[str]:
        try:
            answer = self._ftp.sendcmd("FEAT")
        except ftplib.error_perm:
            return set()
        return {line.split()[0].upper() for line in answer.splitlines()[1:-1] if line.split()}

    def _listed(self, path: str) -> Entry | None:
        with _replies():
            try:
                answer = self._ftp.sendcmd(f"MLST {path}")
            except ftplib.error_perm as error:
                if str(error).startswith("550"):
                    return None
                raise
        return machine_entry(answer.splitlines()[1].strip())

    def _lines(self, command: str) -> list[str]:
        pieces: list[bytes] = []
        with _replies():
            self._ftp.retrbinary(command, pieces.append, CHUNK)
            self._ftp.voidcmd("TYPE I")
        return b"".join(pieces).decode("utf-8", "replace").splitlines()

    def _asked(self, path: str) -> str:
        """The server's own SHA-256; "" when it has none to give."""
        try:
            with _replies():
                if "XSHA256" in self._features:
                    return _found(self._ftp.sendcmd(f"XSHA256 {path}"))
                if "HASH" in self._features:
                    self._ftp.sendcmd("OPTS HASH SHA-256")
                    return _found(self._ftp.sendcmd(f"HASH {path}"))
        except Declined:
            self._features -= {"XSHA256", "HASH"}  # it says that it can, and cannot
        return ""

    def _read(self, path: str, progress: Progress) -> str:
        digest, steps = hashlib.sha256(), Steps(progress, "read back")

        def take(piece: bytes) -> None:
            digest.update(piece)
            steps(piece)

        with _replies():
            self._ftp.retrbinary(f"RETR {path}", take, CHUNK)
        return digest.hexdigest()


class _Encrypted(ftplib.FTP_TLS):
    """Data connections go on with the session of the control connection, as careful servers demand."""

    def __init__(self, context: ssl.SSLContext | None, timeout: float) -> None:
        super().__init__(context=context, timeout=timeout)

    def ntransfercmd(self, cmd: str, rest: int | str | None = None) -> tuple[socket.socket, int | None]:
        conn, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
        assert isinstance(self.sock, ssl.SSLSocket)
        try:
            return self.context.wrap_socket(conn, server_hostname=self.host, session=self.sock.session), size
        except BaseException:
            conn.close()
            raise


def tls(authorities: Path | None) -> ssl.SSLContext:
    """Certificate and host name are checked, by the machine's authorities or a file of them. Raises Unavailable."""
    try:
        context = ssl.create_default_context(cafile=str(authorities) if authorities else None)
    except (OSError, ssl.SSLError) as error:
        raise Unavailable(f"option ca: {authorities} holds no certificates that can be read ({error})") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


@contextmanager
def _reached(place: str) -> Iterator[None]:
    """What keeps a server from being reached at all, in words that say how to mend it."""
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        why = f"its certificate is not good ({error.verify_message})"
        raise Unavailable(f"{place}: {why}; name the file of its authority: --option ca=FILE") from error
    except Declined as error:
        raise Unavailable(f"{place} refuses: {error}") from error


@contextmanager
def _replies() -> Iterator[None]:
    """Say what a reply means for what we do."""
    try:
        yield
    except (ssl.SSLCertVerificationError, Lost, Unavailable):
        raise
    except ftplib.error_temp as error:
        raise _temporary(str(error)) from error
    except ftplib.error_perm as error:
        if str(error)[:3] == "552" or _FULL.search(str(error)):
            raise _full(error) from error
        raise Declined(_said(error)) from error
    except UnicodeDecodeError as error:
        raise Unavailable("the server does not answer in UTF-8; ask its operator to turn that on") from error
    except (ftplib.error_reply, ftplib.error_proto, EOFError, OSError) as error:
        raise Lost(f"the connection broke ({_said(error)})") from error


def _temporary(text: str) -> Exception:
    if text[:3] == "452" or _FULL.search(text):
        return _full(text)
    return (
        Lost(f"the server broke off ({_said(text)})") if text[:3] in _LOST else Transient(_said(text), code=BROKEN_OFF)
    )


def _full(reply: object) -> Unavailable:
    return Unavailable(f"there is no room left on the server ({_said(reply)}); make room, then resume")


def _said(reply: object) -> str:
    """A reply or an error as one clean line."""
    text = str(reply) or type(reply).__name__
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:200]


def _found(reply: str) -> str:
    match = _SHA256.search(reply)
    return match.group().lower() if match else ""


def _keep_alive(sock: Any) -> None:
    """The control connection says nothing during a long transfer; routers would forget it."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4)):
        if hasattr(socket, name):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
