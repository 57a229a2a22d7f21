"""API tokens: 256 bits, shown once, stored as a hash. A token never may more than its user."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Any

from penstock.accounts import audit
from penstock.accounts.access import Caller, Role
from penstock.accounts.models import ApiToken, Site, User
from penstock.accounts.tx import commits, write
from penstock.engine.errors import NotFound, UsageError
from penstock.engine.ids import Ids

commits("accounts.token", "accounts.token_revoked", "accounts.token_used")

PREFIX = "pst_"  # so that scanners for secrets know one
NOTED = timedelta(hours=1)  # how exactly the last use is kept


def create(
    caller: Caller,
    at: datetime,
    ids: Ids,
    user: User,
    *,
    role: Role = Role.VIEWER,
    site: Site | None = None,
    expires_at: datetime | None = None,
    label: str = "",
) -> tuple[ApiToken, str]:
    """A token and its text, which is not kept. Raises UsageError when it would be over already."""
    if expires_at is not None and expires_at <= at:
        raise UsageError("--expires: that moment is past")
    text = PREFIX + ids.token() + ids.token()
    with write("accounts.token"):
        token = ApiToken.objects.create(
            user=user, label=label[:60], key_hash=digest(text), last4=text[-4:], role=role, site=site,
            created_at=at, expires_at=expires_at,
        )  # fmt: skip
        scope: dict[str, Any] = {"role": role, "site_name": site.name if site else None, "expires_at": _iso(expires_at)}
        audit.note(at, caller, "token.create", f"{user.name} …{token.last4}", site=site, **scope)
    return token, text


def revoke(caller: Caller, at: datetime, number: int) -> ApiToken:
    """End a token. Repeating it changes nothing; raises NotFound."""
    token = ApiToken.objects.select_related("user").filter(pk=number).first()
    if token is None:
        raise NotFound(f"there is no token {number}; `penstock token list` names them")
    if token.revoked_at is None:
        with write("accounts.token_revoked"):
            ApiToken.objects.filter(pk=number, revoked_at=None).update(revoked_at=at)
            audit.note(at, caller, "token.revoke", f"{token.user.name} …{token.last4}")
        token.revoked_at = at
    return token


def caller_of(text: str, at: datetime) -> Caller | None:
    """Whom a token acts for; None when it is none, revoked, over, or its user is not active."""
    if not text.startswith(PREFIX):
        return None
    token = ApiToken.objects.select_related("user").filter(key_hash=digest(text)).first()
    if token is None or token.revoked_at or not token.user.active:
        return None
    if token.expires_at is not None and token.expires_at <= at:
        return None
    if token.used_at is None or at - token.used_at >= NOTED:
        with write("accounts.token_used"):
            ApiToken.objects.filter(pk=token.pk).update(used_at=at)
    return Caller(token.user.name, token.user_id, "token", Role(token.role), token.site_id)


def digest(text: str) -> str:
    """Of what is random and long, a plain hash is enough to keep it from being read."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def _iso(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at else None
