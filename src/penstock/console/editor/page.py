"""The page that the editor's scripts live on. Rows come as data; without scripts it points to the plain list."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from penstock.accounts.models import Site, site_named
from penstock.console import qcreport
from penstock.console.cards import Choices
from penstock.console.listing import QC, SCORED, STATUSES, Filters, Listing
from penstock.console.review import REASONS, flag_choices, sets_of
from penstock.console.signin import who_is
from penstock.review import spelling


@require_safe
def editor(request: HttpRequest, site: str) -> HttpResponse:
    """The frame, and all that the scripts must know before the first row."""
    owner = site_named(site)
    listing = Listing(owner, Filters.read(request.GET.dict()))
    report = qcreport.newest(owner)
    choices = Choices.of(owner)
    context = {
        "site": owner, "filters": listing.filters, "counts": listing.counts, "report": report, "choices": choices,
        "statuses": STATUSES, "qc_choices": QC, "flag_choices": flag_choices(report), "scored": SCORED,
        "sets": sets_of(owner, choices), "reasons": REASONS, "boot": _boot(request, owner, choices, report),
    }  # fmt: skip
    return render(request, "console/editor.html", context)


def _boot(request: HttpRequest, site: Site, choices: Choices, report: qcreport.Summary | None) -> dict[str, Any]:
    return {
        "site": site.name,
        "base": reverse("editor", args=[site.name]),
        "who": who_is(request),
        "reasons": REASONS,
        "folders": choices.folders,
        "locations": choices.locations,
        "words": spelling.own_words(site),
        "language": spelling.language(site),
        "report": report.run if report and not report.problem else "",
        "publish": reverse("publish", args=[site.name]),
    }
