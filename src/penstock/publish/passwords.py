"""Passwords of targets: from the environment, or kept in the home for its owner only. Never in the database or a URL."""

from __future__ import annotations

import os
import re
from pathlib import Path

from django.conf import settings

from penstock.adapters.files import write_bytes
from penstock.adapters.folders import make_folder, sync_folder
from penstock.engine.errors import UsageError

LONGEST = 4096


def of(site: str, target: str) -> str:
    """The password of a target, "" when it has none. The environment wins over what was kept."""
    given = os.environ.get(variable(site, target))
    if given is not None:
        return given
    file = _file(site, target)
    return file.read_text(encoding="utf-8") if file.exists() else ""


def variable(site: str, target: str) -> str:
    """The environment variable that holds the password: PENSTOCK_SECRET_<SITE>__<TARGET>."""
    return "PENSTOCK_SECRET_" + "__".join(re.sub(r"\W", "_", name).upper() for name in (site, target))


def read(file: Path) -> str:
    """The password that a person's file holds, without its last line's end. Raises UsageError."""
    try:
        text = file.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--secret-file {file}: it cannot be read as text") from error
    return checked(text.removesuffix("\n").removesuffix("\r"))


def checked(secret: str) -> str:
    """A password as it is kept. Raises UsageError for one that cannot be sent; it is not repeated."""
    if len(secret) > LONGEST or "\0" in secret:
        raise UsageError(f"the password holds a NUL or more than {LONGEST} characters; look at the file it came from")
    return secret


def keep(site: str, target: str, secret: str) -> None:
    """Keep a password in `secrets/` of the home (mode 0600), or forget the one there when it is empty."""
    file = _file(site, target)
    if not secret:
        forget(site, target)
        return
    make_folder(file.parent)
    file.parent.chmod(0o700)
    write_bytes(file, secret.encode(), mode=0o600)


def forget(site: str, target: str) -> None:
    """Remove a kept password."""
    file = _file(site, target)
    if file.exists():
        file.unlink()
        sync_folder(file.parent)


def _file(site: str, target: str) -> Path:
    return Path(settings.PENSTOCK.home) / "secrets" / f"{site}.{target}"
