"""The providers that a site uses, and their keys: of a key only its last four characters are ever shown."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from penstock.accounts import integrations
from penstock.accounts.access import Caller, Role
from penstock.accounts.models import Integration, Site, site_named
from penstock.console.commands import Way
from penstock.console.roles import asks, signed_in
from penstock.console.when import when
from penstock.engine.clock import Clock, SystemClock
from penstock.engine.errors import PenstockError

CLOCK: Clock = SystemClock()


@require_http_methods(["GET", "HEAD", "POST"])
@asks(to_look=Role.OWNER, to_act=Role.OWNER)
def integrations_page(request: HttpRequest, site: str) -> HttpResponse:
    """The list and the form; POST sets one, or removes it."""
    owner, caller = site_named(site), signed_in(request)
    if request.method != "POST":
        return _page(request, owner)
    try:
        _change(request, owner, caller)
    except PenstockError as error:
        given = {name: request.POST.get(name, "")[:500] for name in ("name", "url")}
        return _page(request, owner, 422, wrong=str(error), given=given, near="near" in request.POST)
    return HttpResponseRedirect(reverse("integrations", args=[owner.name]))


def _change(request: HttpRequest, owner: Site, caller: Caller) -> None:
    name, secret = request.POST.get("name", "").strip(), request.POST.get("secret", "").strip()
    if request.POST.get("verb") == "remove":
        integrations.remove(caller, CLOCK.wall(), owner, name)
        return
    url, near = request.POST.get("url", "").strip(), "near" in request.POST
    integrations.put(caller, CLOCK.wall(), owner, name, url, secret or None, near=near)


def _page(request: HttpRequest, owner: Site, status: int = 200, **more: Any) -> HttpResponse:
    found = [_row(one, owner) for one in integrations.listed(owner)]
    ways = [
        Way("Set", f"penstock integration set {owner.name} NAME --url URL"),
        Way("Remove", f"penstock integration remove {owner.name} NAME"),
        Way("List", f"penstock integration list {owner.name}"),
    ]
    context = {"site": owner, "found": found, "ways": ways, **more}
    return render(request, "console/integrations.html", context, status=status)


def _row(one: Integration, owner: Site) -> dict[str, Any]:
    return {**integrations.shown(one), "changed": when(one.changed_at, owner)}
