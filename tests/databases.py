"""Database servers that tests publish to: Debian's MariaDB and PostgreSQL, each on a port and in a folder of its own.

None of them is ours. Each listens on the loopback address only and is ended by its process id.
"""

from __future__ import annotations

import os
import pwd
import re
import shutil
import socket
import subprocess
import tempfile
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from penstock.adapters import sqlsessions
from tests.services import require

PASSWORD = "grey 'heron' \\ ❤ %s"
SECONDS = 60.0
COMMIT = re.compile(rb"(?<!AUTO)COMMIT")


class Database(ABC):
    """A server on `port`, with a user `heron` and its certificate `home`/server.crt for localhost."""

    kind: str
    account = "nobody"  # who runs the server when the tests run as root, which servers refuse

    def __init__(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="penstock-db-"))  # a short path: sockets have a limit
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        _certificate(self.home)
        self._owned()
        self._prepare()

    @property
    def encrypted_host(self) -> str:
        """The name that the certificate is for."""
        return "localhost"

    @property
    def running(self) -> bool:
        """Whether its process is there."""
        return self._process is not None and self._process.poll() is None

    def start(self, *, cramped: bool = False) -> None:
        """Start it and wait until it answers. A `cramped` one has little room, as on a disk that is almost full."""
        command = self._cramped() if cramped else self._command()
        with (self.home / "output").open("ab") as log:
            self._process = self._run(command, stdout=log, stderr=log)
        for _ in range(int(SECONDS / 0.05)):
            if self._answers():
                return
            if self._process.poll() is not None:
                break
            threading.Event().wait(0.05)
        self.kill()
        text = (self.home / "output").read_text(errors="replace")[-2000:]
        raise AssertionError(f"{self.kind} does not start: {text}")

    def kill(self) -> None:
        """End it and every process of it, at once."""
        if self._process is None:
            return
        family = psutil.Process(self._process.pid).children(recursive=True) if self._process.poll() is None else []
        self._process.kill()
        self._process.wait()
        for one in family:
            try:
                one.kill()
            except psutil.NoSuchProcess:
                continue
        psutil.wait_procs(family, timeout=SECONDS)
        self._process = None

    def remove(self) -> None:
        """End it and take its folder away."""
        self.kill()
        shutil.rmtree(self.home, ignore_errors=True)

    def sql(self, text: str, *values: Any) -> list[tuple[Any, ...]]:
        """Ask as the server's owner, in database `site`."""
        with self.session() as cursor:
            cursor.execute(text, values or None)
            return list(cursor.fetchall()) if cursor.description else []

    @contextmanager
    def session(self) -> Iterator[Any]:
        """A transaction of its own; committed at the end."""
        with closing(self.connect()) as connection:
            yield connection.cursor()
            connection.commit()

    def url(self, port: int | None = None) -> str:
        """The address of database `site` for user heron."""
        return f"{self.kind}://heron@127.0.0.1:{port or self.port}/site"

    @abstractmethod
    def connect(self) -> Any:
        """A connection of the server's owner."""

    @abstractmethod
    def renew(self) -> None:
        """An empty database `site`."""

    @abstractmethod
    def quoted(self, name: str) -> str:
        """A name as its SQL wants it."""

    @abstractmethod
    def _prepare(self) -> None: ...

    @abstractmethod
    def _command(self) -> list[str]: ...

    @abstractmethod
    def _cramped(self) -> list[str]: ...

    @abstractmethod
    def _answers(self) -> bool: ...

    def _run(self, command: list[str], **streams: Any) -> subprocess.Popen[bytes]:
        root = os.geteuid() == 0
        who: dict[str, Any] = {"user": self.account, "group": _group(self.account), "extra_groups": []} if root else {}
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, cwd=self.home, **who, **streams)

    def _finish(self, command: list[str]) -> None:
        process = self._run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        said, _ = process.communicate(timeout=SECONDS)
        assert process.returncode == 0, said.decode(errors="replace")

    def _owned(self) -> None:
        """Its folder belongs to whoever runs it."""
        if os.geteuid() == 0:
            for path in (self.home, *self.home.iterdir()):
                shutil.chown(path, self.account, _group(self.account))


class Mariadb(Database):
    """MariaDB."""

    kind = "mysql"

    def _prepare(self) -> None:
        self._finish([
            require("mariadb-install-db"), "--no-defaults", f"--datadir={self.home / 'data'}", "--skip-test-db",
            "--auth-root-authentication-method=normal", "--innodb-log-file-size=8M",
        ])  # fmt: skip

    def _command(self) -> list[str]:
        return [
            require("mariadbd"), "--no-defaults", f"--datadir={self.home / 'data'}", f"--port={self.port}",
            "--bind-address=127.0.0.1", f"--socket={self.home / 's'}", f"--pid-file={self.home / 'pid'}",
            "--skip-name-resolve", "--skip-log-bin", "--innodb-buffer-pool-size=32M", "--innodb-log-file-size=8M",
            f"--ssl-cert={self.home / 'server.crt'}", f"--ssl-key={self.home / 'server.key'}",
            "--character-set-server=latin1", "--sql-mode=",
        ]  # fmt: skip

    def _cramped(self) -> list[str]:
        place = "--innodb-data-file-path=ibdata1:12M:autoextend:max:20M"
        return [*self._command(), place, "--innodb-file-per-table=0"]

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def _root(self, database: str | None = None) -> Any:
        import pymysql

        return pymysql.connect(unix_socket=str(self.home / "s"), user="root", charset="utf8mb4", database=database)

    def connect(self) -> Any:
        return self._root("site")

    def renew(self) -> None:
        with closing(self._root()) as connection:
            cursor = connection.cursor()
            cursor.execute("SET GLOBAL read_only=0")
            cursor.execute("DROP DATABASE IF EXISTS site")
            cursor.execute("CREATE DATABASE site CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci")
            cursor.execute("CREATE OR REPLACE USER heron IDENTIFIED BY %s", [PASSWORD])
            cursor.execute("GRANT ALL ON site.* TO heron")

    def quoted(self, name: str) -> str:
        return f"`{name}`"


class Postgres(Database):
    """PostgreSQL."""

    kind = "postgres"

    def _prepare(self) -> None:
        (self.home / "password").write_text("owner")
        self._owned()
        self._finish([
            require("initdb"), "-D", str(self.home / "data"), "-N", "-U", "owner", "-A", "scram-sha-256",
            f"--pwfile={self.home / 'password'}", "-E", "UTF8", "--locale=C",
        ])  # fmt: skip

    def _command(self) -> list[str]:
        settings = {
            "listen_addresses": "127.0.0.1", "port": self.port, "unix_socket_directories": "", "shared_buffers": "16MB",
            "fsync": "off", "ssl": "on", "ssl_cert_file": self.home / "server.crt",
            "ssl_key_file": self.home / "server.key", "max_connections": 40, "lc_messages": "C",
        }  # fmt: skip
        chosen = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return [require("postgres"), "-D", str(self.home / "data"), *chosen]

    def _cramped(self) -> list[str]:
        return ["sh", "-c", 'ulimit -f 40960; exec "$@"', "sh", *self._command()]  # no file grows above 20 MiB

    def _answers(self) -> bool:
        import psycopg

        try:
            self._owner("postgres").close()
        except psycopg.Error:
            return False
        return True

    def _owner(self, database: str) -> Any:
        import psycopg

        return psycopg.connect(host="127.0.0.1", port=self.port, user="owner", password="owner", dbname=database)

    def connect(self) -> Any:
        return self._owner("site")

    def renew(self) -> None:
        from psycopg import sql

        with closing(self._owner("postgres")) as connection:
            connection.autocommit = True
            connection.execute("DROP DATABASE IF EXISTS site WITH (FORCE)")
            connection.execute("DROP ROLE IF EXISTS heron")
            make = sql.SQL("CREATE ROLE heron LOGIN PASSWORD {}").format(sql.Literal(PASSWORD))
            connection.execute(make)
            connection.execute("CREATE DATABASE site OWNER heron")

    def quoted(self, name: str) -> str:
        return f'"{name}"'


KINDS: dict[str, Callable[[], Database]] = {"mysql": Mariadb, "postgres": Postgres}


def served(kind: str, started: dict[str, Database]) -> Database:
    """The server of a kind, running, with an empty database `site`."""
    if kind not in started:
        started[kind] = KINDS[kind]()
    server = started[kind]
    if not server.running:
        server.start()
    sqlsessions.closed()
    server.renew()
    return server


class Cutter:
    """A way to `port` that is cut when the client says COMMIT: before the server hears it, or before it is answered.

    Cuts `times`; afterwards everything passes."""

    def __init__(self, port: int, *, heard: bool, times: int = 1) -> None:
        self._there, self.heard, self.left = port, heard, times
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._ends: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def close(self) -> None:
        """Take no more connections, and end those there are."""
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        for end in self._ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(SECONDS)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self._there))
            except OSError:  # it is away: so is the way to it
                client.close()
                continue
            muted = threading.Event()
            self._ends += [client, server]
            for one, other, asks in ((client, server, True), (server, client, False)):
                thread = threading.Thread(target=self._carry, args=(one, other, muted, asks), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _carry(self, one: socket.socket, other: socket.socket, muted: threading.Event, asks: bool) -> None:
        try:
            while piece := one.recv(65536):
                if asks and self.left and COMMIT.search(piece):
                    self.left -= 1
                    muted.set()
                    if self.heard:
                        other.sendall(piece)
                        continue
                    break
                if muted.is_set():  # the answer came, so it is committed, and nobody is told
                    break
                other.sendall(piece)
        except OSError:
            pass
        with one, suppress(OSError):
            other.shutdown(socket.SHUT_RDWR)


def free_port() -> int:
    """A port on which nobody listens now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        number: int = one.getsockname()[1]
        return number


def _group(account: str) -> int:
    return pwd.getpwnam(account).pw_gid


def _certificate(home: Path) -> None:
    """A certificate for localhost that signs itself."""
    command = [
        require("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
        "-keyout", str(home / "server.key"), "-out", str(home / "server.crt"), "-days", "2", "-subj", "/CN=localhost",
        "-addext", "subjectAltName=DNS:localhost",
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=SECONDS)
    (home / "server.key").chmod(0o600)
