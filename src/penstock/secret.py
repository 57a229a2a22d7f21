"""The key that signs this home's forms: made once, readable by its owner only."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from penstock.adapters.folders import make_folder, sync_folder
from penstock.engine.failpoint import declare, failpoint

declare("secret.before_fsync", "secret.after_fsync")


def secret_key(home: Path) -> str:
    """Read the key of a home, making it the first time (mode 0600)."""
    file = home / "secret.key"
    make_folder(home)
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return file.read_text(encoding="ascii").strip()
    with os.fdopen(handle, "w", encoding="ascii") as stream:
        key = secrets.token_urlsafe(50)
        stream.write(key)
        stream.flush()
        failpoint("secret.before_fsync")
        os.fsync(stream.fileno())
        failpoint("secret.after_fsync")
    sync_folder(home)
    return key
