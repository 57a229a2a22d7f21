"""Where a database server is: its address without a password, and how the way to it is protected."""

from __future__ import annotations

import importlib
import ssl
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from penstock.engine.errors import UsageError

CONNECT, ANSWER, LOCK = 10, 30, 10  # seconds to wait for a connection, for an answer, for another's lock
TLS = ("verify", "off")


@dataclass(frozen=True)
class Server:
    """One database of one server. `tls` verify: encrypted, certificate and host name checked; off: neither."""

    host: str
    port: int
    user: str
    database: str
    tls: str
    ca: str = ""

    @property
    def encrypted(self) -> bool:
        """Whether the way there is encrypted, and the server's certificate checked."""
        return self.tls == "verify"

    def __str__(self) -> str:
        return f"{_bracketed(self.host)}:{self.port}/{self.database}"

    def context(self) -> ssl.SSLContext:
        """How to check the certificate. Raises UsageError for a bad `ca` file."""
        try:
            return ssl.create_default_context(cafile=self.ca or None)
        except (OSError, ssl.SSLError) as error:
            raise UsageError(f"option ca: {self.ca} holds no certificates that can be read") from error


def parsed(url: str, options: Mapping[str, Any], schemes: Collection[str], port: int) -> Server:
    """The server that a URL such as scheme://user@host:port/database names. Raises UsageError; repeats no password."""
    example = f"{next(iter(schemes))}://user@host/database"
    try:
        parts = urlsplit(url)
        chosen, secret = parts.port or port, parts.password
    except ValueError as error:
        raise UsageError(f"--url cannot be read as an address; write {example}") from error
    if secret is not None:
        raise UsageError("--url holds a password; leave it out, and give it by --secret-file or when asked")
    database = unquote(parts.path.removeprefix("/"))
    if parts.scheme not in schemes or not (parts.hostname and parts.username and database):
        raise UsageError(f"--url names no user, host and database; write {example}")
    if "/" in database or parts.query or parts.fragment:
        raise UsageError(f"--url goes on after the database's name; write {example}, the rest by --option")
    tls, ca = _protection(options, parts.hostname)
    return Server(parts.hostname, chosen, unquote(parts.username), database, tls, ca)


def written(server: Server, scheme: str) -> str:
    """The server's address as it is stored and shown."""
    user, database = quote(server.user, safe=""), quote(server.database, safe="")
    return f"{scheme}://{user}@{_bracketed(server.host)}:{server.port}/{database}"


def driver(module: str, package: str, kind: str) -> ModuleType:
    """The library that speaks to a kind of server. Raises UsageError saying how to install it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        command = f"{sys.executable} -m pip install '{package}'"
        raise UsageError(f"a {kind} target needs the library {package}, which is not installed: {command}") from error


def _protection(options: Mapping[str, Any], host: str) -> tuple[str, str]:
    """By default a connection that leaves this machine is encrypted and the certificate checked."""
    tls, ca = str(options.get("tls", "")), str(options.get("ca", ""))
    if tls and tls not in TLS:
        raise UsageError(f"option tls: {tls[:20]!r} is unknown; write {' or '.join(TLS)}")
    if ca and not Path(ca).is_file():
        raise UsageError(f"option ca: there is no file {ca}; name the authority's certificate")
    return tls or ("off" if _is_loopback(host) and not ca else "verify"), ca


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
