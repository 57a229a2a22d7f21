"""Serves the pages and the API: to this machine, or to others once somebody can sign in."""

from __future__ import annotations

import errno
import ipaddress
import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from logging.handlers import RotatingFileHandler
from pathlib import Path
from threading import Event
from typing import Any

from waitress import create_server

from penstock.accounts import users
from penstock.accounts.sessions import keeper
from penstock.config import Config
from penstock.engine.errors import Refused, UsageError

LIMITS: dict[str, Any] = {
    "threads": 4,
    "ident": None,
    "connection_limit": 100,
    "channel_timeout": 60,
    "max_request_body_size": 1 << 20,
    "clear_untrusted_proxy_headers": True,
}
_TURN = 0.2  # seconds after which a request to stop is seen


def serve(
    config: Config,
    *,
    host: str | None = None,
    port: int | None = None,
    on_ready: Callable[[str], None] | None = None,
    stop: Event | None = None,
) -> None:
    """Serve until `stop` is set (or for ever). Django runs on the home already (`boot.start`).

    `on_ready` is given the sign-in link, which works once. Port 0 takes a free one. Raises UsageError for an address
    that others can reach while nobody can sign in, Refused when the port is taken."""
    from penstock.wsgi import application

    address = address_of(host or config.host, config.public_url)
    listening = _listen(address, config.port if port is None else port)
    channels: dict[int, Any] = {}
    with _logged(config.home / "logs" / "console.log"):
        server = create_server(
            application, map=channels, sockets=[listening], **LIMITS, **_proxied(address, config.public_url)
        )
        try:
            if on_ready is not None:
                on_ready(sign_in_link(address, listening.getsockname()[1], config.public_url))
            while stop is None or not stop.is_set():
                server.asyncore.loop(timeout=_TURN, map=channels, count=1)
        finally:
            server.task_dispatcher.shutdown()
            for one in list(channels.values()):
                one.close()


def sign_in_link(address: str, port: int, public_url: str = "") -> str:
    """A fresh link that signs in once; where others listen in, people sign in with their password instead."""
    if not ipaddress.ip_address(address).is_loopback:
        return f"{public_url.rstrip('/')}/signin"
    shown = f"[{address}]" if ":" in address else address
    return f"http://{shown}:{port}/signin?token={keeper().new_link()}"


def address_of(host: str, public_url: str) -> str:
    """The address to bind to. Raises UsageError for one that others can reach, unless somebody has a password and it is
    known under which name people come."""
    address = "127.0.0.1" if host == "localhost" else host.strip("[]")
    try:
        local = ipaddress.ip_address(address).is_loopback
    except ValueError:
        raise UsageError(f"host {host!r} is no address; use 127.0.0.1, or an address of this machine") from None
    if local:
        return address
    if not users.someone_can_sign_in():
        raise UsageError(
            f"host {host!r}: others can reach that address, and nobody who owns an account has a password yet;"
            " make somebody first: penstock user create NAME --owner"
        )
    if not public_url:
        raise UsageError(
            f"host {host!r}: say under which address people reach this program: public_url in penstock.toml,"
            " https://photos.example.org for example"
        )
    return address


def _proxied(address: str, public_url: str) -> dict[str, Any]:
    """Behind a proxy of this machine that speaks TLS, who asks and how is what the proxy says."""
    if not (public_url.startswith("https://") and ipaddress.ip_address(address).is_loopback):
        return {}
    told = {"x-forwarded-for", "x-forwarded-proto"}
    return {"trusted_proxy": address, "trusted_proxy_count": 1, "trusted_proxy_headers": told}


def _listen(address: str, port: int) -> socket.socket:
    """The listening socket, made here: waitress would leave its threads behind when the port is taken."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        return socket.create_server((address, port), family=family)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise Refused(f"port {port} is taken by another program; choose another with --port") from error
        raise Refused(f"port {port} of {address} cannot be opened: {error.strerror or error}") from error


@contextmanager
def _logged(file: Path) -> Iterator[None]:
    """Refused and broken requests go to a file: paths only, never what was sent."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handler = RotatingFileHandler(file, maxBytes=1 << 20, backupCount=2, encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s [%(levelname)s] %(name)s: %(message)s"))
    loggers = [logging.getLogger(name) for name in ("django", "waitress")]
    kept = [(logger, logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.propagate = False
    try:
        yield
    finally:
        for logger, propagate in kept:
            logger.removeHandler(handler)
            logger.propagate = propagate
        handler.close()
