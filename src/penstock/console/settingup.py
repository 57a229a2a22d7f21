"""Making a site in the browser."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST

from penstock.accounts import SETTINGS, access, audit
from penstock.accounts.access import Caller, Role
from penstock.accounts.models import Account, Site, create_site
from penstock.accounts.tx import commits, write
from penstock.console.roles import signed_in
from penstock.engine.clock import Clock, SystemClock
from penstock.engine.errors import UsageError
from penstock.ledger import configuration

CLOCK: Clock = SystemClock()
FIRST = "default"  # the account that is made with the first site

commits("console.site")


@require_POST
def create(request: HttpRequest) -> HttpResponse:
    """Make the site, then lead to its sets; a wrong field is told in the form."""
    from penstock.console.pages import sites_context

    caller = signed_in(request)
    given = {name: request.POST.get(name, "").strip()[:60] for name in ("name", "pipeline", "timezone", "account")}
    try:
        site = _create(caller, **given)
    except UsageError as error:
        context = {**sites_context(caller), "given": given, "wrong": str(error)}
        return render(request, "console/sites.html", context, status=422)
    return HttpResponseRedirect(reverse("sets" if site.pipeline == "photos" else "automation", args=[site.name]))


def _create(caller: Caller, name: str, pipeline: str, timezone: str, account: str) -> Site:
    if account not in accounts(caller):
        access.reach_account(caller, account, Role.OWNER)
    if pipeline not in SETTINGS:
        raise UsageError(f"there is no pipeline {pipeline!r}; pipelines: {', '.join(sorted(SETTINGS))}")
    zone = configuration.checked_zone(timezone or "UTC")
    with write("console.site"):
        site = create_site(name, pipeline, timezone=zone, account=account)
        audit.note(CLOCK.wall(), caller, "site.create", name, site=site, pipeline=pipeline)
    return site


def accounts(caller: Caller) -> list[str]:
    """The accounts that the caller may make sites in; at a new home the one that comes with the first site."""
    if caller.user is None:
        known = list(Account.objects.order_by("name").values_list("name", flat=True))
        return known or [FIRST]
    owned = Account.objects.filter(memberships__user=caller.user, memberships__role=Role.OWNER)
    return list(owned.order_by("name").values_list("name", flat=True))


def form(caller: Caller) -> dict[str, Any]:
    """What the form offers."""
    return {"accounts": accounts(caller), "pipelines": list(SETTINGS)}  # as they were registered: photos first
