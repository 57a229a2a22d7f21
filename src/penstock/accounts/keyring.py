"""The keys that encrypt secrets at rest: one file of the home for its owner only, newest key first.

PENSTOCK_KEYS, when set, names another file (a credential that the service manager provides, for example)."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from filelock import FileLock

from penstock.adapters.folders import make_folder, sync_folder
from penstock.engine.errors import PenstockError, UsageError
from penstock.engine.failpoint import declare, failpoint

declare("keyring.before_fsync", "keyring.after_fsync", "keyring.before_rename", "keyring.after_rename")

PATIENCE = 60.0  # seconds for another program that encrypts


class Unreadable(PenstockError):
    """A secret cannot be decrypted with the keys of this home."""

    code = "unreadable_secret"
    exit_code = 2


def file() -> Path:
    """Where the keys are."""
    chosen = os.environ.get("PENSTOCK_KEYS")
    return Path(chosen) if chosen else Path(settings.PENSTOCK.home) / "integrations.keys"


def alone() -> FileLock:
    """Hold this while something is encrypted and until it is stored: nobody makes or drops a key meanwhile."""
    make_folder(file().parent)
    return FileLock(f"{file()}.lock", timeout=PATIENCE)


def encrypted(plain: bytes) -> str:
    """With the newest key, which is made when there is none. Within `alone`."""
    if not file().exists():
        _write([Fernet.generate_key().decode()])
    return _fernet().encrypt(plain).decode()


def decrypted(token: str) -> bytes:
    """With whichever key fits. Raises Unreadable."""
    try:
        return _fernet().decrypt(token.encode())
    except InvalidToken:
        raise Unreadable(f"a secret was encrypted with a key that is not in {file()}; set it anew") from None


def add_key() -> None:
    """A new key in front: from now on it encrypts, and the others still decrypt. Within `alone`."""
    _write([Fernet.generate_key().decode(), *(keys() if file().exists() else [])])


def drop_old_keys() -> int:
    """Only the newest key stays; answers how many went. Everything must be encrypted with it before. Within `alone`."""
    newest, *old = keys()
    _write([newest])
    return len(old)


def keys() -> list[str]:
    """Newest first. Raises UsageError when the file is missing or holds none."""
    try:
        found = file().read_text(encoding="ascii").split()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file()}: the keys of this home cannot be read ({error})") from error
    if not found:
        raise UsageError(f"{file()} holds no key; restore it from a backup, or remove it and set the secrets anew")
    return found


def _fernet() -> MultiFernet:
    try:
        return MultiFernet([Fernet(key) for key in keys()])
    except ValueError:
        raise UsageError(f"{file()}: a line of it is no key (32 bytes in URL-safe base64)") from None


def _write(wanted: list[str]) -> None:
    """Written aside and made durable: a program that is killed meanwhile leaves the old keys or the new ones."""
    target = file()
    part = target.with_name(f"{target.name}.part")
    part.unlink(missing_ok=True)  # of a program that was killed
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as stream:
        stream.write("\n".join(wanted) + "\n")
        stream.flush()
        failpoint("keyring.before_fsync")
        os.fsync(stream.fileno())
        failpoint("keyring.after_fsync")
    failpoint("keyring.before_rename")
    os.replace(part, target)
    failpoint("keyring.after_rename")
    sync_folder(target.parent)
