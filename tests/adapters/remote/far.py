"""One server of each kind, and the folder that is published to on it."""

from __future__ import annotations

import getpass
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from penstock.adapters.remote.address import Address
from penstock.adapters.remote.folder import RemoteFolder
from penstock.adapters.remote.ftp import FtpWire, tls
from penstock.adapters.remote.session import Session
from penstock.adapters.remote.sftp import SftpWire, Trust
from penstock.adapters.remote.wire import Wire
from tests.servers import PASSWORD, Cutter, Server, ftp_server, sftp_server

PLACE = "2026/nature/Hérons at dawn [1].JPG"
KINDS = ("ftp", "ftps", "sftp")


@dataclass
class Far:
    """A server of a kind, started, and what of ours lies there."""

    kind: str
    home: Path
    more: str = ""
    password: str = PASSWORD
    trust: dict[str, Any] = field(default_factory=dict)
    timeout: float = 10.0
    ca: str = "server.crt"

    def __post_init__(self) -> None:
        self.server: Server = (
            sftp_server(self.home)
            if self.kind == "sftp"
            else ftp_server(self.home, encrypted=self.kind == "ftps", more=self.more)
        )
        self.server.start()
        self.sessions: list[Session] = []
        self.cutters: list[Cutter] = []

    @property
    def root(self) -> Path:
        """The folder on the server, as this machine sees it."""
        return self.server.files

    def folder(self, port: int = 0, host: str = "localhost") -> RemoteFolder:
        """What the program sees of it."""
        session = Session(f"the server at {host}", lambda: self.wire(port or self.server.port, host), wait=_no_wait)
        self.sessions.append(session)
        return RemoteFolder(session)

    def wire(self, port: int, host: str) -> Wire:
        """A new session."""
        if self.kind == "sftp":
            address = Address("sftp", getpass.getuser(), host, port, str(self.root))
            key = " ".join((self.home / "host_key.pub").read_text().split()[:2])
            trust = Trust(**{"host_key": key, "key_file": self.home / "user_key", **self.trust})
            return SftpWire(address, "" if trust.key_file else self.password, self.timeout, trust)
        address = Address(self.kind, "heron", host, port, "/")
        context = tls(self.home / self.ca) if self.kind == "ftps" else None
        return FtpWire(address, self.password, self.timeout, context)

    def cut(self, when: Callable[[bytes], bool]) -> tuple[RemoteFolder, Cutter]:
        """The same folder over a connection that is cut once."""
        cutter = Cutter(self.server.port, when)
        self.cutters.append(cutter)
        return self.folder(cutter.port), cutter

    def close(self) -> None:
        """End everything."""
        for session in self.sessions:
            session.close()
        for cutter in self.cutters:
            cutter.close()
        self.server.kill()

    def names(self) -> list[str]:
        """Every file on the server, unfinished ones too."""
        return sorted(path.relative_to(self.root).as_posix() for path in self.root.rglob("*") if path.is_file())

    def bytes_at(self, path: str = PLACE) -> bytes:
        """What stands there."""
        return (self.root / path).read_bytes()


def put(folder: RemoteFolder, source: Path, data: bytes, known: tuple[str, ...] = (), **more: Any) -> bool:
    """Have `data` published."""
    source.write_bytes(data)
    return folder.put(source, more.pop("path", PLACE), sha(data), len(data), known, **more)


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _no_wait(_seconds: float) -> None:
    """Losses of a test are mended at once."""
