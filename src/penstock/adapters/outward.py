"""Addresses of others that people type: where they lead is looked at once, and that very place is what is used.

Only http and https, no credentials inside. Every address that the name stands for must be public; on this machine or
its network only the exact host:port that was allowed. Link-local places (metadata services) never are.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from penstock.engine.errors import PenstockError, Unavailable, UsageError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Iterable[str]]
PORTS = {"http": 80, "https": 443}
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class Inward(PenstockError):
    """That address leads to this machine or its network, which nobody has allowed."""

    code = "address_not_allowed"
    exit_code = 4


@dataclass(frozen=True)
class Place:
    """Where an address leads: connect to one of `addresses`, nowhere else, and follow no redirect."""

    scheme: str
    host: str
    port: int
    addresses: tuple[str, ...]

    @property
    def name(self) -> str:
        """host:port, as it is allowed and as keys are bound to it."""
        return f"{self.host}:{self.port}"


def look(url: str, *, near: bool = False, resolve: Resolve | None = None) -> Place:
    """Where `url` leads now. `near`: this host:port may be on this machine or its network.

    Raises UsageError for what is no such address, Inward for one that is not allowed, Unavailable when its name
    cannot be resolved."""
    scheme, host, port = parts(url)
    try:
        found = tuple(dict.fromkeys((resolve or _resolved)(host, port)))
    except (OSError, UnicodeError) as error:
        raise Unavailable(f"{host}: the name cannot be resolved ({error})") from error
    for text in found:
        _refuse(host, port, ipaddress.ip_address(text.partition("%")[0]), near)
    if not found:
        raise Unavailable(f"{host}: the name stands for no address")
    return Place(scheme, host, port, found)


def parts(url: str) -> tuple[str, str, int]:
    """(scheme, host, port). Raises UsageError."""
    try:
        split = urlsplit(url)
        host, port = (split.hostname or "").rstrip("."), split.port or PORTS.get(split.scheme, 0)
    except ValueError:
        raise UsageError("the address cannot be read; write one like https://api.example.org/v1") from None
    if split.scheme not in PORTS or not host or not 0 < port < 65536 or _strange(url):
        raise UsageError("the address must begin with http:// or https:// and a host, without spaces")
    if split.username is not None or split.password is not None:
        raise UsageError("the address holds a user or password; the key is given by itself")
    return split.scheme, host, port


def _strange(url: str) -> bool:
    return "\\" in url or not url.isprintable() or any(c.isspace() for c in url)


def _resolved(host: str, port: int) -> Iterable[str]:
    """Decimal, octal and short forms of an address are what the resolver makes of them."""
    return (str(one[4][0]) for one in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))


def _refuse(host: str, port: int, address: Address, near: bool) -> None:
    inner = _unwrapped(address)
    if inner.is_global and not inner.is_multicast:
        return
    lan = (inner.is_private or inner.is_loopback) and not (inner.is_link_local or inner.is_unspecified)
    if not (near and lan and not inner.is_multicast):
        why = "" if lan else ", which is never allowed"
        raise Inward(
            f"{host}:{port} leads to {inner}, on this machine or its network{why or '; an owner may allow it'}"
        )


def _unwrapped(address: Address) -> Address:
    """The IPv4 address inside an IPv6 one that merely carries it."""
    if isinstance(address, ipaddress.IPv6Address):
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None) or address
    return address
