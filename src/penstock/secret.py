"""The key that signs this home's forms: made once, readable by its owner only."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from penstock.adapters.folders import make_folder, sync_folder
from penstock.engine.failpoint import declare, failpoint

declare("secret.before_fsync", "secret.after_fsync", "secret.before_rename", "secret.after_rename")


def secret_key(home: Path) -> str:
    """Read the key of a home, making it the first time (mode 0600)."""
    file = home / "secret.key"
    make_folder(home)
    if not file.exists():
        _make(file)
    return file.read_text(encoding="ascii").strip()


def _make(file: Path) -> None:
    """Written aside, so that a program that is killed meanwhile leaves no half key; of two at once the first wins."""
    part = file.with_name(f"{file.name}.{secrets.token_hex(4)}")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as stream:
        stream.write(secrets.token_urlsafe(50))
        stream.flush()
        failpoint("secret.before_fsync")
        os.fsync(stream.fileno())
        failpoint("secret.after_fsync")
    failpoint("secret.before_rename")
    try:
        os.link(part, file)
    except FileExistsError:
        pass  # another program was first
    except OSError:  # a file system without links
        os.replace(part, file)
    failpoint("secret.after_rename")
    part.unlink(missing_ok=True)
    sync_folder(file.parent)
