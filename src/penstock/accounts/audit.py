"""The audit log: who changed what in accounts. Entries are added, never changed or removed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from penstock.accounts.access import Caller
from penstock.accounts.models import AuditEntry, Site


def note(
    at: datetime,
    caller: Caller,
    verb: str,
    subject: str = "",
    *,
    account: int | None = None,
    site: Site | None = None,
    **detail: Any,
) -> None:
    """One entry, in the transaction of what it tells of. Secrets are never part of `detail`."""
    AuditEntry.objects.create(
        at=at, who=caller.name[:100], via=caller.via, verb=verb, subject=subject[:160],
        account=site.account_id if site else account, site=site.pk if site else None, detail=detail,
    )  # fmt: skip


def entries(*, site: Site | None = None, account: int | None = None) -> QuerySet[AuditEntry]:
    """Newest first: of a site, of an account with its sites, or of the whole home."""
    found = AuditEntry.objects.order_by("-id")
    if site is not None:
        return found.filter(site=site.pk)
    return found if account is None else found.filter(account=account)
