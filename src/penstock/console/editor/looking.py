"""What the editor asks while somebody types or looks: names, ratings, spelling, look-alikes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.http import HttpRequest

from penstock.accounts.models import Site
from penstock.console.editor.shapes import Name, One, Rating, Suggest, Texts, Word
from penstock.console.editor.sheet import Sheets
from penstock.console.editor.wire import takes
from penstock.console.signin import who_is
from penstock.engine.clock import SystemClock
from penstock.engine.errors import PenstockError
from penstock.engine.states import ItemState
from penstock.pipelines.photos import gatekeeping, namebook, taxonomy
from penstock.pipelines.photos.keywords import signature
from penstock.pipelines.photos.models import Photo
from penstock.review import duplicates, spelling

CLOCK = SystemClock()
MOST = 24  # look-alikes that are shown
AT_GATE = (ItemState.WAITING, ItemState.APPROVED, ItemState.DONE)


@takes(Name)
def name(_request: HttpRequest, site: Site, body: Name) -> Mapping[str, Any]:
    """Whether a photo may have this file name; `sentence` says why not."""
    row = Sheets(site).row(body.item)
    try:
        return {"name": namebook.free(row, body.name), "sentence": ""}
    except PenstockError as error:
        return {"name": "", "sentence": str(error)}


@takes(Rating)
def rating(_request: HttpRequest, site: Site, body: Rating) -> Mapping[str, Any]:
    """The class of a rating."""
    try:
        found = gatekeeping.clean(site.pk, {}, {"QR": body.rating})
    except PenstockError as error:
        return {"qc": "", "sentence": str(error)}
    return {"qc": found["QC_Status"], "sentence": ""}


@takes(Texts)
def spell(_request: HttpRequest, site: Site, body: Texts) -> Mapping[str, Any]:
    """The words of each text that nobody knows."""
    return {"unknown": spelling.unknown(site, body.texts, _phrases(site)), "language": spelling.language(site)}


@takes(Suggest)
def suggest(_request: HttpRequest, site: Site, body: Suggest) -> Mapping[str, Any]:
    """What may be meant."""
    return {"word": body.word, "suggestions": spelling.suggestions(site, body.word)}


@takes(Word)
def add_word(request: HttpRequest, site: Site, body: Word) -> Mapping[str, Any]:
    """The site knows this word from now on."""
    spelling.add(site, body.word, who_is(request), CLOCK.wall())
    return {"words": spelling.own_words(site)}


@takes(Word)
def forget_word(_request: HttpRequest, site: Site, body: Word) -> Mapping[str, Any]:
    """The site forgets this word."""
    spelling.forget(site, body.word)
    return {"words": spelling.own_words(site)}


@takes(One)
def twins(_request: HttpRequest, site: Site, body: One) -> Mapping[str, Any]:
    """Rows that look like this one, or say the same, with why."""
    sheets = Sheets(site)
    row = sheets.row(body.item)
    why: dict[int, list[str]] = {}
    for other, reason in _alike(site, row):
        why.setdefault(other, []).append(reason)
    found = sheets.whole([*why][:MOST])
    return {"rows": [{**one, "why": why[one["id"]]} for one in found], "total": len(why)}


def _alike(site: Site, row: Mapping[str, Any]) -> Iterator[tuple[int, str]]:
    there = Photo.objects.filter(site=site, stage="review", state__in=AT_GATE).exclude(id=row["id"])
    if row["near_group"] is not None:
        same = there.filter(run=row["run"], near_group=row["near_group"]).order_by("ordinal", "id")
        yield from ((other, "The pictures look alike") for other in same.values_list("id", flat=True))
    for column, words in (("Caption", "caption"), ("alt_text", "alt text")):
        texts = list(there.exclude(**{column: ""}).values_list("id", column))
        for other, score in duplicates.like(row[column], texts)[:MOST]:
            yield other, f"The same {words}" if score >= 100 else f"The {words} is {score:.0f} % alike"
    yield from _same_keywords(row, there.values_list("id", "Keywords"))


def _same_keywords(row: Mapping[str, Any], texts: Iterable[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    mine = signature(row["Keywords"].split(","))
    if mine:
        yield from ((other, "The same keywords") for other, text in texts if signature(text.split(",")) == mine)


def _phrases(site: Site) -> set[str]:
    """Places, folders, subjects and gear of the site."""
    found = {*taxonomy.names(site, "folder").values(), *taxonomy.names(site, "location").values()}
    found |= {key.replace("_", " ") for key in taxonomy.names(site, "location")}
    for values in Photo.objects.filter(site=site).values_list("Camera", "Lens_model", "Subject").distinct():
        found |= {value for value in values if value}
    return found
