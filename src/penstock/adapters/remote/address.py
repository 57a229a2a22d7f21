"""Addresses of servers: kind://user@host:port/path. A password is no part of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, quote, unquote, urlsplit

from penstock.engine.errors import UsageError

TIMEOUT = 30.0
_MOST = 45.0  # a worker that says nothing for two minutes is ended, and each try begins with a word


@dataclass(frozen=True)
class Address:
    """Where a server answers, as whom, and where the files lie there."""

    kind: str
    user: str
    host: str
    port: int
    path: str

    @property
    def place(self) -> str:
        """Host and port, for people."""
        return f"{self.host}:{self.port}"


def parsed(kind: str, url: str, port: int) -> Address:
    """The parts of an address of `kind`, on `port` unless it names one. Raises UsageError, without any password."""
    example = f"{kind}://user@host/path"
    try:
        parts = urlsplit(url)
        given = parts.port
    except ValueError as error:
        raise UsageError(f"--url is no address ({error}); give {example}") from None
    if parts.password is not None:
        raise UsageError(f"--url holds a password, which others could read; leave it out: {example}")
    if parts.scheme != kind or not parts.hostname or parts.query or parts.fragment:
        raise UsageError(f"--url is no {kind} address; give {example}")
    user, path = unquote(parts.username or ""), unquote(parts.path)
    _sound(user, path, example)
    return Address(kind, user, parts.hostname, given or port, path)


def canonical(address: Address, port: int) -> str:
    """The address as it is stored; `port` is the kind's own, which is not written."""
    host = f"[{address.host}]" if ":" in address.host else address.host
    user = f"{quote(address.user, safe='')}@" if address.user else ""
    number = "" if address.port == port else f":{address.port}"
    path = quote(address.path.rstrip("/")) or "/"
    return SplitResult(address.kind, f"{user}{host}{number}", path, "", "").geturl()


def seconds(options: Mapping[str, Any]) -> float:
    """Option `timeout`: how long one answer of the server may take. Raises UsageError."""
    try:
        value = float(options.get("timeout", TIMEOUT))
    except ValueError:
        value = 0.0
    if not 0 < value <= _MOST:
        raise UsageError(f"option timeout: give seconds, more than 0 and at most {_MOST:g}")
    return value


def _sound(user: str, path: str, example: str) -> None:
    if not (user + path).isprintable():
        raise UsageError("--url holds control characters; type it again")
    if ".." in path.split("/"):
        raise UsageError(f"--url: no .. in the path; give {example}")
