"""The sets of a photo site: what was brought in, and how to bring in more."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from penstock.accounts.access import Caller
from penstock.accounts.models import Site, site_named
from penstock.console import commands
from penstock.console.roles import signed_in
from penstock.engine.clock import Clock, SystemClock
from penstock.engine.errors import UsageError
from penstock.pipelines.photos import intake, taxonomy
from penstock.pipelines.photos.models import Photo, PhotoFile, PhotoSet
from penstock.records.overview import site_items

CLOCK: Clock = SystemClock()
SHOWN = 100  # sets
COUNTED = 50_000  # rows of a site whose sets are counted: sets have no counters of their own
LEFT_OUT = 20  # files that were left out and are named
FIELDS = {"path": "Folder or file on this machine", "folder": "Filed under", "location": "Where they were taken",
          "subject": "What they show"}  # fmt: skip
HINTS = {
    "path": "the whole path, such as /home/me/Pictures/Rome; the files stay where they are, copies are worked on",
    "folder": "one word, such as city or nature",
    "location": "such as Rome_Italy",
    "subject": "such as Fountain of the four rivers",
}


@require_http_methods(["GET", "HEAD", "POST"])
def sets(request: HttpRequest, site: str) -> HttpResponse:
    """The list, and the form; POST makes a set, after a question where a folder or location is new."""
    owner, caller = site_named(site), signed_in(request)
    if request.method != "POST":
        return _page(request, owner, caller)
    if caller.user is not None:
        raise UsageError("only the person who started the program may name folders of this machine")
    return _add(request, owner, caller)


def _add(request: HttpRequest, owner: Site, caller: Caller) -> HttpResponse:
    given = {name: request.POST.get(name, "").strip() for name in FIELDS}
    deep = "recursive" in request.POST
    told: dict[str, Any] = {"given": given, "recursive": deep}
    missing = [FIELDS[name] for name, text in given.items() if not text]
    if missing:
        return _page(request, owner, caller, 422, **told, wrong=f"Still missing: {', '.join(missing)}")
    sure = set(request.POST.getlist("sure")) if "yes" in request.POST else set[str]()
    try:
        new = [one for one in _questions(owner, given) if one not in sure]
        if new:
            return _page(request, owner, caller, **told, new=new)
        added = intake.add(
            owner, Path(given["path"]), folder=given["folder"], location=given["location"], subject=given["subject"],
            confirm=lambda one: one in sure, at=CLOCK.wall(), recursive=deep, who=caller.name,
        )  # fmt: skip
    except UsageError as error:
        return _page(request, owner, caller, 422, **told, wrong=str(error).replace("--", ""))
    return _page(request, owner, caller, added=added, skipped=added.skipped[:LEFT_OUT])


def _questions(owner: Site, given: dict[str, str]) -> list[str]:
    """What a person has to say yes to."""
    asked: list[str] = []

    def note(question: str) -> bool:
        asked.append(question)
        return True

    for kind in taxonomy.KINDS:
        taxonomy.ask(owner, kind, given[kind], note)
    return asked


def _page(request: HttpRequest, owner: Site, caller: Caller, status: int = 200, **more: Any) -> HttpResponse:
    given = more.get("given", {})
    found = list(PhotoSet.objects.filter(site=owner).order_by("-id")[:SHOWN])
    few = sum(site_items(owner.pk).values()) <= COUNTED
    ids = [one.pk for one in found] if few else []
    files, photos = _counts(PhotoFile, ids), _counts(Photo, ids)
    context = {
        "site": owner, "found": [_row(one, files[one.pk], photos[one.pk]) for one in found], "most": SHOWN,
        "counted": few, "limit": COUNTED,
        "here_too": caller.user is None, "commands": commands.of(owner), "recursive": True,
        "fields": [(name, label, given.get(name, ""), HINTS[name]) for name, label in FIELDS.items()],
        "folders": taxonomy.names(owner, "folder"), "locations": taxonomy.names(owner, "location"), **more,
    }  # fmt: skip
    return render(request, "console/sets.html", context, status=status)


def _counts(model: type[Photo] | type[PhotoFile], sets: list[int]) -> dict[int, Counter[str]]:
    """Set → state → its rows."""
    found: dict[int, Counter[str]] = defaultdict(Counter)
    for one, state, n in (
        model.objects.filter(set__in=sets).order_by().values_list("set", "state").annotate(Count("pk"))
    ):
        found[one][state] += n
    return found


def _row(one: PhotoSet, files: Counter[str], photos: Counter[str]) -> dict[str, Any]:
    both = files + photos
    return {
        "set": one, "files": files.total(), "todo": both["ready"] + both["leased"], "review": photos["waiting"],
        "decided": photos["approved"] + photos["rejected"] + photos["done"],
        "broken": both["failed"] + both["quarantined"],
    }  # fmt: skip
