"""Servers that tests publish to: Debian's ProFTPD and OpenSSH, with configurations of their own, on loopback.

None of them is ours. Each listens on a free port, serves a folder of the test, and is ended by its process id.
"""

from __future__ import annotations

import datetime
import hashlib
import ipaddress
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import psutil
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.services import require

PASSWORD = "a heron stands still"
SECONDS = 20.0
PROFTPD = """
ServerType standalone
DefaultAddress 127.0.0.1
Port {port}
UseIPv6 off
UseReverseDNS off
User {user}
Group {group}
AuthOrder mod_auth_file.c
AuthUserFile {home}/users
RequireValidShell off
AuthPAM off
DefaultRoot ~
AllowOverwrite on
AllowStoreRestart on
PidFile {home}/proftpd.pid
ScoreboardFile {home}/scoreboard
SystemLog {home}/proftpd.log
WtmpLog off
TransferLog none
DelayEngine off
DefaultServer on
MaxInstances 30
TimeoutLinger 1
{more}
"""
TLS = """
LoadModule mod_tls.c
TLSEngine on
TLSRequired on
TLSRSACertificateFile {home}/server.crt
TLSRSACertificateKeyFile {home}/server.key
TLSProtocol TLSv1.2 TLSv1.3
TLSLog {home}/tls.log
"""
SSHD = """
Port {port}
ListenAddress 127.0.0.1
HostKey {home}/host_key
AuthorizedKeysFile {home}/authorized_keys
PidFile {home}/sshd.pid
StrictModes no
PasswordAuthentication yes
PubkeyAuthentication yes
PermitRootLogin yes
UseDNS no
UsePAM no
Subsystem sftp internal-sftp
ForceCommand internal-sftp
LogLevel ERROR
"""


class Server:
    """A program that listens on `port`. `files` is what it serves."""

    def __init__(self, home: Path, command: list[str]) -> None:
        self.home, self.port, self.command = home, free_port(), command
        self.files = home / "files"
        self.files.mkdir(parents=True)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        log = (self.home / "output").open("ab")
        with log:
            self._process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        for _ in range(int(SECONDS / 0.02)):
            if answers(self.port):
                return
            if self._process.poll() is not None:
                break
            threading.Event().wait(0.02)
        self.kill()
        raise AssertionError(f"{self.command[0]} does not start: {(self.home / 'output').read_text(errors='replace')}")

    def freeze(self) -> None:
        """It and its sessions stay, and say nothing any more; `kill` still ends them."""
        assert self._process is not None
        one = psutil.Process(self._process.pid)
        for process in (one, *one.children(recursive=True)):
            process.suspend()

    def kill(self) -> None:
        """End it and every session of it, at once."""
        if self._process is None:
            return
        family = []
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGSTOP)  # so that no session is born meanwhile
            family = psutil.Process(self._process.pid).children(recursive=True)
        self._process.kill()
        self._process.wait()
        self._process = None
        for one in family:
            _ended(one)


def ftp_server(home: Path, *, encrypted: bool, more: str = "") -> Server:
    """ProFTPD, not started. User `heron`; with `encrypted` it wants TLS, and its certificate is `home`/server.crt."""
    server = Server(home, [require("proftpd"), "-n", "-q", "-c", str(home / "proftpd.conf")])
    root = os.geteuid() == 0
    number = 65534 if root else os.getuid()
    users = home / "users"
    users.write_text(f"heron:{_crypted(PASSWORD)}:{number}:{number if root else os.getgid()}::{server.files}:/bin/sh\n")
    users.chmod(0o600)
    if root:
        os.chown(users, number, number)
        os.chown(server.files, number, number)
        _let_through(server.files)
    if encrypted:
        certificate(home / "server.crt", home / "server.key", "localhost", "127.0.0.1")
        more += TLS.format(home=home)
    user, group = ("nobody", "nogroup") if root else (f"#{os.getuid()}", f"#{os.getgid()}")
    text = PROFTPD.format(port=server.port, home=home, user=user, group=group, more=more)
    (home / "proftpd.conf").write_text(text)
    return server


def sftp_server(home: Path) -> Server:
    """OpenSSH, not started. The user is whoever runs the tests; `home`/user_key lets in."""
    server = Server(home, [require("sshd"), "-D", "-e", "-f", str(home / "sshd.conf")])
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    for name in ("host_key", "user_key"):
        generate = [require("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", str(home / name)]
        subprocess.run(generate, check=True, stdin=subprocess.DEVNULL, timeout=SECONDS)
    (home / "authorized_keys").write_text((home / "user_key.pub").read_text())
    (home / "sshd.conf").write_text(SSHD.format(port=server.port, home=home))
    return server


def certificate(file: Path, key_file: Path, *names: str) -> None:
    """A certificate that signs itself, for the names and addresses given."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    others = [x509.DNSName(one) if not one[0].isdigit() else x509.IPAddress(ipaddress.ip_address(one)) for one in names]
    now = datetime.datetime.now(datetime.UTC)
    built = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName(others), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    )
    file.write_bytes(built.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    key_file.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))
    key_file.chmod(0o600)


class Cutter:
    """A connection to `port` in between, which is cut by `when`: called with what the client just said.

    What it said still reaches the server; the reply does not reach the client. Cuts `most` times."""

    def __init__(self, port: int, when: Callable[[bytes], bool], most: int = 1) -> None:
        self._port, self._when, self._most, self.cuts = port, when, most, 0
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def close(self) -> None:
        """Take no more connections."""
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        for thread in self._threads:
            thread.join(SECONDS)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            try:
                there = socket.create_connection(("127.0.0.1", self._port))
            except OSError:  # the server is down
                client.close()
                continue
            for one, other, talks in ((client, there, True), (there, client, False)):
                thread = threading.Thread(target=self._carry, args=(one, other, talks), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _carry(self, one: socket.socket, other: socket.socket, talks: bool) -> None:
        with one, other:
            while piece := self._piece(one):
                cut = talks and self.cuts < self._most and self._when(piece)
                if cut:  # before the server can answer
                    self.cuts += 1
                    one.shutdown(socket.SHUT_RDWR)
                try:
                    other.sendall(piece)
                    if cut:
                        other.shutdown(socket.SHUT_WR)
                except OSError:
                    return
            for end in (one, other):
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue

    def _piece(self, one: socket.socket) -> bytes:
        try:
            return one.recv(65536)
        except OSError:
            return b""


def _ended(session: psutil.Process) -> None:
    """Kill a process and see that it does nothing any more; who buries it, and when, is init's business."""
    try:
        session.kill()
        while session.is_running() and session.status() != psutil.STATUS_ZOMBIE:
            threading.Event().wait(0.005)
    except psutil.NoSuchProcess:
        return


def free_port() -> int:
    """A port on which nobody listens now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        number: int = one.getsockname()[1]
        return number


def answers(port: int) -> bool:
    """Whether somebody listens there."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def tree(folder: Path) -> dict[str, str]:
    """Path → SHA-256 of every file below a folder."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def _crypted(password: str) -> str:
    made = subprocess.run(["openssl", "passwd", "-6", password], capture_output=True, text=True, check=True, timeout=20)
    return made.stdout.strip()


def _let_through(folder: Path) -> None:
    """The server's user must be able to enter the folders above, which pytest makes for their owner only."""
    for place in folder.parents:
        if place.stat().st_uid == os.geteuid() and place.stat().st_mode & 0o077 == 0:
            place.chmod(0o711)
