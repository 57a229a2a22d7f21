"""Before a run and after it: the points of preflight and of validation, with how to mend each."""

from __future__ import annotations

from collections import Counter

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from penstock.accounts.access import Role
from penstock.accounts.models import site_named
from penstock.console.roles import asks
from penstock.ledger.control import find
from penstock.records.check import check
from penstock.records.verify import verify

WORDS = {"ok": "in order", "warn": "to look at", "fail": "in the way"}


@require_safe
@asks(to_look=Role.OPERATOR)
def preflight(request: HttpRequest, site: str) -> HttpResponse:
    """Whether a site is ready for a run. It asks model servers and targets, so it may take a while."""
    owner = site_named(site)
    points = check(owner)
    told = Counter(WORDS[point.state] for point in points)
    context = {
        "site": owner, "points": points, "told": dict(told), "title": "Before a run", "here": "automation",
        "command": f"penstock check {owner.name}",
    }  # fmt: skip
    return render(request, "console/checks.html", context)


@require_safe
@asks(to_look=Role.OPERATOR)
def validation(request: HttpRequest, run: str) -> HttpResponse:
    """Whether everything is as it should be after a run."""
    one = find(run)
    points = verify(one)
    told = Counter(WORDS[point.state] for point in points)
    context = {
        "site": one.site, "run": one, "points": points, "told": dict(told), "title": f"After run {one.id}",
        "here": "runs", "command": f"penstock verify {one.id}",
    }  # fmt: skip
    return render(request, "console/checks.html", context)
