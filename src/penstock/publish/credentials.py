"""The passwords of targets: from the environment, else from a file of this home that only its owner can read."""

from __future__ import annotations

import os
import re
from pathlib import Path

from django.conf import settings

from penstock.adapters.folders import make_folder, sync_folder
from penstock.engine.errors import UsageError
from penstock.engine.failpoint import declare, failpoint
from penstock.publish.models import Target

declare("credentials.before_rename", "credentials.after_rename")
LONGEST = 10_000


def variable(site: str, target: str) -> str:
    """The environment variable that holds a target's password when somebody sets it."""
    return "PENSTOCK_SECRET_" + re.sub(r"[^A-Z0-9]", "_", f"{site}_{target}".upper())


def given(site: str, target: str, file: Path | None) -> str:
    """The password from a file that was named, else from the environment, else "". Raises UsageError."""
    if file is None:
        return os.environ.get(variable(site, target), "")
    try:
        text = file.expanduser().read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--secret-file: {file} cannot be read as text") from error
    if not text or not text.isprintable() or len(text) > LONGEST:
        raise UsageError(f"--secret-file: {file} must hold the password in one line")
    return text


def of(target: Target) -> str:
    """A target's password; "" when it has none."""
    file = _file(target)
    return given(target.site.name, target.name, None) or (file.read_text(encoding="utf-8") if file.exists() else "")


def keep(target: Target, secret: str) -> None:
    """Keep a target's password (mode 0600)."""
    file = _file(target)
    make_folder(file.parent)
    part = file.with_suffix(".part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:
        stream.write(secret)
        stream.flush()
        failpoint("credentials.before_rename")
        os.fsync(stream.fileno())
    os.replace(part, file)
    failpoint("credentials.after_rename")
    sync_folder(file.parent)


def forget(target: Target) -> None:
    """Remove a target's password, and what somebody left who died while keeping it."""
    file = _file(target)
    file.with_suffix(".part").unlink(missing_ok=True)
    file.unlink(missing_ok=True)


def _file(target: Target) -> Path:
    return Path(settings.PENSTOCK.home) / "secrets" / f"target_{target.pk}"
