"""A sitting: the order of the rows is made once and then kept; what happens elsewhere is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest

from penstock.accounts.models import Site
from penstock.console.editor.presence import keeper
from penstock.console.editor.shapes import One, Open, Pulse, Some
from penstock.console.editor.sheet import Sheets
from penstock.console.editor.story import story
from penstock.console.editor.wire import takes
from penstock.console.listing import Filters, Listing
from penstock.console.signin import who_is
from penstock.ledger import events
from penstock.ledger.models import Event

MOST = 5000  # rows of one sitting
HEARD = 500  # events that one pulse reads


@takes(Open)
def queue(_request: HttpRequest, site: Site, body: Open) -> Mapping[str, Any]:
    """The rows of a sitting in brief, in its order, and where the events stand now."""
    listing = Listing(site, Filters.read(body.filters))
    last = Event.objects.filter(site=site).order_by("-id").values_list("id", flat=True).first()
    ids = listing.ids(0, MOST) if body.ids is None else body.ids[:MOST]
    found = Sheets(site).briefs(ids)
    total = listing.total if body.ids is None else len(found)
    return {"rows": found, "total": total, "most": MOST, "counts": listing.counts, "since": last or 0}


@takes(Some)
def whole(_request: HttpRequest, site: Site, body: Some) -> Mapping[str, Any]:
    """Rows with all that is shown of them."""
    return {"rows": Sheets(site).whole(body.ids)}


@takes(One)
def past(_request: HttpRequest, site: Site, body: One) -> Mapping[str, Any]:
    """What became of a row so far, and how its texts differ from what was generated."""
    sheets = Sheets(site)
    return story(site, sheets.gate, sheets.row(body.item))


@takes(Pulse)
def pulse(request: HttpRequest, site: Site, body: Pulse) -> Mapping[str, Any]:
    """Say where this window is; hear where others are and which rows changed."""
    desk = keeper()
    if body.leaving:
        desk.leave(site.pk, body.sitting)
    elif body.item is not None:
        desk.look(site.pk, body.sitting, who_is(request), body.item, take_over=body.take_over)
    others = desk.others(site.pk, body.sitting)
    table, since = Sheets(site).gate.table, body.since
    moved: set[int] = set()
    found = Event.objects.filter(site=site, id__gt=since).order_by("id")[:HEARD]
    for event in found:
        since = event.pk
        moved |= {item for one, item, _, _ in events.unpacked(event.moves) if one == table}
    rows = Sheets(site).briefs(sorted(moved)[:HEARD])
    return {"since": since, "others": others, "rows": rows, "counts": Listing(site, Filters()).counts}
