"""What some tests need from the machine: programs and servers.

Without them such a test is skipped by a sentence that names what is missing, or fails when
PENSTOCK_REQUIRE_SERVICES=1.
"""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

import pytest


def _newest(program: str) -> list[str]:
    """Where Debian keeps a program of PostgreSQL, the newest version first."""
    return sorted(map(str, Path("/usr/lib/postgresql").glob(f"*/bin/{program}")), reverse=True)


PROGRAMS = {
    "exiftool": ("exiftool",),
    "strace": ("strace",),
    "mariadbd": ("mariadbd", "/usr/sbin/mariadbd"),
    "postgres": ("postgres", *_newest("postgres")),
    "initdb": ("initdb", *_newest("initdb")),
    "proftpd": ("proftpd", "/usr/sbin/proftpd"),
    "sshd": ("/usr/sbin/sshd", "sshd"),  # which is only started by its full path
    "chromium": ("chromium", "chromium-browser", "google-chrome"),
}
DEFAULT_PORTS = {"postgres": 5432, "postgresql": 5432, "mysql": 3306, "redis": 6379, "amqp": 5672}
MISSING = "missing service: "


def require(program: str) -> str:
    """The path of `program` (a key of PROGRAMS, or any command); skips or fails when it is not installed."""
    for name in PROGRAMS.get(program, (program,)):
        if path := shutil.which(name):
            return path
    absent(f"the program {program} is not installed")


def require_url(variable: str, what: str = "") -> str:
    """The address that `variable` holds, once its server accepts a connection; else skips or fails.

    The variables are PENSTOCK_TEST_POSTGRES, PENSTOCK_TEST_MYSQL, PENSTOCK_TEST_REDIS, PENSTOCK_TEST_AMQP.
    """
    what = what or variable.removeprefix("PENSTOCK_TEST_").capitalize()
    url = os.environ.get(variable, "")
    if not url:
        absent(f"no {what} server is named by {variable}")
    parts = urlsplit(url)
    host, port = parts.hostname or "127.0.0.1", parts.port or DEFAULT_PORTS.get(parts.scheme.split("+")[0], 0)
    try:
        socket.create_connection((host, port), timeout=3).close()
    except OSError as error:
        absent(f"no {what} server answers at {host}:{port} ({variable}): {error}")
    return url


def absent(sentence: str) -> NoReturn:
    """Skip, or fail where services are required."""
    if os.environ.get("PENSTOCK_REQUIRE_SERVICES") == "1":
        pytest.fail(f"{MISSING}{sentence}; PENSTOCK_REQUIRE_SERVICES=1 wants it here", pytrace=False)
    pytest.skip(MISSING + sentence)
