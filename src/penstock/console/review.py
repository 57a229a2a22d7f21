"""The review: a list of rows, and what a person does to one. The verbs are the gate's; here they get their pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from penstock.accounts.models import Site, site_named
from penstock.console import commands, flagwords, qcreport
from penstock.console.cards import LABELS, Card, Choices, last_decisions, shown
from penstock.console.listing import ANY, CHANGED, HOLD, QC, SCORED, STATUSES, Filters, Listing
from penstock.console.problems import status_of
from penstock.console.signin import who_is
from penstock.engine.clock import SystemClock
from penstock.engine.errors import IllegalMove, NotFound, PenstockError, Refused, UsageError
from penstock.ledger import rows
from penstock.ledger.tx import commits, write
from penstock.pipelines.photos.models import PhotoSet
from penstock.review import gate as verbs

commits("review.save_and_approve")

CLOCK = SystemClock()
SETS = 500  # newest sets that a filter offers
REASONS = ("Not sharp", "Badly exposed", "Duplicate", "Wrong subject", "Not needed")
WRONG_FIELDS = {"filename": "File_Name", "folder": "Folder", "location": "Location"}


@dataclass(frozen=True)
class Asked:
    """What a form asks for."""

    verb: str
    revision: int
    seen: str | None
    once: str
    reason: str
    fields: Mapping[str, str]
    filters: Filters
    then: int | None

    @classmethod
    def read(cls, form: QueryDict) -> Asked:
        """From a sent form. Raises UsageError when it is not one of ours."""
        then = form.get("then", "")
        try:
            revision = int(form.get("revision", ""))
            following = int(then) if then else None
        except ValueError:
            raise UsageError("this form is incomplete; load the page again") from None
        return cls(
            verb=form.get("verb", ""),
            revision=revision,
            seen=form.get("seen") or None,
            once=form.get("once", "")[:50],
            reason=(form.get("quick") or form.get("reason", ""))[:500],
            fields={name: str(form[name]) for name in LABELS if name in form},
            filters=Filters.read(QueryDict(form.get("back", "")).dict()),
            then=following,
        )


@require_safe
def listed(request: HttpRequest, site: str) -> HttpResponse:
    """The rows that the address asks for."""
    owner = site_named(site)
    listing = Listing(owner, Filters.read(request.GET.dict()))
    cards = _cards(listing)
    echo = _echo(listing, request.GET)
    placed = _place(echo, cards)
    report = qcreport.newest(owner)
    return render(
        request,
        "console/review.html",
        {
            **_frame(listing),
            "cards": cards,
            "report": report,
            "echo": None if placed else echo,
            "choices": Choices.of(owner),
            "qc_choices": QC,
            "scored": SCORED,
            "sets": sets_of(owner, Choices.of(owner)),
            "flag_choices": flag_choices(report),
            "first": listing.start + 1,
            "last": listing.start + len(cards),
        },
    )


@require_http_methods(["GET", "HEAD", "POST"])
def one(request: HttpRequest, site: str, item: int) -> HttpResponse:
    """One row: looking at it, and doing something to it."""
    owner = site_named(site)
    if request.method == "POST":
        return _act(request, owner, item)
    listing = Listing(owner, Filters.read(request.GET.dict()))
    return _whole_page(request, listing, _card(listing, item), 200)


def _act(request: HttpRequest, site: Site, item: int) -> HttpResponse:
    asked = Asked.read(request.POST)
    listing = Listing(site, asked.filters)
    shown_card = _card(listing, item)
    status = 200
    try:
        _do(asked, listing.gate, shown_card.row, who_is(request), CLOCK.wall())
        card = _card(listing, item)
    except (Refused, UsageError, IllegalMove) as error:
        status = status_of(error)
        card = _refused(_card(listing, item), asked, error)
    card.then = asked.then
    if request.headers.get("HX-Request") == "true":
        said = card.alert or f"{card.title}: {card.status.lower()}."
        context = {**_frame(listing), "card": card, "swap": True, "said": said}
        return render(request, "console/row_swapped.html", context, status=status)
    return _whole_page(request, listing, card, status) if status != 200 else _back(asked, card)


def _do(asked: Asked, gate: verbs.Gate, row: Mapping[str, Any], who: str, at: datetime) -> None:
    """Carry out what was asked. Raises what the gate raises, and UsageError for a verb that is none."""
    doing = VERBS.get(asked.verb)
    if doing is None:
        raise UsageError("this form asks for nothing known; load the page again")
    doing(asked, gate, row, {"who": who, "at": at, "revision": asked.revision})


def _approve(asked: Asked, gate: verbs.Gate, row: Mapping[str, Any], by: dict[str, Any]) -> None:
    verbs.approve(gate.table, row["id"], seen=asked.seen, decision_id=f"{asked.once}-approve", **by)


def _reject(asked: Asked, gate: verbs.Gate, row: Mapping[str, Any], by: dict[str, Any]) -> None:
    if not asked.reason.strip():
        raise UsageError("a rejection needs a reason: choose one, or write one")
    verbs.reject(gate.table, row["id"], reason=asked.reason, decision_id=f"{asked.once}-reject", **by)


def _send_back(asked: Asked, gate: verbs.Gate, row: Mapping[str, Any], by: dict[str, Any]) -> None:
    verbs.send_back(gate.table, row["id"], decision_id=f"{asked.once}-pending", **by)


def _hold(value: bool) -> Callable[..., None]:
    def doing(_asked: Asked, gate: verbs.Gate, row: Mapping[str, Any], by: dict[str, Any]) -> None:
        verbs.edit(gate.table, row["id"], {"hold": value}, **by)

    return doing


def _save(asked: Asked, gate: verbs.Gate, row: Mapping[str, Any], by: dict[str, Any]) -> None:
    """Write the fields that differ from the row. The gate sees nothing that the person left as it was."""
    verbs.edit(gate.table, row["id"], _differing(asked, row), **by)


def _save_and_approve(asked: Asked, gate: verbs.Gate, row: Mapping[str, Any], by: dict[str, Any]) -> None:
    """Both or neither: what was shown, with what was typed, is what is approved."""
    if asked.seen is not None and asked.seen != verbs.fingerprint(gate, row):
        raise Refused(f"item {row['id']} changed since it was shown; look at it again", code="changed")
    with write("review.save_and_approve"):
        after = verbs.edit(gate.table, row["id"], _differing(asked, row), **by)
        verbs.approve(gate.table, row["id"], **{**by, "revision": after["revision"]})


VERBS: dict[str, Callable[..., None]] = {
    "approve": _approve,
    "reject": _reject,
    "pending": _send_back,
    "hold": _hold(True),
    "unhold": _hold(False),
    "save": _save,
    "save_approve": _save_and_approve,
}


def _differing(asked: Asked, row: Mapping[str, Any]) -> dict[str, str]:
    return {name: value for name, value in asked.fields.items() if value != shown(row[name])}


def _refused(card: Card, asked: Asked, error: PenstockError) -> Card:
    """The row as it is now, with the reason, and with what was typed."""
    card.alert = str(error)
    if error.code == "changed" and asked.revision != card.row["revision"]:
        card.alert = "This row was changed meanwhile, so nothing was done. Below are its newest values."
        card.unsaved = [(LABELS[name], value) for name, value in _differing(asked, card.row).items()]
        return card
    card.typed = _differing(asked, card.row)
    named = str(error).partition(":")[0]
    card.wrong_field = WRONG_FIELDS.get(named, named) if asked.fields else ""
    if card.wrong_field in LABELS:
        card.alert = f"{LABELS[card.wrong_field]}:{str(error).partition(':')[2]}"
    return card


def _back(asked: Asked, card: Card) -> HttpResponse:
    """To the list, where the person was: at the row if it is still there, else where it stood."""
    place = f"item-{card.id}" if card.row["Review_Status"] == asked.filters.status else "echo"
    query = asked.filters.address()
    told = QueryDict(mutable=True)
    told.update({"done": asked.verb, "item": str(card.id), "then": str(asked.then or "")})
    url = reverse("review", args=[card.site.name])
    return HttpResponseRedirect(f"{url}?{query}&{told.urlencode()}#{place}")


def _whole_page(request: HttpRequest, listing: Listing, card: Card, status: int) -> HttpResponse:
    return render(request, "console/item.html", {**_frame(listing), "card": card}, status=status)


def _frame(listing: Listing) -> dict[str, Any]:
    filters = listing.filters
    tabs = [
        {"status": word, "n": listing.counts[word], "address": filters.address(status=word, page=1)}
        for word in STATUSES
        if listing.counts[word] or word in STATUSES[:2] or word == filters.status
    ]
    return {
        "site": listing.site,
        "listing": listing,
        "filters": filters,
        "tabs": tabs,
        "back": filters.address(),
        "reasons": REASONS,
        "approved": listing.counts["Approved"],
        "commands": commands.of(listing.site),
        "earlier": filters.address(page=filters.page - 1) if filters.page > 1 else "",
        "later": filters.address(page=filters.page + 1) if filters.page < listing.pages else "",
    }


def _cards(listing: Listing) -> list[Card]:
    found = listing.rows
    choices = Choices.of(listing.site)
    decisions = last_decisions(listing.gate.table, [row["id"] for row in found])
    following = [*(row["id"] for row in found[1:]), None]
    return [
        Card(listing.site, listing.gate, row, choices, decisions.get(row["id"]), then)
        for row, then in zip(found, following, strict=False)
    ]


def _card(listing: Listing, item: int) -> Card:
    """Raises NotFound for a row that is not this site's, exactly as for one that does not exist."""
    found = rows.read(listing.gate.table, [item])
    if not found or found[0]["site_id"] != listing.site.pk:
        raise NotFound(f"site {listing.site.name} has no item {item}")
    decision = last_decisions(listing.gate.table, [item]).get(item)
    return Card(listing.site, listing.gate, found[0], Choices.of(listing.site), decision)


def _echo(listing: Listing, given: QueryDict) -> Card | None:
    """The row that was just decided, so that it can be taken back from where the person looks."""
    item = given.get("item", "")
    if given.get("done") not in VERBS or not (item.isascii() and item.isdigit()):
        return None
    then = given.get("then", "")
    try:
        card = _card(listing, int(item[:18]))
    except NotFound:
        return None
    card.then = int(then[:18]) if then.isascii() and then.isdigit() else None
    return card


def _place(echo: Card | None, cards: list[Card]) -> bool:
    """Hang the echo on the row before which it stands: the row itself, or the one that followed it."""
    wanted = (echo.id, echo.then) if echo else ()
    place = next((card for one in wanted for card in cards if card.id == one), None)
    if place is not None:
        place.echo = echo
    return place is not None


def flag_choices(report: qcreport.Summary | None) -> list[tuple[str, str]]:
    """(value, words) of what a list may be filtered by."""
    fixed = [(ANY, "Any flag"), (CHANGED, "Changed by the rules"), (HOLD, "On hold")]
    return [*fixed, *flagwords.choices(flag for flag, _, _ in (report.found if report else ()))]


def sets_of(site: Site, choices: Choices) -> list[tuple[int, str]]:
    """The newest sets of a site, in words."""
    found = PhotoSet.objects.filter(site=site).order_by("-id")[:SETS]
    return [(one.pk, _set_words(one, choices)) for one in found]


def _set_words(one: PhotoSet, choices: Choices) -> str:
    names = (choices.locations.get(one.location, one.location), choices.folders.get(one.folder, one.folder))
    return " · ".join((one.subject, *names))
