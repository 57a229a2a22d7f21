"""Failed sign-ins are slowed down, per name and per address; a right password is asked to wait, too."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from penstock.accounts.models import SignInFailure
from penstock.accounts.tx import commits, write
from penstock.engine.errors import PenstockError

commits("accounts.sign_in_failed", "accounts.sign_in_cleared")

WINDOW = timedelta(minutes=15)
FREE = {"name": 5, "from": 30}  # tries within the window that cost nothing
FIRST, LONGEST = 15.0, 900.0  # seconds to wait after the first one too many; doubles


class TooMany(PenstockError):
    """Too many failed sign-ins."""

    permanent = False
    code = "too_many_attempts"
    exit_code = 4


def check(at: datetime, name: str, address: str) -> None:
    """Raise TooMany while the name or the address has to wait."""
    wait = max(_wait(at, kind, given) for kind, given in (("name", name), ("from", address)))
    if wait > 0:
        raise TooMany(f"too many failed sign-ins; try again in {round(wait) or 1} seconds", facts={"seconds": wait})


def _wait(at: datetime, kind: str, given: str) -> float:
    row = SignInFailure.objects.filter(key_hash=_key(kind, given)).first()
    if row is None or at - row.last > WINDOW:
        return 0.0
    over = row.count - FREE[kind]
    if over < 0:
        return 0.0
    return min(LONGEST, FIRST * 2.0 ** min(over, 10)) - (at - row.last).total_seconds()


def failed(at: datetime, name: str, address: str) -> None:
    """Count a failed try."""
    with write("accounts.sign_in_failed"):
        SignInFailure.objects.filter(last__lt=at - WINDOW).delete()
        for kind, given in (("name", name), ("from", address)):
            row, _ = SignInFailure.objects.get_or_create(key_hash=_key(kind, given), defaults={"since": at, "last": at})
            SignInFailure.objects.filter(pk=row.pk).update(count=row.count + 1, last=at)


def cleared(name: str) -> None:
    """The name has signed in: its failures are forgotten. Those of the address are not."""
    if SignInFailure.objects.filter(key_hash=_key("name", name)).exists():
        with write("accounts.sign_in_cleared"):
            SignInFailure.objects.filter(key_hash=_key("name", name)).delete()


def _key(kind: str, given: str) -> str:
    return hashlib.sha256(f"{kind}:{given.casefold()}".encode("utf-8", "replace")).hexdigest()
